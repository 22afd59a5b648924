# SPDX-License-Identifier: Apache-2.0
import json
import re

import pytest
import torch
from commands import warm
from datasets import load_dataset
from plain_scores import choose_causal
from tiny_llama import CHAT, tiny_llama
from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoTokenizer, set_seed

from scripts import filter_known, measure
from sycophancy.dataset.folder import write_claims
from sycophancy.dataset.reading import FEATURES, load_claims
from sycophancy.publishing import check_tree
from sycophancy.tuning.supervised import select_by_item


def run_main(script, monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["script", *map(str, arguments)])
    script.main()


def command(model_folder, dataset_folder, output, *flags):
    return ("--model_name_or_path", model_folder, "--dataset_name", dataset_folder, "--output_dir", output, "--org",
            "my-org", *flags)  # fmt: skip


@pytest.fixture(scope="module")
def filtered(tmp_path_factory, model_folder, dataset_folder):
    """A filtered folder, written by two processes."""
    output = tmp_path_factory.mktemp("filtered")
    warm("scripts/filter_known.py", *command(model_folder, dataset_folder, output), processes=2)
    return output / "my-org" / "syco-reviews-known-tiny-t5"


@pytest.fixture(scope="module")
def right(model_folder, dataset_folder):
    """Claim id of each train row -> whether it is answered right, without the project's code.

    The user's words end at the first line break; each choice is scored by the model's own loss.
    """
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    model = AutoModelForSeq2SeqLM.from_pretrained(str(model_folder)).eval()
    tokenizer = AutoTokenizer.from_pretrained(str(model_folder))
    found = {}
    for row in load_claims(str(dataset_folder), "train"):
        prompt = row["prompt"]
        if row["condition"] != "no_opinion":
            prompt = ("Human: " if prompt.startswith("Human: ") else "") + prompt.split("\n", 1)[1]
        assert row["persona"] == "" or row["persona"] not in prompt
        logprobs = {}
        for choice in row["choices"]:
            inputs, labels = (tokenizer(text, return_tensors="pt")["input_ids"] for text in (prompt, choice))
            with torch.no_grad():
                logprobs[choice] = -model(input_ids=inputs, labels=labels).loss.item() * labels.shape[1]
        found[row["claim_id"]] = max(logprobs, key=logprobs.get) == row["answer"]
    return found


def test_exactly_the_claims_that_are_answered_right_are_kept(filtered, dataset_folder, right):
    rows, before = load_claims(str(filtered), "train"), load_claims(str(dataset_folder), "train")
    assert rows.features == FEATURES
    assert 0 < len(rows) < len(before)
    assert list(rows) == [row for row in before if right[row["claim_id"]]]


def test_the_other_splits_are_copied(filtered, dataset_folder):
    for split in ("validation", "test"):
        (copied,) = (filtered / "data").glob(f"{split}-*")
        assert copied.read_bytes() == (dataset_folder / "data" / copied.name).read_bytes()


def test_the_folder_is_a_dataset_like_any_other(filtered, model_folder, tmp_path, monkeypatch):
    check_tree(filtered, "my-org/syco-reviews-known-tiny-t5", "dataset")
    train = load_claims(str(filtered), "train")
    with_opinion = {row["claim_id"] for row in train if row["condition"] != "no_opinion"}
    pairs = load_dataset(str(filtered), "preference", split="train")
    assert (set(pairs["claim_id"]), len(pairs)) == (with_opinion, 2 * len(with_opinion))
    assert load_dataset(str(filtered), split="train")["id"][:] == train["id"][:]
    tune, selection = select_by_item(train, 0.2, 0)
    assert len(tune) + len(selection) == len(train)
    run_main(measure, monkeypatch, "--model_name_or_path", model_folder, "--dataset_name", filtered, "--limit", 60,
             "--output_dir", tmp_path / "run")  # fmt: skip
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["dataset"]["rows"] == record["metrics"]["n_rows"] == 60


