# SPDX-License-Identifier: Apache-2.0
"""Read `predictions.jsonl`: lines as `scripts/measure.py` writes them, or of any program that gives these fields.

`{"id": "sst2/validation/17/false/no_opinion", "prediction": "Disagree", "claim_id": ..., "choices": [...], ...}`
"""

import json
from dataclasses import dataclass
from pathlib import Path

from .kinds import KINDS, ROUNDS, TURNS, kind_of

MOST_ROWS = 500_000  # what a small Space holds twice, with the metric's arrays, in some 4 GB
MOST_GROUPS = 20
FIRST_GROUPS = ("authority", "template")


@dataclass
class Run:
    """Rows of one run, in order.

    Attributes:
        kind: what they are, see `kinds`.
        rows: the lines, as dicts.
        lines: their line numbers in the file, counted from 1.
        name: what errors and tables call the run.
    """

    kind: object
    rows: list
    lines: list
    name: str

    @property
    def predictions(self):
        """Raw answers."""
        return [row["prediction"] for row in self.rows]

    @property
    def references(self):
        """The rows as the metric reads them."""
        return self.rows

    def scores(self):
        """`choice_logprobs` of every row, or `None` where not every row has them, or the metric reads none."""
        if self.kind.config not in ("default", "feedback") or not all(row.get("choice_logprobs") for row in self.rows):
            return None
        return [row["choice_logprobs"] for row in self.rows]

    def groups(self):
        """Fields to group by: text, whole numbers or booleans on every line, with 2 to `MOST_GROUPS` values."""
        fixed = {*self.kind.fields, *self.kind.where_given, "id", "prediction", "parsed", "choice_logprobs"}
        fixed -= {"quality"}  # whether liking a flawed text does more
        fields = [field for field in self.rows[0] if field not in fixed and "/" not in field]
        found = [field for field in fields if self._groups_by(field)]
        return sorted(
            found,
            key=lambda field: (field not in FIRST_GROUPS, FIRST_GROUPS.index(field) if field in FIRST_GROUPS else 0),
        )

    def _groups_by(self, field):
        values = set()
        kind = type(self.rows[0][field])
        for row in self.rows:
            value = row.get(field)
            if type(value) is not kind or kind not in (str, bool, int):
                return False
            values.add(value)
            if len(values) > MOST_GROUPS:
                return False
        return len(values) > 1


def read_text(path, pasted, name):
    """Text of a file or of what was pasted; `None` for neither.

    Raises:
        ValueError: both, a file that is no UTF-8 text, or an empty one.
    """
    pasted = (pasted or "").strip()
    if path and pasted:
        raise ValueError(f"{name}: expected a file or pasted lines, got both. Clear one of them.")
    if not path:
        return pasted or None
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        shown = Path(path).name
        raise ValueError(
            f"{name}: expected a text file in UTF-8, got other bytes in {shown}. Upload predictions.jsonl."
        ) from None
    if not text.strip():
        raise ValueError(f"{name}: expected lines of predictions.jsonl, got an empty file. Upload the run's file.")
    return text


def read_run(text, name):
    """The rows of one run.

    Args:
        text (`str`): lines of JSON.
        name (`str`): what errors call the run.

    Returns:
        `Run`.

    Raises:
        ValueError: a line that is no JSON object or lacks a field, fields of no kind, or too many lines.
    """
    rows, lines = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        if len(rows) == MOST_ROWS:
            raise ValueError(
                f"{name}: expected at most {MOST_ROWS:,} lines, got more. Score it with the metric itself."
            )
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            whole = "It looks like one JSON document: upload predictions.jsonl, not run.json." if number == 1 else ""
            shown = line.strip() if len(line.strip()) <= 60 else f"{line.strip()[:57]}..."
            remedy = whole if whole and line.strip() in ("{", "[") else "Upload the file as it was written."
            raise ValueError(f"{name}, line {number}: expected one JSON object a line, got {shown!r}. {remedy}")
        rows.append(row)
        lines.append(number)
    if not rows:
        raise ValueError(f"{name}: expected lines of predictions.jsonl, got none. Upload or paste a run.")
    kind = kind_of(rows[0])
    if kind is None:
        kinds = "; ".join(f"{', '.join(each.marks)} ({each.name})" for each in KINDS)
        got = ", ".join(map(str, list(rows[0])[:8])) or "no fields"
        raise ValueError(
            f"{name}, line {lines[0]}: expected the fields of one of these kinds of runs: {kinds}; got {got}. "
            "Upload predictions.jsonl as scripts/measure.py writes it."
        )
    for row, number in zip(rows, lines, strict=True):
        missing = [field for field in ("prediction", *kind.fields) if field not in row]
        if missing:
            raise ValueError(
                f"{name}, line {number}: expected the field `{missing[0]}` ({kind.name}), got a line without it. "
                "Keep the columns of the dataset beside each answer, as scripts/measure.py does."
            )
    if kind is TURNS and any(row.get("round") for row in rows):
        kind = ROUNDS
    return Run(kind, rows, lines, name)


def _identity(run):
    kind = run.kind
    return [(row[kind.unit], row[kind.arm], *(row.get(field) for field in kind.place)) for row in run.rows]


def match_runs(first, second):
    """The second run with its rows in the order of the first.

    Raises:
        ValueError: other rows, or rows that differ in what was asked.
    """
    if second.kind is not first.kind:
        raise ValueError(
            f"Expected two runs of one kind, got {first.kind.name} and {second.kind.name}. Compare like with like."
        )
    wanted, place = _identity(first), {}
    for row, key in enumerate(map(repr, _identity(second))):
        place.setdefault(key, row)
    lacking = [key for key in wanted if repr(key) not in place]
    if lacking or len(wanted) != len(second.rows):
        got = (
            f"{len(lacking):,} rows that {second.name} lacks (such as {' '.join(map(str, lacking[0]))})"
            if lacking
            else (f"{len(second.rows):,} rows in {second.name} for {len(wanted):,} in {first.name}")
        )
        raise ValueError(f"Expected both runs on the same rows, got {got}. Compare runs of one dataset and split.")
    order = [place[repr(key)] for key in wanted]
    rows, lines = [second.rows[row] for row in order], [second.lines[row] for row in order]
    for mine, theirs, line in zip(first.rows, rows, lines, strict=True):
        for field in first.kind.fields:
            if mine[field] != theirs[field]:
                raise ValueError(
                    f"{second.name}, line {line}, field `{field}`: expected {mine[field]!r} as in {first.name}, got "
                    f"{theirs[field]!r}. Compare runs of one dataset and split."
                )
    return Run(second.kind, rows, lines, second.name)
