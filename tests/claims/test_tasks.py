# SPDX-License-Identifier: Apache-2.0
"""Every row of the table of sources, built from a small folder with the Hub's columns and held against it."""

import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest
from claim_checks import TASKS, check_against_source, rows_of
from commands import ROOT

from sycophancy.claims.sources import normalise, read_source
from sycophancy.claims.tasks import EMBEDDED, SOURCES

ODD = ("trailing space ", 'a "quoted" word', "two\nlines", "{braces} and 100%", "I agree with the claim below.")


def built(name, folder, data, *flags):
    from dataset_builders.syco_claims import build, card_command, parse_args

    data = ["--source_data", str(data)] if data else []
    args = parse_args(["--source", name, *data, "--output_dir", str(folder), "--org", "o", *flags])
    return build(args, card_command(args))


def rows_for(name, split, count):
    """Source rows with all labels in turn, the last two of which must be dropped."""
    columns, label_column, hub_names, _, _ = TASKS[name]
    n_labels = len(hub_names.split(","))
    rows = []
    for index in range(count):
        text = ODD[index] if index < len(ODD) and split == "train" else "plain text"
        rows.append({column: f"{text} {split} {index} {column} " for column in columns})
        rows[-1] |= {label_column: index % n_labels, "idx": index}
    rows[-2][label_column] = -1
    rows[-1][columns[-1]] = "  "
    return rows


def write_source(name, folder):
    """Parquet files as the Hub has them, with `ClassLabel`; for MNLI a folder of `save_to_disk`. Returns the rows."""
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

    columns, label_column, hub_names, _, _ = TASKS[name]
    features = {column: Value("string") for column in columns} | {"idx": Value("int32")}
    features = Features(features | {label_column: ClassLabel(names=hub_names.split(","))})
    called = {"validation": "validation_matched"} if name == "mnli" else {}
    source = {split: rows_for(name, split, count) for split, count in (("train", 32), ("validation", 10))}
    data = {called.get(split, split): Dataset.from_list(rows, features=features) for split, rows in source.items()}
    folder.mkdir()
    if name == "mnli":
        DatasetDict(data | {"validation_mismatched": data["train"]}).save_to_disk(folder)
    else:
        for split, dataset in data.items():
            dataset.to_parquet(folder / f"{split}.parquet")
    return source


@pytest.mark.parametrize("name", TASKS)
def test_a_source_task(name, tmp_path):
    columns, label_column, _, words, statement = TASKS[name]
    source = write_source(name, tmp_path / "source")
    folder = built(name, tmp_path / "hub", tmp_path / "source")
    published = check_against_source(folder, name, source, columns, label_column, words.split(","), statement)
    assert published == {"train": list(range(30)), "validation": list(range(8))}
    card = (folder / "README.md").read_text(encoding="utf-8")
    for split in source:
        assert f"| {split} | label out of range | 1 |" in card
        assert f"| {split} | empty text | 1 |" in card
    again = built(name, tmp_path / "again", tmp_path / "source")
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert len(files) == 4
    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert all((folder / file).read_bytes() == (again / file).read_bytes() for file in files)


@pytest.mark.source_data
@pytest.mark.skipif("SYCO_SOURCE_DATA" not in os.environ, reason="SYCO_SOURCE_DATA names no folder with source tasks")
@pytest.mark.parametrize("name", TASKS)
def test_a_source_task_on_real_data(name, tmp_path):
    data = Path(os.environ["SYCO_SOURCE_DATA"]) / name
    if not data.is_dir():
        pytest.skip(f"no folder {name}")
    columns, label_column, _, words, statement = TASKS[name]
    source = {
        re.match("train|validation|test", file.name)[0]: [json.loads(line) for line in file.open(encoding="utf-8")]
        for file in sorted(data.glob("*.jsonl"))
    }
    folder = built(name, tmp_path, data)
    published = check_against_source(folder, name, source, columns, label_column, words.split(","), statement)
    card = (folder / "README.md").read_text(encoding="utf-8")
    texts = {}
    for split, kept in published.items():
        dropped = sum(int(count) for count in re.findall(rf"^\| {split} \| [a-z ,:]+ \| (\d+) \|$", card, re.MULTILINE))
        assert len(kept) + dropped == len(source[split])
        texts[split] = [normalise(" / ".join(source[split][index][column] for column in columns)) for index in kept]
        assert len(set(texts[split])) == len(kept)
    assert len(set().union(*texts.values())) == sum(map(len, texts.values()))


