# SPDX-License-Identifier: Apache-2.0
"""Memory and time of Flan-T5 by size and number of GPUs, by calculation, as the tables of docs/scale.md.

    python benchmarks/scale.py

What is calculated: parameters from the models' configurations; bytes of weights and of what a batch adds; floating-point
operations of a row (two per weight and token, attention included) over an assumed share of an assumed peak. Nothing
here was measured; what was, stands beside it in docs/scale.md.
"""

import argparse
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
    lines += ["", "| flan-t5 | GFLOP per row | rows/s on 1 GPU | 8 GPUs | 16 GPUs | a million rows on 8, minutes |"]
    lines.append("|---|" + "--:|" * 5)
    for name, shape in SHAPES.items():
        operations = row_operations(shape)
        speed = SHARE * PEAK / operations
        cells = [f"{speed * count:,.0f}" for count in (1, 8, 16)]
        lines.append(f"| {name} | {operations / 1e9:,.1f} | {' | '.join(cells)} | {1e6 / speed / 8 / 60:,.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(markdown())
