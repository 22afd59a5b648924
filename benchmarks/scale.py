# SPDX-License-Identifier: Apache-2.0
"""Memory and time of Flan-T5 and of chat models on GPUs, by calculation, as the tables of docs/scale.md and of the README.

    python benchmarks/scale.py

What is calculated: parameters from the models' configurations; bytes of weights and of what a batch adds; floating-point
operations of a row (two per weight and token, attention included) over an assumed share of an assumed peak, and no less
than an assumed time for each layer that is started. Nothing here was measured; what was, stands beside it in docs/scale.md.
"""

import argparse
import math
from typing import NamedTuple


class Shape(NamedTuple):
    """A Flan-T5 (configurations of google/flan-t5-*): width, feed-forward width, layers of each stack, heads, d_kv."""

    d_model: int
    d_ff: int
    layers: int
    heads: int
    d_kv: int = 64
    vocabulary: int = 32128


SHAPES = {
    "small": Shape(512, 1024, 8, 6),
    "base": Shape(768, 2048, 12, 12),
    "large": Shape(1024, 2816, 24, 16),
    "xl": Shape(2048, 5120, 24, 32),
    "xxl": Shape(4096, 10240, 24, 64),
}
PEAK = 400e12
"""Dense bf16 operations per second that a matrix product reaches on one GPU of the H100 class: an assumption."""

SHARE = 0.4
"""Share of it that scoring reaches: an assumption."""

PROMPT, CHOICES, ANSWER = 90, 2, 3

LAYER = 0.001
"""Seconds that a layer takes at least in a forward pass, however small the batch: an assumption. A training step takes three."""


class Decoder(NamedTuple):
    """A Llama (configurations of meta-llama/Llama-3.*): its width, feed-forward width, layers, heads, their width, vocabulary."""

    d_model: int
    d_ff: int
    layers: int
    heads: int
    kv_heads: int
    d_head: int
    vocabulary: int
    tied: bool


CHAT_MODELS = {
    "Llama-3.2-1B-Instruct": Decoder(2048, 8192, 16, 32, 8, 64, 128256, tied=True),
    "Llama-3.1-8B-Instruct": Decoder(4096, 14336, 32, 32, 8, 128, 128256, tied=False),
    "Llama-3.1-70B-Instruct": Decoder(8192, 28672, 80, 64, 8, 128, 128256, tied=False),
}
CARD, PRICE = 80e9, 3.0
"""Bytes of a GPU, and dollars for an hour of it: assumptions."""

CHAT_PROMPT, CHAT_ANSWER, TARGET = 150, 256, 10
"""Tokens of a question with its chat template, of the longest answer that `measure.py` waits for, of a target."""

MEASURED, TUNED = 1200, 6400
"""Rows of a chat model that are measured, and tuned on, as scripts/recipes/llama_8b_lora_answers_sst2.yaml has them."""

CLAIMS, SST2_TRAIN, EPOCHS = 5232, 58411, 3
"""Rows of `syco-sst2` that are measured and tuned on (docs/results/building/), and how often (flan_t5_base_sst2.yaml)."""


def weights(shape: Shape) -> tuple[int, int, int]:
    """Parameters of the encoder's blocks, of the decoder's blocks, and of both embedding tables."""
    attention = 4 * shape.d_model * shape.heads * shape.d_kv
    feed_forward = 3 * shape.d_model * shape.d_ff
    norm, bias = shape.d_model, 32 * shape.heads
    encoder = shape.layers * (attention + feed_forward + 2 * norm) + norm + bias
    decoder = shape.layers * (2 * attention + feed_forward + 3 * norm) + norm + bias
    return encoder, decoder, 2 * shape.vocabulary * shape.d_model


