# SPDX-License-Identifier: Apache-2.0
"""Kinds of bad source: each ends in its clear error, or is handled and counted."""

import json

import pytest

from sycophancy.claims.custom import custom_source
from sycophancy.claims.sources import read_source
from sycophancy.claims.tasks import SOURCES

GOOD = [{"sentence": "good", "label": 1}, {"sentence": "bad", "label": 0}]
STATEMENT = 'the mood of "{sentence}" is {label}'


def write(folder, **splits):
    """A folder with a file per split; text is written as it is, rows as JSON lines."""
    folder.mkdir()
    for split, rows in splits.items():
        text = rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{split}.jsonl").write_text(text, encoding="utf-8")
    return str(folder)


def labelled(*labels):
    return [{"sentence": f"text {index}", "label": label} for index, label in enumerate(labels)]


REFUSED = {
    "missing text column": ({"train": [{"text": "a", "label": 1}]}, "expected the columns sentence, label .* sentence is missing"),
    "missing label column": ({"train": [{"sentence": "a"}]}, "expected the columns sentence, label .* label is missing"),
    "labels of other names": ({"train": labelled("pos", "neg", "pos")}, r"expected integer labels or the names negative, positive in the column label of .*, got 'pos' \(2 rows\), 'neg' \(1 row\); write 0 for 'negative', 1 for 'positive'"),
    "numbers and names": ({"train": labelled("1", "negative")}, r"expected integer labels or the names .*, got '1' \(1 row\), 'negative' \(1 row\); write 0"),
    "a word for no label": ({"train": labelled("0", "1", "NA")}, r"got 'NA' \(1 row\); .* and nothing where there is no label"),
    "labels from 1": ({"train": labelled(1, 2, 2)}, r"expected labels that begin with 0 .*, got '2' \(2 rows\), '1' \(1 row\); write 0 for 'negative'"),
    "labels as fractions": ({"train": labelled(0.0, 0.5)}, r"expected integer labels .*, got '0.5' \(1 row\); write 0"),
    "labels as truth values": ({"train": labelled(True, False)}, r"expected integer labels .*, got 'false' \(1 row\), 'true' \(1 row\); write 0"),
    "labels as lists": ({"train": labelled([0], [1])}, r"expected a label in the column label of train.jsonl \(train\), row 1, got list"),
    "labels as objects": ({"train": labelled(0, {"id": 1})}, r"expected a label in the column label of train.jsonl \(train\), row 2, got dict .*'id'"),
    "all labels missing": ({"train": labelled(None, None)}, "expected labelled rows .* got none after dropping {'no label': 2}"),
    "texts as numbers": ({"train": [{"sentence": 7, "label": 1}]}, r"expected text in the column sentence of train.jsonl \(train\), got numbers alone; name another"),
    "texts as truth values": ({"train": [{"sentence": True, "label": 1}]}, "expected text in the column sentence .* row 1, got bool 'True'"),
    "texts as lists": ({"train": [{"sentence": ["a", "b"], "label": 1}]}, "expected text in the column sentence .* row 1, got list"),
    "texts as objects": ({"train": [*GOOD, {"sentence": {"en": "a"}, "label": 1}]}, "expected text in the column sentence .* row 3, got dict .*'en'"),
    "all texts missing": ({"train": [{"sentence": None, "label": 1}]}, "expected labelled rows .* got none after dropping {'empty text': 1}"),
    "one class only": ({"train": labelled(1, 1, 1)}, "expected rows of at least two labels .* got 'positive' alone"),
    "one class in range": ({"train": labelled(1, 1, 3, -1)}, "got 'positive' alone after dropping {'label out of range': 2}"),
    "all labels hidden": ({"test": labelled(-1, -1)}, "expected labelled rows .* got none after dropping {'label out of range': 2}"),
    "all texts empty": ({"train": [{"sentence": " ", "label": 1}]}, "expected labelled rows .* got none after dropping {'empty text': 1}"),
    "all texts conflicting": (
        {"train": [{"sentence": "a", "label": 1}, {"sentence": "A.", "label": 0}]},
        "got none after dropping {'text with conflicting labels': 2}",
    ),
    "broken line": ({"train": '{"sentence": "a", "label": 1}\n{"sentence": \n'}, "expected readable rows, a JSON object per line, in train.jsonl, got .* in line 2"),
    "other columns in one split": (
        {"train": GOOD, "validation": [{"text": "a", "label": 1}]},
        "expected the columns sentence, label in validation.jsonl, got text, label; sentence is missing",
    ),
    "empty file": ({"train": ""}, "expected rows in every data file of .* got the empty train.jsonl; remove it"),
    "no data file": ({}, "expected data files .* in the folder .*no data file, got none"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(tmp_path, kind):
    splits, message = REFUSED[kind]
    with pytest.raises(ValueError, match=message) as raised:
        read_source("sst2", SOURCES["sst2"], write(tmp_path / kind, **splits))
    assert "\nTraceback" not in str(raised.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{folder}/nowhere", "expected a local file or folder or a Hub id as source data, got .*nowhere, which is neither"),
        ("./nowhere", "expected a local file or folder or a Hub id as source data, got ./nowhere"),
    ],
)  # fmt: skip
def test_no_source_there(tmp_path, data, message):
    with pytest.raises(ValueError, match=message):
        read_source("sst2", SOURCES["sst2"], data.format(folder=tmp_path))


def test_no_known_split(tmp_path):
    from datasets import Dataset, DatasetDict

    DatasetDict({"fold1": Dataset.from_list(GOOD)}).save_to_disk(tmp_path / "folds")
    with pytest.raises(
        ValueError, match=r"expected rows in a split train, validation, test of .*folds`, got fold1 \(2 rows\)"
    ):
        read_source("sst2", SOURCES["sst2"], str(tmp_path / "folds"))


HANDLED = {
    "some labels missing": (labelled(0, 1, None), {"no label": 1}),
    "labels as their digits": (labelled("0", "1", "1.0", " 1 "), {}),
    "labels as whole fractions": (labelled(0.0, 1.0, float("nan")), {"no label": 1}),
    "labels as names": (labelled("positive", "Negative", " NEGATIVE", ""), {"no label": 1}),
    "numbers among texts": ([*GOOD, {"sentence": 1.50, "label": 1}], {}),
    "keys that come and go": ([*GOOD, {"label": 1}, {"sentence": "fine"}], {"empty text": 1, "no label": 1}),
    "labels beyond the last": (labelled(0, 1, 2, 900), {"label out of range": 2}),
    "labels below 0": (labelled(0, 1, -1, -2), {"label out of range": 2}),
    "some texts missing": ([*GOOD, {"sentence": None, "label": 1}], {"empty text": 1}),
    "blank texts": ([*GOOD, {"sentence": "\t\n ", "label": 1}], {"empty text": 1}),
    "repeated rows": ([*GOOD, *GOOD], {"repeated text": 2}),
    "repeated up to punctuation": ([*GOOD, {"sentence": "GOOD !", "label": 1}], {"repeated text": 1}),
    "the same text with two labels": ([*GOOD, {"sentence": "good", "label": 0}, *labelled(1)], {"text with conflicting labels": 2}),
    "duplicate ids": ([row | {"idx": 7} for row in GOOD], {}),
    "columns that nobody asked for": ([row | {"meta": {"a": [1]}, "id": "x"} for row in GOOD], {}),
    "texts of punctuation alone": ([*GOOD, {"sentence": "?!", "label": 0}, {"sentence": "...", "label": 1}], {}),
}  # fmt: skip


@pytest.mark.parametrize("kind", HANDLED)
def test_handled_and_counted(tmp_path, kind):
    rows, dropped = HANDLED[kind]
    found = read_source("sst2", SOURCES["sst2"], write(tmp_path / "source", train=rows))
    assert found.dropped == {"train": dropped}
    items = list(found.items["train"])
    assert len({item.cluster_id for item in items}) == len(items) == len(rows) - sum(dropped.values())


def test_a_split_without_rows(tmp_path):
    from datasets import Dataset

    rows = Dataset.from_list(GOOD)
    (tmp_path / "source").mkdir()
    rows.to_parquet(tmp_path / "source" / "validation.parquet")
    rows.select(()).to_parquet(tmp_path / "source" / "train.parquet")
    with pytest.raises(ValueError, match=r'expected readable rows .* got: Instruction "train" corresponds to no data!'):
        read_source("sst2", SOURCES["sst2"], str(tmp_path / "source"))


BAD_TASKS = {
    "statement without label": ({"statement": 'so much for "{sentence}"'}, "--negated_statement: expected for a statement without"),
    "statement without text": ({"statement": "the mood is {label}"}, "--statement: expected the slots {sentence}, {label}, .*missing sentence"),
    "unknown slot": ({"statement": '"{text}" of {sentence} is {label}'}, "--statement: .*: unknown text$"),
    "empty slot": ({"statement": '{} "{sentence}" is {label}'}, "--statement: .*: unknown $"),
    "attribute of a slot": ({"statement": "{sentence.upper} is {label}"}, "unknown sentence.upper; missing sentence"),
    "format of a slot": ({"statement": "{sentence:>9} is {label}"}, "unknown sentence"),
    "lone brace": ({"statement": "} {sentence} is {label}"}, "--statement: expected braces around slots only"),
    "final punctuation": ({"statement": "{sentence} is {label}", "negated_statement": "{sentence} is not {label}."}, "--negated_statement: expected no space or punctuation"),
    "no way to negate": ({"statement": "{sentence} means {label}"}, "--negated_statement: expected for a statement without .* pass the same statement with a negation"),
    "negation without label": ({"negated_statement": "{sentence} is not it"}, "--negated_statement: expected the slots .*missing label"),
    "negation that negates nothing": ({"negated_statement": STATEMENT}, "--negated_statement: expected another text"),
    "one label name": ({"label_names": ["good"]}, "--label_names: expected at least two, got good"),
    "repeated label name": ({"label_names": ["good", "bad", "good"]}, "--label_names: expected different names, got good, bad, good"),
    "empty label name": ({"label_names": ["good", ""]}, "--label_names: expected names separated by commas, got an empty one"),
    "repeated column": ({"text_columns": ["sentence", "sentence"]}, "--text_columns: expected different names"),
    "a text column called label": ({"text_columns": ["label"], "label_column": "y"}, "--text_columns: expected names that can be slots beside {label}, got 'label'"),
    "a column that can be no slot": ({"text_columns": ["meta.text"]}, "--text_columns: expected names that can be slots .* got 'meta.text'"),
    "label among the texts": ({"label_column": "sentence"}, "--label_column: expected another column than the texts"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_TASKS)
def test_bad_task_of_ones_own(kind):
    changed, message = BAD_TASKS[kind]
    good = {
        "text_columns": ["sentence"],
        "label_column": "label",
        "label_names": ["bad", "good"],
        "statement": STATEMENT,
    }
    custom_source(**good)
    with pytest.raises(ValueError, match=message):
        custom_source(**(good | changed))
