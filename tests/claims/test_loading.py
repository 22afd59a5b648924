# SPDX-License-Identifier: Apache-2.0
"""From the place where somebody's rows lie to splits with texts and integer labels."""

import gzip
import json

import pytest
from commands import here
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value, load_dataset

from sycophancy.claims.custom import custom_source
from sycophancy.claims.labels import label_numbers
from sycophancy.claims.loading import check_columns, load_own, load_splits
from sycophancy.claims.sources import read_source
from sycophancy.claims.tasks import SOURCES

LABELS = ("small", "large", "huge")
ANIMALS = custom_source(["animal"], "size", LABELS, "the {animal} is {label}")
ROWS = (("NA", 0), ("none", 1), ("001", 2), ("1.0", 1))


def write(folder, **files):
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / name.replace("__", ".")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def labelled(*labels):
    return "animal,size\n" + "".join(f"animal {number},{label}\n" for number, label in enumerate(labels))


def load(path, source=ANIMALS, encoding=None):
    splits, read_from, scratch = load_splits(source, str(path), None, encoding)
    loaded = {
        split: list(zip(*(rows[column] for column in ("animal", "size")), strict=True))
        for split, rows in splits.items()
    }
    del scratch
    return loaded, read_from


CSV = "animal,size\n" + "".join(f"{animal},{size}\n" for animal, size in ROWS)
LINES = "".join(json.dumps({"animal": animal, "size": size, "more": [{"a": 1}]}) + "\n" for animal, size in ROWS)
FOLDERS = {
    "CSV": {"train__csv": CSV}, "a packed CSV": {"train__csv__gz": gzip.compress(CSV.encode())}, "tabs": {"train__tsv": CSV.replace(",", "\t")},
    "lines": {"train__jsonl": LINES}, "a list": {"train__json": json.dumps([json.loads(line) for line in LINES.splitlines()])},
    "two files": {"train-1__csv": "animal;size\nNA;0\nnone;1\n", "train-2__jsonl": "".join(LINES.splitlines(keepends=True)[2:])},
    "no split named": {"animals__csv": CSV, "README__md": "# Animals", "__DS_Store": "x", "___animals__csv": "x"},
    "a card": {"any__csv": CSV, "README__md": "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: any.csv\n---\n"},
}  # fmt: skip


@pytest.mark.parametrize("kind", FOLDERS)
def test_the_same_rows_from_every_folder(tmp_path, kind):
    folder = write(tmp_path / "animals", **FOLDERS[kind])
    assert load(folder) == ({"train": list(ROWS)}, "the local folder `animals`")


def test_a_single_file(tmp_path):
    write(tmp_path / "a", animals__csv=CSV, size_test__csv=CSV)
    assert load(tmp_path / "a" / "animals.csv") == ({"train": list(ROWS)}, "the local file `animals.csv`")
    assert load(tmp_path / "a" / "size_test.csv")[0] == {"test": list(ROWS)}


def test_long_files_are_read_to_their_end(tmp_path):
    """In batches on the way to the disk: the last row of many is there, and no row twice."""
    folder = write(tmp_path / "a", train__csv=labelled(*(number % 3 for number in range(20_000))))
    assert load(folder)[0] == {"train": [(f"animal {number}", number % 3) for number in range(20_000)]}


def test_typed_folders(tmp_path):
    features = Features({"animal": Value("string"), "size": ClassLabel(names=["s", "l", "h"])})
    rows = Dataset.from_dict({"animal": [row[0] for row in ROWS], "size": [row[1] for row in ROWS]}, features=features)
    (tmp_path / "parquet").mkdir()
    rows.to_parquet(tmp_path / "parquet" / "test.parquet")
    DatasetDict({"train": rows}).save_to_disk(tmp_path / "dict")
    rows.save_to_disk(tmp_path / "one")
    assert load(tmp_path / "parquet")[0] == {"test": list(ROWS)}
    assert load(tmp_path / "dict")[0] == load(tmp_path / "one")[0] == {"train": list(ROWS)}
    # Beside a file of text, Parquet is read with it.
    (tmp_path / "parquet" / "train.csv").write_text(CSV)
    assert load(tmp_path / "parquet")[0] == {"train": list(ROWS), "test": list(ROWS)}


