# SPDX-License-Identifier: Apache-2.0
"""Reading anybody's data files as they are: a text stays the text, whatever it looks like.

Readers of tables guess: pandas takes `null`, `NA` and `None` for nothing and `007` for 7, Arrow's JSON reader takes
`"2020-01-01"` for a date. Here the words of a delimited file are strings, a number in JSON is the string of its digits
(`Number`), and what cannot be read as it stands is an error that names the place and what to do.
"""

import bz2
import csv
import gzip
import io
import json
import lzma
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

DELIMITERS = {"csv": ",;\t|", "tsv": "\t,;|", "txt": "\t,;|"}
"""Kind of file -> the delimiters that it may have, the likeliest first."""

KINDS = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".txt": "txt", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl",
    ".parquet": "parquet",
}  # fmt: skip
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
UNREADABLE = {
    **dict.fromkeys((".xlsx", ".xls", ".ods", ".numbers"), "save the sheet as CSV in UTF-8"),
    **dict.fromkeys((".tar", ".tgz", ".7z", ".rar", ".lz4"), "unpack it"),
    **dict.fromkeys((".feather", ".arrow", ".pkl", ".pickle", ".npz", ".db", ".sqlite"), "save it as Parquet or JSON lines"),
    **dict.fromkeys((".xml", ".yaml", ".yml", ".dta", ".sav"), "save it as CSV or JSON lines"),
}  # fmt: skip
"""Suffixes of tables that nothing here reads -> what to do."""

# What lies beside data and is none: of the Hub, of `datasets`, of an operating system.
_BESIDE = {
    "readme",
    "license",
    "licence",
    "notice",
    "citation",
    "dataset_info",
    "dataset_infos",
    "dataset_dict",
    "state",
}

SPLIT_WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}
"""Split -> the words in a file's or folder's name that mean it, those of `datasets`."""

_MARKS = (  # the longer first: the mark of UTF-32 begins with that of UTF-16
    (b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"), (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
)  # fmt: skip


class Number(str):
    """A number of a JSON file, as it is written there: `1.50` and `1e5` stay so."""

    __slots__ = ()


class OwnRows(list):
    """Rows as they are in the files, dicts; a value that is not there is `None`."""

    @property
    def column_names(self) -> list[str]:
        """The columns of all rows, in the order in which they first occur."""
        return list(dict.fromkeys(column for row in self for column in row))


@dataclass(frozen=True)
class DataFile:
    """A file with rows.

    Attributes:
        path: where it lies.
        kind: a value of `KINDS`.
        member: its name within the zip file `path`, if it is in one.
    """

    path: Path
    kind: str
    member: str | None = None

    @property
    def name(self) -> str:
        """As errors call it."""
        return f"{self.path.name}/{self.member}" if self.member else self.path.name

    @contextmanager
    def open(self) -> Iterator[io.BufferedIOBase]:
        """Its bytes, unpacked."""
        suffix = self.path.suffix.lower()
        if self.member:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as stream:
                yield stream
        elif suffix == ".zst":
            import pyarrow as pa

            with pa.CompressedInputStream(str(self.path), "zstd") as stream:
                yield stream
        else:
            opened = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}.get(suffix, open)
            with opened(self.path, "rb") as stream:
                yield stream


def read_own_files(
    path: str | Path, columns: Sequence[str] | None = None, *, splits: Iterable[str] = (), encoding: str | None = None
) -> dict[str, OwnRows]:
    """Split -> rows of a data file, or of the data files in a folder, each value as it stands in the file.

    Args:
        path: a file or a folder: CSV (comma, semicolon, tab or bar), TSV, JSON, JSON lines or Parquet, each also as
            .gz, .bz2, .xz, .zst or in a .zip (Parquet as it is).
        columns: the columns that are wanted; all of them where it is `None`.
        splits: names of splits that a file may have besides train, validation and test.
        encoding: of the texts; UTF-8, or what a byte order mark says, where it is `None`.

    Returns:
        For each split its rows in the order of the files' names, with the wanted columns. In delimited files every
        value is a string. In JSON a number is a `Number`, a string with its digits; truth values, lists and objects are
        Python's; what is `null` or not there is `None`. In Parquet values are Python's.

    Raises:
        ValueError: nothing there can be read, or a file cannot be read without a guess: a wanted column that no row
            has, lines of different lengths, bytes of another encoding.
    """
    found = own_files(Path(path), splits)
    return {split: OwnRows(rows_of(files, columns, encoding)) for split, files in found.items()}


