# SPDX-License-Identifier: Apache-2.0
"""Files as people have them: each value as it stands there, or an error that says where and what to do."""

import bz2
import gzip
import io
import json
import lzma
import zipfile

import pyarrow as pa
import pytest
from datasets import Dataset

from sycophancy.claims.own_files import Number, own_files, read_own_files

WORDS = (
    "null", "NULL", "NA", "N/A", "#N/A", "n/a", "None", "nan", "NaN", "-", "-nan", "<NA>", "1.0", "007", "1e5", "1,000", "+1", "0x1F",
    "2020-01-01", "12:30", "TRUE", "false", "inf", "-Infinity", " padded ", "Zoë", "naïve \u201cquotes\u201d", "👍", 'say "no"', '"',
    "a;b|c\td", "two\nlines", "one\r\ntwo", "\u2028", "=1+1", "#comment", "'", "\\n", "x" * 200_000,
)  # fmt: skip
"""What readers of tables take for something else."""


def table(delimiter=",", end="\n", words=WORDS):
    import csv

    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=end)
    writer.writerows([("n", "word"), *enumerate(words)])
    return stream.getvalue()


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def zipped(**files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__dot__", "."), content)
    return packed.getvalue()


def zstd(content):
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as stream:
        stream.write(content)
    return packed.getvalue().to_pybytes()


TABLE = table()
FILES = {
    "comma.csv": TABLE, "marked.csv": "\ufeff" + TABLE, "windows.csv": table(end="\r\n"), "wide.csv": TABLE.encode("utf-16"),
    "wider.csv": TABLE.encode("utf-32"), "semicolon.csv": table(";"), "tab.csv": table("\t"), "bar.csv": table("|"),
    "tab.tsv": table("\t"), "tab.txt": table("\t"), "comma.txt": TABLE, "said.csv": "sep=;\n" + table(";"), "capital.CSV": TABLE,
    "packed.csv.gz": gzip.compress(TABLE.encode()), "packed.csv.bz2": bz2.compress(TABLE.encode()),
    "packed.csv.xz": lzma.compress(TABLE.encode()), "packed.csv.zst": zstd(TABLE.encode()),
    "packed.zip": zipped(words__dot__csv=TABLE, README__dot__md="# Words"), "packed.tsv.zip": zipped(words__dot__tsv=table("\t")),
    "lines.jsonl": "".join(json.dumps({"word": word}) + "\n" for word in WORDS),
    "lines.ndjson": "\n\n".join(json.dumps({"word": word}, ensure_ascii=False) for word in WORDS),
    "lines.json": "".join(json.dumps({"word": word}) + "\n" for word in WORDS),
    "list.json": json.dumps([{"word": word} for word in WORDS], indent=1),
    "data.json": json.dumps({"version": "1", "data": [{"word": word} for word in WORDS]}),
    "columns.json": json.dumps({"word": WORDS, "n": list(range(len(WORDS)))}),
    "packed.jsonl.gz": gzip.compress("".join(json.dumps({"word": word}) + "\n" for word in WORDS).encode()),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_every_word_stays(tmp_path, name):
    path = write(tmp_path / name, FILES[name])
    expected = {"train": [{"word": word} for word in WORDS]}
    assert read_own_files(path, ["word"]) == expected
    assert read_own_files(tmp_path, ["word"]) == expected
    assert all(type(row["word"]) is str for row in read_own_files(path, ["word"])["train"])


def test_parquet_keeps_its_types(tmp_path):
    rows = [{"word": "null", "n": 1, "c": ["a", "b"]}, {"word": None, "n": 2, "c": []}]
    Dataset.from_list(rows).to_parquet(tmp_path / "words.parquet")
    assert read_own_files(tmp_path) == {"train": rows}


def test_encodings_are_never_guessed(tmp_path):
    path = write(tmp_path / "words.csv", "n,word\n1,kiwi\n2,açaí\n".encode("cp1252"))
    with pytest.raises(
        ValueError, match=r"expected text in utf-8 in words.csv, got the byte 0xE7 in line 3; save it as UTF-8"
    ):
        read_own_files(path)
    assert read_own_files(path, ["word"], encoding="cp1252")["train"][1] == {"word": "açaí"}
    path = write(tmp_path / "words.csv", "n,word\n1,kiwi\n".encode("utf-16-le"))
    with pytest.raises(ValueError, match=r"expected text in UTF-8 in words.csv, got bytes of UTF-16 or of no text"):
        read_own_files(path)
    assert read_own_files(path, ["word"], encoding="utf-16-le") == {"train": [{"word": "kiwi"}]}
    with pytest.raises(ValueError, match="--encoding: expected one that Python knows, got 'latin-99'"):
        read_own_files(path, encoding="latin-99")


def test_tabs_without_quoting(tmp_path):
    """As GLUE's own files are: a double quote is a letter, a line is a row."""
    path = write(tmp_path / "a.tsv", 'word\tn\n"Odd" start\t1\nnever "closed\t2\n"both"\t3\n')
    assert [row["word"] for row in read_own_files(path)["train"]] == ['"Odd" start', 'never "closed', '"both"']
    path = write(tmp_path / "a.tsv", 'word\tn\n"Odd start\t1\nand an end"\t2\n')
    assert [row["word"] for row in read_own_files(path)["train"]] == ['"Odd start', 'and an end"']
    path = write(tmp_path / "a.tsv", 'word\tn\n"a ""b"""\t1\n"two\nlines"\t2\n')
    assert [row["word"] for row in read_own_files(path)["train"]] == ['a "b"', "two\nlines"]


def test_json_values(tmp_path):
    lines = (
        '{"a": 1.50, "b": null, "c": "null"}\n{"a": 1e5, "d": [1, {"e": true}], "b": NaN}\n{"a": -0.0, "c": Infinity}\n'
    )
    rows = read_own_files(write(tmp_path / "a.jsonl", lines))["train"]
    assert rows == [
        {"a": "1.50", "b": None, "c": "null"}, {"a": "1e5", "d": ["1", {"e": True}], "b": None}, {"a": "-0.0", "c": "Infinity"},
    ]  # fmt: skip
    assert rows.column_names == ["a", "b", "c", "d"]
    assert isinstance(rows[0]["a"], Number)
    assert not isinstance(rows[0]["c"], Number)
    assert read_own_files(tmp_path, ["d", "c"])["train"] == [
        {"d": None, "c": "null"}, {"d": ["1", {"e": True}], "c": None}, {"d": None, "c": "Infinity"},
    ]  # fmt: skip


REFUSED = {
    "more fields": ("a.csv", "n,word\n1,a\n2,b, c\n", r"expected 2 fields \(n, word\) in a.csv, line 3, got 3: '2,b, c'; put a text with ',' or line ends in it in double quotes"),
    "fewer fields": ("a.csv", "n,word\n1\n", r"expected 2 fields \(n, word\) in a.csv, line 2, got 1: '1'"),
    "ragged tabs": ("a.tsv", "n\tword\n1\ta\tb\n", r"expected 2 fields \(n, word\) in a.tsv, line 2, got 3"),
    "text after a quote": ("a.csv", 'n,word\n1,"a" b\n', r"expected double quotes around whole fields, and doubled within them, in a.csv, line 2, got"),
    "open quote": ("a.csv", 'n,word\n1,"a\n2,b\n', r"expected double quotes around whole fields, .* got: unexpected end of data"),
    "no header": ("a.csv", "1,kiwi\n2,plum\n", "expected the columns word in a.csv, got 1, kiwi; word is missing"),
    "another delimiter": ("a.csv", "n:word\n1:a\n", "expected the columns word in a.csv, got n:word; word is missing"),
    "a header twice": ("a.csv", "word,n,word\na,1,b\n", "expected columns of different names in a.csv, got word twice"),
    "no such key": ("a.jsonl", '{"w": 1}\n{"x": 2}\n', "expected the columns word in a.jsonl, got w, x; word is missing"),
    "a broken line": ("a.jsonl", '{"word": "a"}\n{"word": \n', r"expected readable rows, a JSON object per line, in a.jsonl, got '{\"word\":' in line 2"),
    "a line that is a list": ("a.jsonl", '["a"]\n', r"expected a JSON object with a value per column in a.jsonl, line 1"),
    "a broken list": ("a.json", '[{"word": "a"}\n', r"expected readable rows, one JSON list of objects, in a.json, got Expecting ',' delimiter in line 2"),
    "several lists": ("a.json", '{"x": [{"word": "a"}], "y": [{"word": "b"}]}', r"expected a list of objects, .* got an object with x, y; write the rows as JSON lines"),
    "columns by index": ("a.json", '{"word": {"0": "a"}}', "expected a list of objects, .* got an object with word"),
    "columns of other lengths": ("a.json", '{"word": ["a"], "n": [1, 2]}', "expected a list of objects, .* got an object with word, n"),
    "an empty file": ("a.csv", "", "expected rows in every data file of .*, got the empty a.csv; remove it"),
    "half a gzip": ("a.csv.gz", gzip.compress(b"n,word\n1,a\n")[:-9], "expected a whole packed file, got a.csv.gz: .*; make it again"),
    "half a zstd": ("a.csv.zst", zstd(b"n,word\n1,a\n")[:-4], "expected a whole packed file, got a.csv.zst"),
    "no gzip": ("a.csv.gz", b"n,word\n1,a\n", "expected a whole packed file, got a.csv.gz: Not a gzipped file"),
    "no zip": ("a.zip", b"PK", "expected a zip file, got .*a.zip: .*; make it again"),
    "packed Parquet": ("a.parquet.gz", b"x", "expected Parquet as it is, got a.parquet.gz; unpack it"),
    "a workbook": ("a.xlsx", b"x", r"expected data files \(.csv, .* in the folder .*, got .xlsx: save the sheet as CSV in UTF-8"),
    "an archive": ("a.tar", b"x", "got .tar: unpack it"),
    "two splits in a name": ("train_and_test.csv", TABLE, "expected a name that tells one split, got train_and_test.csv: train or test; rename it"),
    "only a card": ("README.md", "# Words", "expected data files .* in the folder .*, got none"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(tmp_path, kind):
    name, content, message = REFUSED[kind]
    write(tmp_path / name, content)
    with pytest.raises(ValueError, match=message):
        read_own_files(tmp_path, ["word"])


def test_harmless_unevenness(tmp_path):
    """A spreadsheet's empty cells after the last column, pandas' unnamed index, blank lines, spaces in the header."""
    path = write(tmp_path / "a.csv", ", word ,word2,other,other\n0,a,1,,,,\n\n1,b,2,x,y\n")
    assert read_own_files(path, ["word"])["train"] == [{"word": "a"}, {"word": "b"}]


def test_splits_are_told_by_names(tmp_path, capsys):
    here = (
        "train-1.csv", "train-2.csv", "deep/dev/any.csv", "eval.jsonl", "folded-00000-of-00002.csv", "folded-00001-of-00002.csv",
        "vocabulary.csv",
    )  # fmt: skip
    beside = ("README.md", "readme.txt", "LICENSE", ".gitattributes", ".DS_Store", "._train-1.csv", "__MACOSX/train.csv", "dataset_infos.json",
              ".cache/train.csv", "notes.docx")  # fmt: skip
    for name in (*here, *beside):
        write(tmp_path / name, "{}" if name.endswith(("json", "jsonl")) else f"word\n{name}\n")
    found = own_files(tmp_path)
    assert {split: [file.name for file in files] for split, files in found.items()} == {
        "validation": ["any.csv"], "test": ["eval.jsonl"], "folded": ["folded-00000-of-00002.csv", "folded-00001-of-00002.csv"],
        "train": ["train-1.csv", "train-2.csv"],
    }  # fmt: skip
    assert capsys.readouterr().err == "not read, since its name says no split while others do: vocabulary.csv\n"
    assert [row["word"] for row in read_own_files(tmp_path / "vocabulary.csv")["train"]] == ["vocabulary.csv"]


def test_splits_in_a_zip_and_of_other_names(tmp_path):
    path = write(tmp_path / "all.zip", zipped(train__dot__csv=TABLE, test__dot__csv=TABLE))
    assert list(own_files(path)) == ["train", "test"]
    for name in ("validation_matched.csv", "validation_mismatched.csv"):
        write(tmp_path / "nli" / name, TABLE)
    found = own_files(tmp_path / "nli", splits=("validation_matched",))
    assert {split: [file.name for file in files] for split, files in found.items()} == {
        "validation_matched": ["validation_matched.csv"], "validation": ["validation_mismatched.csv"],
    }  # fmt: skip