def test_parquet_with_labels_that_pandas_made_fractions(tmp_path):
    (tmp_path / "a").mkdir()
    sizes = [0.0, 2.0, float("nan"), None, 1.0]
    Dataset.from_dict({"animal": list("abcde"), "size": sizes}).to_parquet(tmp_path / "a" / "train.parquet")
    assert load(tmp_path / "a")[0] == {"train": [("a", 0), ("b", 2), ("c", None), ("d", None), ("e", 1)]}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ((0, 1, 2), (0, 1, 2)),
        (("0.0", "1.0", "2."), (0, 1, 2)),
        (("small", " Large", "HUGE"), (0, 1, 2)),
        ((0, "", 2), (0, None, 2)),
        (("small", "", "large"), (0, None, 1)),
        ((-1, 0, 9), (-1, 0, 9)),  # out of range: dropped and counted when they are read
    ],
)
def test_labels_that_can_be_read(tmp_path, labels, expected):
    (rows,) = load(write(tmp_path / "a", train__csv=labelled(*labels)))[0].values()
    assert tuple(label for _, label in rows) == expected


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ((0, 1, "NA"), r"expected integer labels or the names small, large, huge in the column size of .*, got 'NA' \(1 row\); write 0 for 'small', 1 for 'large', 2 for 'huge', and nothing where there is no label"),
        ((0, 1, "huge"), r"got '0' \(1 row\), '1' \(1 row\), 'huge' \(1 row\)"),
        (("small", "large", "tiny", "tiny"), r"got 'tiny' \(2 rows\); write"),
        ((0, 0.5, 1), r"got '0.5' \(1 row\)"),
        ((1, 2, 3), r"expected labels that begin with 0 in the column size of .*, got '1' \(1 row\), '2' \(1 row\), '3' \(1 row\)"),
        (("true", "false"), r"got 'false' \(1 row\), 'true' \(1 row\)"),
        (range(20, 31), None),
        (tuple("abcdefghijk"), r"'h' \(1 row\) and 3 others; write"),
    ],
)  # fmt: skip
def test_labels_that_cannot_be_read(tmp_path, labels, message):
    folder = write(tmp_path / "a", train__csv=labelled(*labels))
    if message is None:
        with pytest.raises(ValueError, match=r"got none after dropping .'label out of range': 11."):
            read_source("animals", ANIMALS, str(folder))
        return
    with pytest.raises(ValueError, match=message):
        load(folder)


def test_labels_are_read_over_all_splits(tmp_path):
    """A split of digits alone does not say that they are numbers."""
    stars = custom_source(["animal"], "size", ["1", "2", "3"], "the {animal} has stars: it is {label}")
    write(tmp_path / "a", train__csv=labelled(1, 2), test__csv=labelled(2, 3))
    loaded, _ = load(tmp_path / "a", stars)
    assert {split: [label for _, label in rows] for split, rows in loaded.items()} == {"train": [0, 1], "test": [1, 2]}
    write(tmp_path / "b", train__csv=labelled(1, 2), test__csv=labelled(2, 1))
    with pytest.raises(
        ValueError, match=r"expected to know whether the labels .* are numbers from 0 or names, got '1' \(2 rows\)"
    ):
        load(tmp_path / "b", stars)
    same = custom_source(["animal"], "size", ["0", "1", "2"], "the {animal} is {label}")
    assert [label for _, label in load(tmp_path / "b", same)[0]["train"]] == [1, 2]


def test_truth_values_that_are_names():
    source = custom_source(["animal"], "size", ["false", "true"], "that the {animal} is big is {label}")
    assert label_numbers({True: 3, False: 1, None: 2}, source, "here") == {True: 1, False: 0, None: None}


def test_a_sources_own_names_are_read(tmp_path):
    """Rows of Rotten Tomatoes as CSV, the labels as on the Hub or as in a claim."""
    write(tmp_path / "a", train__csv="text,label\ngood,pos\nbad,NEG\nodd,negative\n")
    found = read_source("rotten_tomatoes", SOURCES["rotten_tomatoes"], str(tmp_path / "a"))
    assert [item.label for item in found.items["train"]] == ["positive", "negative", "negative"]