def own_files(path: Path, splits: Iterable[str] = ()) -> dict[str, list[DataFile]]:
    """Split -> the data files that hold it, in the order of their names.

    A split is told by the file's name or else by that of a folder around it (`SPLIT_WORDS`). Where no name tells one,
    all rows are for training; where some do, files that tell none are left out with a word on stderr.

    Args:
        path: a file or a folder.
        splits: further names of splits.

    Raises:
        ValueError: there is no data file, one is empty, or a name tells two splits.
    """
    path = Path(path)
    at = path.parent if path.is_file() else path
    listed = [path] if path.is_file() else [file for file in sorted(path.rglob("*")) if file.is_file()]
    candidates = [file for file in listed if file == path or not _is_beside(file.relative_to(at))]
    files = [found for candidate in candidates for found in _data_files(candidate)]
    if any(file.kind != "txt" for file in files):
        files = [file for file in files if file.kind != "txt"]
    if not files:
        advice = {file.suffix.lower(): UNREADABLE.get(file.suffix.lower()) for file in candidates}
        what = "; ".join(f"got {suffix}: {todo}" for suffix, todo in advice.items() if todo)
        where = f"in the folder {path}" if path.is_dir() else f"as {path}"
        raise ValueError(f"expected data files ({', '.join(KINDS)}) {where}, {what or 'got none'}")
    if empty := [file.name for file in files if not file.path.stat().st_size]:
        raise ValueError(f"expected rows in every data file of {path}, got the empty {', '.join(empty)}; remove it")
    found: dict[str | None, list[DataFile]] = {}
    for file in files:
        found.setdefault(_split_of(file, at, tuple(splits)), []).append(file)
    unnamed = found.pop(None, [])
    if not found:
        return {"train": unnamed}
    if unnamed:
        names = ", ".join(file.name for file in unnamed)
        print(f"not read, since its name says no split while others do: {names}", file=sys.stderr)
    return found


def _is_beside(file: Path | PurePosixPath) -> bool:
    """Whether a file, by its place in the folder, is no data: hidden, of an operating system, a card."""
    return any(part.startswith((".", "__")) for part in file.parts) or file.name.split(".")[0].lower() in _BESIDE


def _kind(name: str) -> str | None:
    suffixes = [suffix.lower() for suffix in PurePosixPath(name).suffixes]
    if suffixes and suffixes[-1] in PACKED:
        suffixes = suffixes[:-1]
        if suffixes[-1:] == [".parquet"]:
            raise ValueError(f"expected Parquet as it is, got {name}; unpack it")
    return KINDS.get(suffixes[-1]) if suffixes else None


def _data_files(path: Path) -> Iterator[DataFile]:
    """The file, or the files in it, that hold rows."""
    if path.suffix.lower() != ".zip":
        if kind := _kind(path.name):
            yield DataFile(path, kind)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except zipfile.BadZipFile as error:
        raise ValueError(f"expected a zip file, got {path}: {error}; make it again") from error
    if any(member.flag_bits & 1 for member in members):
        raise ValueError(f"expected a zip file without a password, got {path}; unpack it")
    for member in members:
        if not _is_beside(PurePosixPath(member.filename)) and (kind := _kind(member.filename)):
            if kind == "parquet":
                raise ValueError(f"expected Parquet as it is, got {path.name}/{member.filename}; unpack it")
            yield DataFile(path, kind, member.filename)


def _split_of(file: DataFile, folder: Path, splits: tuple[str, ...]) -> str | None:
    """The split that the names tell, nearest first: the file's, then of the folders around it."""
    inner = PurePosixPath(file.member or "").parts
    for part in reversed([*file.path.relative_to(folder).parts, *inner]):
        stem = part.split(".")[0] if part in (file.path.name, inner[-1:]) else part
        sharded = re.fullmatch(r"(.+?)-\d+-of-\d+.*", stem)
        stem = sharded[1] if sharded else stem
        if stem in splits or (sharded and stem not in SPLIT_WORDS and re.fullmatch(r"\w+", stem)):
            return stem
        words = set(re.findall("[a-z]+", stem.lower()))
        told = [split for split, meant in SPLIT_WORDS.items() if words & set(meant)]
        if len(told) > 1:
            raise ValueError(f"expected a name that tells one split, got {file.name}: {' or '.join(told)}; rename it")
        if told:
            return told[0]
    return None