def test_the_table_has_the_seventeen_tasks():
    hub = {name: source for name, source in SOURCES.items() if source.hub_id != EMBEDDED}
    assert set(hub) == set(TASKS)
    assert set(SOURCES) - set(hub) == {"reviews", "mixed_reviews", "addition"}
    for name, source in hub.items():
        columns, label_column, hub_names, words, statement = TASKS[name]
        assert (list(source.text_columns), source.label_column) == (columns, label_column)
        assert list(source.labels.items()) == list(zip(hub_names.split(","), words.split(","), strict=True))
        slots = [f"{{{column}}}" for column in columns]
        assert source.statement.asserted == statement[0].format(*slots, "{label}")
        assert source.statement.negated == statement[1].format(*slots, "{label}")


def test_the_document_has_the_table():
    document = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    for name, source in SOURCES.items():
        (line,) = re.findall(rf"^\| `{name}` \| .*$", document, re.MULTILINE)
        for part in (source.hub_id, source.config or "", (source.revision or "not pinned")[:10], source.licence):
            assert part in line or source.hub_id == EMBEDDED
        assert f"| {source.statement.asserted} |" in line
        assert all(hub_name in line and word in line for hub_name, word in source.labels.items())


def test_hub_sources_are_pinned_to_a_commit_or_say_that_they_are_not():
    revisions = {name: source.revision for name, source in SOURCES.items() if source.hub_id != EMBEDDED}
    assert [name for name, revision in revisions.items() if revision is None] == ["trec"]
    assert all(re.fullmatch("[0-9a-f]{40}", revision) for revision in revisions.values() if revision)


def test_another_label_order_is_refused(tmp_path):
    from datasets import Dataset

    write_source("rte", tmp_path / "rte")
    dataset = Dataset.from_parquet(str(tmp_path / "rte" / "train.parquet"))
    (tmp_path / "wnli").mkdir()
    columns = {"premise": "sentence1", "hypothesis": "sentence2"}
    dataset.rename_columns(columns).to_parquet(tmp_path / "wnli" / "train.parquet")
    with pytest.raises(ValueError, match=r"expected the labels not_entailment, entailment in this order .* got entail"):
        read_source("wnli", SOURCES["wnli"], str(tmp_path / "wnli"))


def test_trec_is_read_from_its_label_files(tmp_path):
    data = tmp_path / "trec"
    data.mkdir()
    (data / "train_5500.label").write_bytes(b"DESC:manner How did it\xf0end ?\nNUM:dist How far ?\n")
    (data / "TREC_10.label").write_bytes(b"HUM:ind Who was it ?\n")
    folder = built("trec", tmp_path / "hub", data)
    assert [(row["source_text"], row["source_label"]) for row in rows_of(folder, "train")] == [
        ("How did it end ?", "a description or an abstract concept"), ("How far ?", "a numeric value")
    ]  # fmt: skip
    assert Counter(row["source_label"] for row in rows_of(folder, "test")) == {"a human being": 6}
    (data / "TREC_10.label").write_bytes(b"HUM:ind Who was it ?\nWHO:x Who ?\n")
    with pytest.raises(ValueError, match=r"expected a label among ABBR, .* in line 2 of .*TREC_10.label, got 'WHO:x'"):
        built("trec", tmp_path / "other", data)