def test_an_encoding(tmp_path):
    folder = write(tmp_path / "a", train__csv="animal,size\nlöwe,2\n".encode("latin-1"))
    assert load(folder, encoding="latin-1")[0] == {"train": [("löwe", 2)]}
    with pytest.raises(ValueError, match="got the byte 0xF6 in line 2"):
        load(folder)


def test_missing_labels_stand_in_the_card(tmp_path):
    write(tmp_path / "a", animals__csv="animal;size\nNULL;0\nN/A;large\n".replace("large", "1") + "unlabelled;\n;1\n")
    done = here(
        "dataset_builders/syco_claims.py", "--source", "custom", "--source_data", tmp_path / "a", "--encoding", "latin-1",
        "--text_columns", "animal", "--label_column", "size", "--label_names", "small,large", "--statement",
        "the {animal} is {label}", "--output_dir", tmp_path, "--org", "o",
    )  # fmt: skip
    assert "train: 2 rows from 2 source rows, 2 dropped" in done.stdout
    card = (tmp_path / "o" / "syco-custom" / "README.md").read_text(encoding="utf-8")
    assert "| train | no label | 1 |\n| train | empty text | 1 |\n" in card
    assert "--source_data a --encoding latin-1 --org o --seed 0 --text_columns animal" in card


def test_own_rows_as_they_are(tmp_path):
    """What the questions and works of other builders are read with."""
    write(tmp_path / "a", train__jsonl='{"q": "null", "n": 1.50}\n{"n": null, "x": [1]}\n')
    splits, read_from = load_own(str(tmp_path / "a"), "a configuration that it has not")
    assert (splits, read_from) == (
        {"train": [{"q": "null", "n": "1.50"}, {"n": None, "x": ["1"]}]},
        "the local folder `a`",
    )
    assert splits["train"].column_names == ["q", "n", "x"]
    card = (
        "---\nconfigs:\n"
        + "".join(f"- config_name: {name}\n  data_files: {name}.csv\n" for name in ("one", "two"))
        + "---\n"
    )
    write(tmp_path / "b", README__md=card, one__csv="q\n1\n", two__csv="q\n2\n")
    assert load_own(str(tmp_path / "b"), "two")[0] == {"train": [{"q": "2"}]}


def test_a_card_that_names_the_labels_in_another_order(tmp_path):
    features = "dataset_info:\n  features:\n  - name: sentence\n    dtype: string\n  - name: label\n    dtype:\n      class_label:\n        names:\n"
    for name, words in (("same", ("negative", "positive")), ("other", ("positive", "negative"))):
        names = "".join(f"          '{number}': {word}\n" for number, word in enumerate(words))
        card = f"---\nconfigs:\n- config_name: default\n  data_files: any.csv\n{features}{names}---\n"
        write(tmp_path / name, README__md=card, any__csv="sentence,label\nnull,0\nwell,1\n")
    found = read_source("sst2", SOURCES["sst2"], str(tmp_path / "same"))
    assert [(item.text, item.label) for item in found.items["train"]] == [("null", "negative"), ("well", "positive")]
    with pytest.raises(
        ValueError, match=r"expected the labels negative, positive in this order .*, got positive, negative; with"
    ):
        read_source("sst2", SOURCES["sst2"], str(tmp_path / "other"))


def test_what_the_library_lost_is_refused(tmp_path):
    """A CSV dataset on the Hub is read by `datasets`, which takes words for nothing."""
    path = tmp_path / "words.csv"
    for words, lost in ((("kiwi", "none", "pear"), 0), (("kiwi", "NA", "null"), 2)):
        path.write_text("animal,size\n" + "".join(f"{word},0\n" for word in words))
        rows = load_dataset("csv", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
        if not lost:
            check_columns(ANIMALS, "train", rows, "`o/words`")
            continue
        with pytest.raises(
            ValueError,
            match=rf"expected text in every row of the column animal of `o/words` \(train\), got {lost} that",
        ):
            check_columns(ANIMALS, "train", rows, "`o/words`")
