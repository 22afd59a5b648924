# SPDX-License-Identifier: Apache-2.0
"""The flags that say how a model is asked, in every script that asks one."""

import argparse
import json

from sycophancy.answering.prompts import ANSWER_TOKENS
from sycophancy.cli import positive_int


def template_arguments(text: str) -> dict:
    """The arguments of a chat template, from JSON.

    Raises:
        argparse.ArgumentTypeError: the text is no JSON object.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f'expected an object such as {{"enable_thinking": false}}, got {text!r}')
    return value


def add_asking_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `asking_of`, `--chat_template_kwargs` and `--dtype`."""
    parser.add_argument(
        "--answer",
        choices=("text", "scores"),
        help="the model writes, or its choices are scored [text with a chat template, else scores]",
    )
    parser.add_argument(
        "--generate", action="store_const", const="text", dest="answer", help="the same as --answer text"
    )
    parser.add_argument(
        "--chat_template_kwargs", type=template_arguments, default={}, help="arguments of the template, as JSON"
    )
    parser.add_argument(
        "--max_new_tokens", type=positive_int, default=ANSWER_TOKENS, help=f"most tokens of an answer [{ANSWER_TOKENS}]"
    )
    parser.add_argument(
        "--max_thought_tokens", type=positive_int, default=1024, help="most tokens of a thought before it [1024]"
    )
    parser.add_argument(
        "--batch_size", type=positive_int, help="most prompts per batch and process [what fits a forward pass, or 64]"
    )
    parser.add_argument(
        "--batch_tokens", type=positive_int, help="most tokens of a forward pass, with padding and answers"
    )
    parser.add_argument(
        "--dtype", default="float32", choices=("float32", "bfloat16", "float16"), help="of the weights [float32]"
    )


def asking_of(args: argparse.Namespace):
    """The `sycophancy.answering.answers.Asking` of a command line, with its `--seed` where it has one."""
    from sycophancy.answering.answers import Asking

    bounds = (args.batch_size, args.batch_tokens, args.max_new_tokens, args.max_thought_tokens)
    return Asking(args.answer, *bounds, getattr(args, "seed", 0))
