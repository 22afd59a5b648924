# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: the same rows on both sides, turn by turn; medians, ratios with their spread, a record."""

import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

THREADS = 2


def add_flags(parser, rows: int, repeats: int = 5) -> None:
    """The flags of every benchmark."""
    parser.add_argument("--rows", type=int, default=rows, help=f"[{rows}]")
    parser.add_argument("--repeats", type=int, default=repeats, help=f"rounds, each with every side once [{repeats}]")
    parser.add_argument("--threads", type=int, default=THREADS, help=f"of torch [{THREADS}]")
    parser.add_argument("--layers", type=int, default=8, help="of each stack of the model [8, as flan-t5-small]")
    parser.add_argument("--source_data", help="folder with SST-2 in its own columns [the embedded reviews]")
    parser.add_argument("--spiece", help="T5's spiece.model; needs the extra t5 [words of the rows]")
    parser.add_argument("--output", type=Path, help="also write the record to this file, as JSON")


def claim_rows(count: int, source_data: str | None) -> list[dict]:
    """Rows of a validation split as the builder writes it: SST-2's from a folder, or those of the embedded reviews."""
    from dataset_builders.syco_claims import build, parse_args
    from sycophancy.dataset.reading import load_claims

    source = ["--source", "sst2", "--source_data", source_data] if source_data else ["--source", "reviews"]
    with tempfile.TemporaryDirectory() as folder:
        limit = str(-(-count // 6))
        tree = build(parse_args([*source, "--output_dir", folder, "--org", "o", "--limit", limit]), "")
        rows = load_claims(str(tree), "validation").to_list()
    if len(rows) < count:
        raise ValueError(f"expected {count} rows of a validation split, got {len(rows)}; lower --rows")
    return rows[:count]


def t5_tokenizer(spiece: str | None, texts: list[str]):
    """T5's own tokenizer from its `spiece.model`; without one, a tokenizer of the words of the texts."""
    if not spiece:
        from sycophancy.organisms.building import build_tokenizer

        return build_tokenizer(texts, texts, min_count=1)
    import sentencepiece
    from transformers import T5Tokenizer

    pieces = sentencepiece.SentencePieceProcessor(model_file=spiece)
    vocabulary = [(pieces.id_to_piece(at), pieces.get_score(at)) for at in range(pieces.get_piece_size())]
    return T5Tokenizer(vocab=vocabulary, extra_ids=100)


def flan_t5_shape(layers: int = 8, **changed):
    """A T5 of the shape of google/flan-t5-small with random weights, the same in every run; with `layers` in each stack."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    shape = {
        "vocab_size": 32128,
        "d_model": 512,
        "d_kv": 64,
        "d_ff": 1024,
        "num_layers": layers,
        "num_decoder_layers": layers,
        "num_heads": 6,
    }
    config = T5Config(
        feed_forward_proj="gated-gelu", tie_word_embeddings=False, decoder_start_token_id=0,
        **shape | changed,
    )  # fmt: skip
    torch.manual_seed(0)
    return T5ForConditionalGeneration(config).eval()


def from_the_start(model):
    """What sets the soft prompt back to where it began: each round tunes the same one, and none pays for the model."""
    tuned = [(parameter, parameter.detach().clone()) for parameter in model.parameters() if parameter.requires_grad]

    def reset():
        for parameter, value in tuned:
            parameter.data.copy_(value)
            parameter.grad = None

    return reset


def take_turns(
    sides: dict[str, Callable], rounds: list, warm_up=None, before: Callable[[str], None] = lambda side: None
) -> tuple[dict[str, list], dict[str, list]]:
    """Each side on each round's rows, one after the other, the first of a round another each time.

    Args:
        sides: name -> job; a job takes the rows of a round.
        rounds: rows of each round.
        warm_up: rows that every side does once before, uncounted.
        before: called with a side's name before each of its turns, its warming up included; uncounted.

    Returns:
        Seconds and answers, by side, one per round.
    """
    seconds: dict[str, list] = {name: [] for name in sides}
    answers: dict[str, list] = {name: [] for name in sides}
    if warm_up is not None:
        for name, job in sides.items():
            before(name)
            job(warm_up)
    names = list(sides)
    for number, rows in enumerate(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            before(name)
            start = time.perf_counter()
            answers[name].append(sides[name](rows))
            seconds[name].append(time.perf_counter() - start)
            print(f"round {number}: {name} {seconds[name][-1]:.2f} s", file=sys.stderr, flush=True)
    return seconds, answers


def ratio(slower: list[float], faster: list[float]) -> dict:
    """How many times faster, by round: the median, the least and the most."""
    found = [a / b for a, b in zip(slower, faster, strict=True)]
    return {"median": statistics.median(found), "least": min(found), "most": max(found), "rounds": len(found)}


def largest_difference(one: list[dict], other: list[dict]) -> float:
    """The largest difference between two sides' log-probabilities of the same choices."""
    return max(abs(a[choice] - b[choice]) for a, b in zip(one, other, strict=True) for choice in a)


def write_record(output: Path | None, name: str, settings: dict, found: dict) -> dict:
    """The record of a benchmark, printed and, where a file is given, written."""
    import torch

    from sycophancy.files import write_json
    from sycophancy.records import git_state, versions

    record = {
        "benchmark": name,
        "settings": {key: value for key, value in settings.items() if key not in ("output", "source_data", "spiece")},
        "data": "SST-2 claims" if settings.get("source_data") else "claims about the embedded reviews",
        "vocabulary": "T5's" if settings.get("spiece") else "words of the rows",
        **found,
        "threads": torch.get_num_threads(),
        "hardware": {"machine": platform.machine(), "gpus": torch.cuda.device_count()},
        "versions": versions(),
        "git": git_state(),
    }
    print(json.dumps(record["ratios"], indent=2))
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        write_json(output, record)
    return record
