# SPDX-License-Identifier: Apache-2.0
"""How scoring's cost grows with rows, tokens, choices and the model's width: seconds, and the fitted exponent of each.

    OMP_NUM_THREADS=2 python benchmarks/growth.py --output docs/results/benchmarks/growth.json

One size is changed at a time; the others stay at 64 rows of 64 tokens with 2 choices and a T5 of width 256 with 4 layers
and random weights. Prompts are drawn tokens; each size is timed `--repeats` times, all sizes in turn. The exponent is
the slope of the least-squares line through the logarithms of size and median seconds: 1 is proportional.
"""

import argparse
import random
import statistics
from pathlib import Path

from side_by_side import THREADS, flan_t5_shape, t5_tokenizer, take_turns, write_record

SIZES = {"rows": (32, 64, 128, 256), "tokens": (32, 64, 128, 256), "choices": (2, 4, 8, 16), "width": (128, 256, 512)}
USUAL = {"rows": 64, "tokens": 64, "choices": 2, "width": 256}


def job(tokenizer, rows: int, tokens: int, choices: int, width: int):
    """Scoring of one size."""
    from sycophancy.answering.forms import Asked
    from sycophancy.answering.seq2seq import score_parts

    draw = random.Random(0)
    model = flan_t5_shape(4, d_model=width, d_ff=2 * width, num_heads=width // 64, vocab_size=8192)
    questions = [
        Asked(
            [draw.randrange(3, 8000) for _ in range(tokens - 1)] + [1],
            [[draw.randrange(3, 8000), draw.randrange(3, 8000), 1] for _ in range(choices)],
            [str(number) for number in range(choices)],
        )
        for _ in range(rows)
    ]
    parts = [questions[at : at + 16] for at in range(0, rows, 16)]
    return lambda _: score_parts(model, tokenizer, parts) and None


def exponent(sizes, seconds) -> float:
    """Slope of the least-squares line through the logarithms."""
    import numpy as np

    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def main(args: argparse.Namespace) -> dict:
    """Time every size and write the record."""
    import torch

    torch.set_num_threads(args.threads)
    tokenizer = t5_tokenizer(None, ["a b"])
    found: dict = {"ratios": {}, "seconds": {}}
    for name, sizes in SIZES.items():
        sides = {str(size): job(tokenizer, **USUAL | {name: size}) for size in sizes}
        seconds, _ = take_turns(sides, [None] * args.repeats, warm_up=0)
        found["seconds"][name] = seconds
        found["ratios"][f"exponent of {name}"] = exponent(sizes, [statistics.median(seconds[str(x)]) for x in sizes])
    return write_record(args.output, "growth", vars(args), found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="[5]")
    parser.add_argument("--threads", type=int, default=THREADS, help=f"of torch [{THREADS}]")
    parser.add_argument("--output", type=Path, help="also write the record to this file, as JSON")
    main(parser.parse_args())