def row_operations(shape: Shape) -> float:
    """Floating-point operations of scoring one row: a prompt of 90 tokens, two choices of three tokens."""
    encoder, decoder, _ = weights(shape)
    nodes = 1 + CHOICES * (ANSWER - 1)
    attention = 4 * shape.layers * shape.heads * (PROMPT**2 * shape.d_kv + nodes * PROMPT * shape.d_model)
    linear = PROMPT * encoder + nodes * (decoder + shape.vocabulary * shape.d_model)
    return 2 * linear + attention


def step_bytes(shape: Shape, rows: int) -> float:
    """Bytes in bf16 that a batch of scoring adds at its height: a feed-forward layer of the encoder."""
    return 2 * rows * PROMPT * (2 * shape.d_ff + 3 * shape.d_model)


def tuning_bytes(shape: Shape, rows: int) -> float:
    """Bytes in bf16 that a batch of prompt tuning keeps for the backward pass, without activation checkpointing."""
    inner = shape.heads * shape.d_kv
    token = shape.layers * (8 * shape.d_model + 4 * inner + 3 * shape.d_ff)
    scores = shape.layers * shape.heads * (PROMPT + 20)
    return 2 * rows * (PROMPT + 20) * (token + scores)


def gigabytes(count: float) -> str:
    """Bytes in GB."""
    return f"{count / 1e9:.1f}"