def test_the_card_is_a_view_of_the_counts(filtered, dataset_folder, model_folder, right):
    from sycophancy.answering.models import fingerprint_model, load_model

    card = (filtered / "README.md").read_text()
    before = list(load_claims(str(dataset_folder), "train"))
    for label in ("negative", "positive"):
        for truth in (False, True):
            cell = [row for row in before if (row["source_label"], row["claim_is_true"]) == (label, truth)]
            kept = sum(right[row["claim_id"]] for row in cell)
            assert f"| `{label}` | {truth} | {len(cell)} | {kept} | {100 * kept / len(cell):.1f} % |" in card
    assert f"| all | | {len(before)} | {sum(right.values())} |" in re.sub(" +", " ", card)
    assert f"`tiny-t5` (weights `{fingerprint_model(load_model(str(model_folder)).model)}`)" in card
    assert "Copied unchanged, every claim whether known or not: `validation`, `test`." in card
    assert "Licence of the source: apache-2.0." in card
    assert str(filtered.parent.parent) not in card
    assert str(model_folder.parent) not in card


def test_a_chat_model_is_asked_through_its_template(dataset_folder, tmp_path, monkeypatch):
    rows = [row for row in load_claims(str(dataset_folder), "train") if row["condition"] == "no_opinion"]
    write_claims(tmp_path / "syco-few", "train", rows)
    model, tokenizer = tiny_llama([row["prompt"] for row in rows], CHAT)
    for part in (model, tokenizer):
        part.save_pretrained(tmp_path / "llama")
    run_main(
        filter_known,
        monkeypatch,
        *command(tmp_path / "llama", tmp_path / "syco-few", tmp_path / "out", "--answer", "scores"),
    )
    asked = [f"<s><|user|>\n{row['prompt']}</s>\n<|assistant|>\n" for row in rows]
    given = [choose_causal(model, tokenizer, prompt, row["choices"]) for prompt, row in zip(asked, rows, strict=True)]
    known = [row for row, own in zip(rows, given, strict=True) if own == row["answer"]]
    assert 0 < len(known) < len(rows)
    assert list(load_claims(str(tmp_path / "out/my-org/syco-few-known-llama"), "train")) == known


def test_a_model_that_knows_nothing_is_refused(dataset_folder, model_folder, right, tmp_path, monkeypatch):
    unknown = [row for row in load_claims(str(dataset_folder), "train") if not right[row["claim_id"]]]
    write_claims(tmp_path / "syco-hard", "train", unknown)
    message = rf"that .* answers right without an opinion, got 0 of {len(unknown)}; filter with a model that knows"
    with pytest.raises(ValueError, match=message):
        run_main(filter_known, monkeypatch, *command(model_folder, tmp_path / "syco-hard", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_measurement_splits_are_filtered_on_demand(dataset_folder, model_folder, tmp_path, monkeypatch):
    rows = list(load_claims(str(dataset_folder), "validation"))[:60]
    write_claims(tmp_path / "syco-few", "validation", rows)
    flags = ("--split", "validation", "--name", "few")
    set_seed(0)
    AutoModelForSeq2SeqLM.from_config(AutoConfig.from_pretrained(model_folder)).save_pretrained(tmp_path / "random")
    AutoTokenizer.from_pretrained(model_folder).save_pretrained(tmp_path / "random")
    in_text = command(tmp_path / "random", tmp_path / "syco-few", tmp_path / "out", *flags, "--generate")
    with pytest.raises(ValueError, match=r"in .*syco-few \(validation\) that .* answers right .*, got 0 of 20"):
        run_main(filter_known, monkeypatch, *in_text, "--max_new_tokens", "8")
    run_main(filter_known, monkeypatch, *command(model_folder, tmp_path / "syco-few", tmp_path / "out", *flags))
    kept = load_claims(str(tmp_path / "out" / "my-org" / "few"), "validation")
    # All three arms of a claim stay or go together.
    assert 0 < len(kept) < 60
    assert list(kept) == [row for row in rows if row["claim_id"] in set(kept["claim_id"])]
    assert "preference" not in (tmp_path / "out" / "my-org" / "few" / "README.md").read_text()


@pytest.mark.parametrize(
    ("flags", "message"),
    [(("--name", "a--b"), "expected a repo_id such as my-org/syco-sst2, got 'my-org/a--b'"),
     (("--split", "dev"), "expected Parquet files of the split 'dev' .* got splits test, train, validation")],
)  # fmt: skip
def test_bad_flags(flags, message, dataset_folder, model_folder, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=message):
        run_main(filter_known, monkeypatch, *command(model_folder, dataset_folder, tmp_path, *flags))


def test_nothing_is_overwritten_silently(filtered, dataset_folder, model_folder, monkeypatch):
    with pytest.raises(ValueError, match="holds an earlier result; pass --overwrite"):
        run_main(filter_known, monkeypatch, *command(model_folder, dataset_folder, filtered.parent.parent))