def rows_of(
    files: Iterable[DataFile], columns: Sequence[str] | None = None, encoding: str | None = None
) -> Iterator[dict]:
    """The rows of files, one after another; see `read_own_files`."""
    for file in files:
        try:
            yield from _file_rows(file, columns, encoding)
        except (EOFError, OSError, lzma.LZMAError, zipfile.BadZipFile) as error:
            if file.path.suffix.lower() not in PACKED:
                raise
            raise ValueError(f"expected a whole packed file, got {file.name}: {error}; make it again") from error


def _file_rows(file: DataFile, columns: Sequence[str] | None, encoding: str | None) -> Iterator[dict]:
    if file.kind in DELIMITERS:
        yield from _delimited_rows(file, columns, encoding)
        return
    read = {"json": _json_rows, "jsonl": _json_lines}.get(file.kind)
    rows = _parquet_rows(file) if read is None else read(file, encoding)
    keys: dict[str, None] = {}
    for row in rows:
        keys.update(dict.fromkeys(row))
        yield row if columns is None else {column: row.get(column) for column in columns}
    _check_columns(file, columns, list(keys))


def _check_columns(file: DataFile, columns: Sequence[str] | None, got: Sequence[str]) -> None:
    missing = [column for column in columns or () if column not in got]
    if missing and got:
        raise ValueError(
            f"expected the columns {', '.join(columns)} in {file.name}, got {', '.join(got)}; "
            f"{', '.join(missing)} is missing"
        )


@contextmanager
def _text(file: DataFile, encoding: str | None) -> Iterator[io.TextIOWrapper]:
    """The file's text, line ends as they are."""
    with file.open() as stream:
        head = stream.read(4)
    called = encoding or next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8")
    if encoding is None and called == "utf-8" and b"\0" in head:
        raise ValueError(
            f"expected text in UTF-8 in {file.name}, got bytes of UTF-16 or of no text; save it as UTF-8, or pass its "
            "--encoding"
        )
    with file.open() as stream:
        try:
            yield io.TextIOWrapper(stream, encoding=called, newline="")
        except UnicodeError as error:
            raise ValueError(
                f"expected text in {called} in {file.name}, got {_undecodable(file, called) or error}; save it as "
                "UTF-8, or pass its --encoding (latin-1, cp1252)"
            ) from error
        except LookupError as error:
            raise ValueError(f"--encoding: expected one that Python knows, got {encoding!r}") from error