def markdown() -> str:
    """The tables."""
    lines = [
        "| flan-t5 | parameters | weights fp32, GB | bf16, GB | scoring 64 rows adds, GB | tuning 8 rows adds, GB |"
    ]
    lines.append("|---|" + "--:|" * 5)
    for name, shape in SHAPES.items():
        count = sum(weights(shape))
        cells = [f"{count:,}", gigabytes(4 * count), gigabytes(2 * count)]
        lines.append(
            f"| {name} | {' | '.join(cells)} | {gigabytes(step_bytes(shape, 64))} | {gigabytes(tuning_bytes(shape, 8))} |"
        )
    lines += [
        "",
        "| flan-t5 | GFLOP per row | rows/s on 1 GPU | 8 GPUs | 16 GPUs | a million rows on 8, minutes "
        "| one soft prompt on 1, minutes |",
    ]
    lines.append("|---|" + "--:|" * 6)
    for name, shape in SHAPES.items():
        operations = row_operations(shape)
        speed = SHARE * PEAK / operations
        cells = [f"{speed * count:,.0f}" for count in (1, 8, 16)]
        minutes = (1e6 / speed / 8 / 60, prompt_tuning_seconds(shape) / 60)
        cells += [f"{count:,.1f}" for count in minutes]
        lines.append(f"| {name} | {operations / 1e9:,.1f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def chat_parameters(shape: Decoder) -> int:
    """Parameters of a Llama."""
    heads = shape.heads + shape.kv_heads
    layer = 2 * shape.d_model * heads * shape.d_head + 3 * shape.d_model * shape.d_ff + 2 * shape.d_model
    return shape.layers * layer + shape.d_model + (1 if shape.tied else 2) * shape.vocabulary * shape.d_model


def answering_bytes(shape: Decoder, rows: int) -> float:
    """Bytes in bf16 of the keys and values of a batch whose answers are as long as they may be."""
    return 4 * rows * (CHAT_PROMPT + CHAT_ANSWER) * shape.layers * shape.kv_heads * shape.d_head


def kept_bytes(shape: Decoder) -> float:
    """Bytes for each token that LoRA in bf16 keeps in the layers for the backward pass, without activation checkpointing."""
    heads = shape.heads + shape.kv_heads
    return shape.layers * (24 * shape.d_model + 6 * shape.d_ff + 4 * heads * shape.d_head)


def lora_bytes(shape: Decoder, rows: int) -> float:
    """Bytes that a batch of LoRA adds: what the layers keep, and the scores of the whole vocabulary in float32, thrice."""
    return rows * (CHAT_PROMPT + TARGET) * (kept_bytes(shape) + 12 * shape.vocabulary)


def answering_seconds(shape: Decoder) -> float:
    """Seconds for the answers to the rows that are measured, if each batch of 64 has one as long as it may be."""
    reading = 2 * chat_parameters(shape) * CHAT_PROMPT * MEASURED / (SHARE * PEAK)
    return reading + math.ceil(MEASURED / 64) * CHAT_ANSWER * shape.layers * LAYER


def lora_seconds(shape: Decoder) -> float:
    """Seconds of LoRA over the rows that are tuned on, 8 a step: forward, and backward without gradients of the weights."""
    work = 4 * chat_parameters(shape) * (CHAT_PROMPT + TARGET) * TUNED / (SHARE * PEAK)
    return max(work, TUNED / 8 * 3 * shape.layers * LAYER)


def run_bytes(shape: Decoder) -> float:
    """Bytes that a chat model needs to be measured, tuned and measured again."""
    return 2 * chat_parameters(shape) + max(lora_bytes(shape, 8), answering_bytes(shape, 64))


def run_seconds(shape: Decoder) -> float:
    """Seconds of measuring, tuning and measuring again. Layers that stand on several GPUs wait for each other."""
    return 2 * answering_seconds(shape) + lora_seconds(shape)


def run_devices(shape: Decoder) -> int:
    """GPUs over which its layers have to be spread."""
    return math.ceil(run_bytes(shape) / CARD)


def run_dollars(shape: Decoder) -> float:
    """What these GPUs cost for that time."""
    return run_devices(shape) * run_seconds(shape) / 3600 * PRICE


def prompt_tuning_seconds(shape: Shape) -> float:
    """Seconds of prompt tuning on SST-2's claims, 32 rows a step, and of scoring before and after, 64 rows a pass."""
    steps, passes = EPOCHS * SST2_TRAIN / 32, 2 * CLAIMS / 64
    work = (2 * EPOCHS * SST2_TRAIN * (PROMPT + 20) / PROMPT + 2 * CLAIMS) * row_operations(shape) / (SHARE * PEAK)
    return max(work, (3 * steps + passes) * 2 * shape.layers * LAYER)


def markdown_of_chat_models() -> str:
    """The table of chat models."""
    lines = [
        f"| chat model | parameters | weights bf16, GB | answering 64 rows adds, GB | LoRA on 8 rows adds, GB "
        f"| {MEASURED:,} answers, minutes | LoRA on {TUNED:,} rows, minutes | GPUs | both and again, dollars |",
        "|---|" + "--:|" * 8,
    ]
    for name, shape in CHAT_MODELS.items():
        count = chat_parameters(shape)
        sizes = (2 * count, answering_bytes(shape, 64), lora_bytes(shape, 8))
        minutes = (f"{seconds / 60:.1f}" for seconds in (answering_seconds(shape), lora_seconds(shape)))
        cost = f"{run_devices(shape)} | {run_dollars(shape):.2f}"
        lines.append(f"| {name} | {count:,} | {' | '.join(map(gigabytes, sizes))} | {' | '.join(minutes)} | {cost} |")
    return "\n".join(lines)


def markdown_of_costs() -> str:
    """The front page's table: what measuring, tuning and measuring again takes on one GPU."""
    base, chat = SHAPES["base"], CHAT_MODELS["Llama-3.1-8B-Instruct"]
    rows = {
        f"Flan-T5-base: soft prompt, {EPOCHS} epochs of {SST2_TRAIN:,} rows": (
            4 * sum(weights(base)) + tuning_bytes(base, 32),
            prompt_tuning_seconds(base),
        ),
        f"Llama-3.1-8B-Instruct: LoRA on {TUNED:,} rows": (
            run_bytes(chat),
            run_seconds(chat),
        ),
    }
    lines = ["| measure, tune, measure again | GPU memory, GB | minutes |", "|---|--:|--:|"]
    lines += [f"| {name} | {size / 1e9:.0f} | {seconds / 60:.0f} |" for name, (size, seconds) in rows.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(markdown(), markdown_of_chat_models(), markdown_of_costs(), sep="\n\n")
