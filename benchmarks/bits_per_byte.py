# SPDX-License-Identifier: Apache-2.0
"""What a mitigation costs in general ability: bits per byte of plain English, without and with each adapter.

    python benchmarks/bits_per_byte.py --model_name_or_path Qwen/Qwen2.5-Coder-0.5B-Instruct --adapter out/lora out/lora-sham \
        --output docs/results/real_models/bits_per_byte.json

Fewer bits are better; a model that says nothing about English needs 8. The text is the prose of this project's own pages (`--text`
names others), without code, tables and links. It is read in windows of `--window` tokens that do not overlap, each after the
model's beginning-of-text token where it has one: a little worse than with all that stands before, for all models alike.
Intervals are those of the mean over windows, of the differences over the same windows.
"""

import argparse
import hashlib
import math
import re
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PAGES = (
    "README.md",
    "docs/suggested_answers.md",
    "docs/feedback.md",
    "docs/experiments.md",
    "docs/publishing.md",
    "docs/harnesses.md",
)


def prose(text: str) -> str:
    """A page without its code, tables, comments and link targets."""
    text = re.sub(r"```.*?```|<!--.*?-->", " ", text, flags=re.DOTALL)
    text = "\n".join(line for line in text.splitlines() if not line.startswith("|"))
    return re.sub(r"\]\([^)]*\)", "]", text)


def bits_of_windows(model, tokenizer, text: str, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Bits that a decoder-only model needs for each window of a text, and the bytes of each.

    Args:
        model, tokenizer: of `sycophancy.answering.models.load_model`.
        text: what is read.
        window: tokens in a window at most.

    Returns:
        Two arrays over windows: bits, and bytes in UTF-8. Without a beginning-of-text token the first token of a window is
        given, and neither its bits nor its bytes count.
    """
    import torch

    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids, places = encoded["input_ids"], encoded["offset_mapping"]
    begin = [tokenizer.bos_token_id] if tokenizer.bos_token_id is not None else []
    given = 0 if begin else 1
    bits, sizes = [], []
    for start in range(0, len(ids), window):
        own = ids[start : start + window]
        if len(own) <= given:
            break
        shown = torch.tensor([begin + own], device=model.device)
        with torch.inference_mode():
            logits = model(input_ids=shown).logits[0, -len(own) - (1 - given) : -1].float()
        nll = torch.nn.functional.cross_entropy(logits, shown[0, -len(own) + given :], reduction="sum")
        bits.append(float(nll) / math.log(2))
        first = places[start + given][0]
        last = places[start + len(own) - 1][1]
        sizes.append(len(text[first:last].encode("utf-8")))
    return np.array(bits), np.array(sizes)


def per_byte(bits: np.ndarray, sizes: np.ndarray) -> tuple[float, float]:
    """Bits per byte, and the half width of its 95 % interval by the windows as a ratio estimate."""
    value = bits.sum() / sizes.sum()
    left = bits - value * sizes
    error = math.sqrt(left.var(ddof=1) * len(left)) / sizes.sum() if len(left) > 1 else math.nan
    return float(value), float(1.96 * error)


def main(args: argparse.Namespace) -> dict:
    """Read the text with the bare model and with each adapter, print a line each, write the record."""
    from sycophancy.answering.models import load_model
    from sycophancy.files import write_json
    from sycophancy.records import git_state, versions

    text = "\n\n".join(prose(path.read_text(encoding="utf-8")) for path in args.text)
    read = {}
    for adapter in (None, *args.adapter):
        loaded = load_model(args.model_name_or_path)
        loaded = loaded.with_adapter(adapter) if adapter else loaded
        if loaded.model.config.is_encoder_decoder:
            raise SystemExit(
                "error: expected a decoder-only model, got an encoder-decoder one; it has no bits per byte"
            )
        loaded.model.to(args.device)
        read[Path(adapter).name if adapter else "base"] = bits_of_windows(*loaded, text, args.window)
    base, sizes = read["base"]
    found = {"bytes": int(sizes.sum()), "windows": len(sizes), "bits_per_byte": {}}
    for name, (bits, _) in read.items():
        value, half = per_byte(bits, sizes)
        change, width = per_byte(bits - base, sizes)
        found["bits_per_byte"][name] = {
            "value": value,
            "half_width": half,
            "change": change,
            "change_half_width": width,
        }
        print(f"{name}: {value:.4f} bits per byte, {change:+.4f} +- {width:.4f} against base")
    record = {
        "benchmark": "bits_per_byte",
        "settings": {
            "model_name_or_path": Path(args.model_name_or_path).name,
            "adapter": [Path(adapter).name for adapter in args.adapter],
            "text": [path.name for path in args.text],
            "window": args.window,
        },
        "text_sha256": hashlib.sha256(text.encode("utf-8")).hexdigest(),
        **found,
        "versions": versions(),
        "git": git_state(),
    }
    if args.output:
        args.output.parent.mkdir(parents=True, exist_ok=True)
        write_json(args.output, record)
    return record


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model_name_or_path", required=True, help="decoder-only model: Hub id or folder")
    parser.add_argument("--adapter", nargs="*", default=[], help="PEFT adapters of it")
    parser.add_argument("--text", nargs="*", type=Path, default=[ROOT / page for page in PAGES], help="pages to read")
    parser.add_argument("--window", type=int, default=256, help="tokens read at once [256]")
    parser.add_argument("--device", default="cpu", help="of the model [cpu]")
    parser.add_argument("--output", type=Path, help="file of the record")
    main(parser.parse_args())
