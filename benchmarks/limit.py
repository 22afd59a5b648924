# SPDX-License-Identifier: Apache-2.0
"""The share of the machine's limit (`mfu`): the operations that a work needs, over those that it had time for.

The operations are calculated: two for each weight and token that had to be read or was written, those of attention, and
those of the vocabulary's scores where they are asked for. What is read twice, padded or asked for in vain does not count.
The limit is a matrix product's speed, measured on the same machine with the same threads in the same run.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from scale import Decoder, Shape


class Work(NamedTuple):
    """What a decoder-only model has to do.

    Attributes:
        tokens: that it reads: of texts that begin alike the beginning counts once.
        looks: pairs of a token and one that it sees, itself included.
        asked: tokens after which the scores of the vocabulary are asked for.
    """

    tokens: int
    looks: int
    asked: int


def work_of(texts: Iterable[Sequence[int]], asked: int) -> Work:
    """The work of reading texts, each beginning once.

    Args:
        texts: their tokens.
        asked: how many tokens the scores of the vocabulary are asked for after.
    """
    tokens, looks = 0, 0
    before: list[int] = []
    for text in sorted(map(list, texts)):
        common = next((at for at, pair in enumerate(zip(before, text, strict=False)) if pair[0] != pair[1]), None)
        common = min(len(before), len(text)) if common is None else common
        tokens += len(text) - common
        looks += (len(text) * (len(text) + 1) - common * (common + 1)) // 2
        before = text
    return Work(tokens, looks, asked)


def decoder_operations(shape: Decoder, work: Work) -> int:
    """Floating-point operations of a forward pass of a decoder-only model."""
    heads = 2 * (shape.heads + shape.kv_heads) * shape.d_head  # what is asked and what is made of it; keys and values
    layer = shape.d_model * (heads + 3 * shape.d_ff)
    attention = 4 * shape.layers * shape.heads * shape.d_head * work.looks
    return 2 * (shape.layers * layer * work.tokens + shape.vocabulary * shape.d_model * work.asked) + attention


def encoder_decoder_operations(shape: Shape, prompts: Sequence[int], written: Sequence[int]) -> int:
    """Floating-point operations of a T5: each prompt once through the encoder, then the decoder, which sees all of it.

    The cross-attention's projections count where they cost least, at the decoder's tokens.

    Args:
        shape: of the model.
        prompts: tokens of each prompt.
        written: tokens that the decoder reads for each; the scores of the vocabulary are asked for after each of them.
    """
    inner, found = shape.heads * shape.d_kv, 0
    attention, feed_forward = 4 * shape.d_model * inner, 3 * shape.d_model * shape.d_ff
    for length, nodes in zip(prompts, written, strict=True):
        encoder = length * shape.layers * (attention + feed_forward)
        decoder = nodes * (shape.layers * (2 * attention + feed_forward) + shape.vocabulary * shape.d_model)
        seen = 4 * shape.layers * shape.heads * (length**2 * shape.d_kv + nodes * length * shape.d_model)
        found += 2 * (encoder + decoder) + seen
    return found


def shape_of(config) -> Decoder:
    """The shape of a Llama, Qwen or their like from its configuration."""
    return Decoder(
        config.hidden_size, config.intermediate_size, config.num_hidden_layers, config.num_attention_heads,
        config.num_key_value_heads, getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads,
        config.vocab_size, config.tie_word_embeddings,
    )  # fmt: skip


def measured_peak(device: str = "cpu", dtype=None, size: int = 1536, repeats: int = 7) -> float:
    """Operations per second of the best of some matrix products of that size."""
    import torch

    one, other = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        product = one @ other
        product[0, 0].item()  # waits for a GPU
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def peak_of(model) -> float:
    """`measured_peak` where a model is, in its own type; on a GPU of products that fill it."""
    on = model.device.type
    return measured_peak(on, model.dtype, **({} if on == "cpu" else {"size": 8192}))


def tuning_operations(shape: Decoder, work: Work) -> int:
    """Floating-point operations of a step of LoRA: forwards, and backwards to the inputs of weights that stay as they are."""
    return 2 * decoder_operations(shape, work)


def mfu(operations: float, seconds: float, peak: float) -> float:
    """The share of the limit: what a work needs over what its time had room for."""
    return operations / (seconds * peak)


class Peaks:
    """The peak right before each turn: a machine that others use too is not equally fast from minute to minute.

    Args:
        measure: gives the peak, in operations per second.
    """

    def __init__(self, measure: Callable[[], float]):
        self._measure = measure
        self._found: dict[str, list[float]] = {}

    def before(self, side: str) -> None:
        """For `take_turns`."""
        self._found.setdefault(side, []).append(self._measure())

    def record(self, operations: Mapping[str, Sequence[float]], seconds: Mapping[str, Sequence[float]]) -> dict:
        """What a record says of sides whose operations and seconds are given by round.

        Returns:
            `peak`, the best of all turns; `peaks` of each side, by round; `mfu`, the shares of these; `mfu_of_best`, those of
            `peak`, which are lower.
        """
        best = max(max(peaks) for peaks in self._found.values())
        # What a side warmed up with has no turn.
        peaks = {side: self._found[side][-len(seconds[side]) :] for side in operations}
        return {
            "peak": best,
            "peaks": peaks,
            "mfu": {side: shares(operations[side], seconds[side], peaks[side]) for side in operations},
            "mfu_of_best": {
                side: shares(operations[side], seconds[side], [best] * len(seconds[side])) for side in operations
            },
        }


def shares(operations: Sequence[float], seconds: Sequence[float], peaks: Sequence[float]) -> dict:
    """The share of the limit by round: the median, the least and the most."""
    found = [mfu(work, took, peak) for work, took, peak in zip(operations, seconds, peaks, strict=True)]
    return {"median": statistics.median(found), "least": min(found), "most": max(found), "rounds": len(found)}