def _undecodable(file: DataFile, encoding: str) -> str:
    """Where the first bytes stand that are no text in UTF-8, in words."""
    if not encoding.startswith("utf-8"):
        return ""
    with file.open() as stream:
        for number, line in enumerate(io.BufferedReader(stream), start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return f"the byte 0x{line[error.start]:02X} in line {number}"
    return ""


def _parsed(line: str, delimiter: str) -> list[str]:
    """The fields of one line, `[]` where its quotes are no quoting."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def _delimited_rows(file: DataFile, columns: Sequence[str] | None, encoding: str | None) -> Iterator[dict]:
    with _text(file, encoding) as stream:
        first = stream.readline()
        named = re.fullmatch(r"sep=(.)\s*", first)  # a spreadsheet's own way to say it
        header_line = stream.readline() if named else first
    wanted = columns or ()
    headers = {
        delimiter: [field.strip() for field in _parsed(header_line.strip("\r\n"), delimiter)]
        for delimiter in (named[1] if named else DELIMITERS[file.kind])
    }
    fitting = [delimiter for delimiter, header in headers.items() if set(wanted) <= set(header)]
    delimiter = max(fitting or headers, key=lambda tried: len(headers[tried]))
    header = headers[delimiter]
    _check_columns(file, columns, header or [header_line.strip()])
    twice = {name for name in header if header.count(name) > 1 and (name in wanted or (name and columns is None))}
    if twice:
        raise ValueError(f"expected columns of different names in {file.name}, got {', '.join(sorted(twice))} twice")
    places = {name: index for index, name in enumerate(header) if columns is None or name in wanted}
    quoting = csv.QUOTE_NONE if delimiter == "\t" and _is_unquoted(file, encoding, bool(named)) else csv.QUOTE_MINIMAL
    # Texts may be long; the module's own limit of 131,072 characters is for all readers in the process.
    csv.field_size_limit(max(csv.field_size_limit(), 2**31 - 1))
    with _text(file, encoding) as stream:
        if named:
            stream.readline()
        reader = csv.reader(stream, delimiter=delimiter, quoting=quoting, strict=True)
        try:
            next(reader)
            for fields in reader:
                if not fields:
                    continue  # an empty line
                if len(fields) != len(header) and (len(fields) < len(header) or any(fields[len(header) :])):
                    raise ValueError(
                        f"expected {len(header)} fields ({', '.join(header)}) in {file.name}, line {reader.line_num}, "
                        f"got {len(fields)}: {delimiter.join(fields)[:80]!r}; put a text with {delimiter!r} or line "
                        "ends in it in double quotes"
                    )
                yield {name: fields[index] for name, index in places.items()}
        except csv.Error as error:
            raise ValueError(
                f"expected double quotes around whole fields, and doubled within them, in {file.name}, line "
                f"{reader.line_num}, got: {error}; mend the line"
            ) from error


def _is_unquoted(file: DataFile, encoding: str | None, skip: bool) -> bool:
    """Whether a tab-separated file uses double quotes as letters: every line is a row, but not one with quoting."""
    lengths, quoted = set(), True
    with _text(file, encoding) as stream:
        for number, line in enumerate(stream):
            line = line.rstrip("\r\n")
            if line and not (skip and number == 0):
                fields = line.count("\t")
                lengths.add(fields)
                quoted = quoted and len(_parsed(line, "\t")) == fields + 1
            if len(lengths) > 1:
                return False
    return not quoted


def _decoder() -> json.JSONDecoder:
    # `NaN` is how Python's own writer puts a number that is not there.
    return json.JSONDecoder(
        parse_float=Number, parse_int=Number, parse_constant=lambda word: None if word == "NaN" else Number(word)
    )


def _json_lines(file: DataFile, encoding: str | None) -> Iterator[dict]:
    decoder = _decoder()
    with _text(file, encoding) as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                row = decoder.decode(line)
            except json.JSONDecodeError as error:
                raise ValueError(
                    f"expected readable rows, a JSON object per line, in {file.name}, got {line.strip()[:80]!r} in line "
                    f"{number} ({error.msg}); mend the line"
                ) from error
            yield _checked(row, f"{file.name}, line {number}")


def _checked(row: object, where: str) -> dict:
    if not isinstance(row, dict):
        raise ValueError(f"expected a JSON object with a value per column in {where}, got {str(row)[:80]!r}")
    return row


def _json_rows(file: DataFile, encoding: str | None) -> Iterator[dict]:
    with _text(file, encoding) as stream:
        text = stream.read()
    try:
        data = _decoder().decode(text)
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise ValueError(
                f"expected readable rows, one JSON list of objects, in {file.name}, got {error.msg} in line "
                f"{error.lineno}, column {error.colno}; mend the file"
            ) from error
        yield from _json_lines(file, encoding)  # many a .json holds JSON lines
        return
    for number, row in enumerate(_listed(data, file), start=1):
        yield _checked(row, f"{file.name}, element {number}")


def _listed(data: object, file: DataFile) -> list:
    """The list of rows in a JSON value: itself, the only list of objects in an object, or an object of columns."""
    if isinstance(data, list):
        return data
    lists = {key: value for key, value in data.items() if isinstance(value, list)} if isinstance(data, dict) else {}
    of_objects = {key: value for key, value in lists.items() if value and isinstance(value[0], dict)}
    if len(of_objects) == 1:
        return next(iter(of_objects.values()))
    if lists and not of_objects and len(lists) == len(data) and len(set(map(len, lists.values()))) == 1:
        return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]
    got = f"an object with {', '.join(map(str, data))}" if isinstance(data, dict) else f"{str(data)[:80]!r}"
    raise ValueError(
        f'expected a list of objects, or {{"data": [...]}}, in {file.name}, got {got[:200]}; write the rows as JSON lines'
    )


def _parquet_rows(file: DataFile) -> Iterator[dict]:
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(file.path).iter_batches():
        yield from batch.to_pylist()
