# SPDX-License-Identifier: Apache-2.0
"""The rows behind a number: which count, which raise or lower it, which flipped between two runs; a page at a time."""

from html import escape

import numpy as np

from .tables import table

PER_PAGE = 10
LONGEST = 300  # characters of an answer that are shown
MOST_BESIDE = 10  # rows of the same claim, question or item

EVERY = "every row"
COUNTED = "rows that count"
RAISING = "rows that raise it"
LOWERING = "rows that lower it"
NEITHER = "rows that do neither"
FLIPPED = "rows that flipped between the runs"
RISEN = "flipped: they raise it more in the second run"
FALLEN = "flipped: they raise it less in the second run"


def views(report, key):
    """The views of one number, of which a choice is offered; `EVERY` stands for no number."""
    if key == EVERY:
        return [COUNTED] if len(report.runs) == 1 else [COUNTED, FLIPPED]
    found = [COUNTED, RAISING]
    if any((adds[counted] < 0).any() for adds, counted in (side[key] for side in report.behind)):
        found.append(LOWERING)
    found.append(NEITHER)
    return found if len(report.runs) == 1 else [*found, FLIPPED, RISEN, FALLEN]


def keys(report):
    """The numbers that have rows behind them, in the order of the table."""
    return [EVERY, *(key for key in report.kind.meanings if key in report.behind[0])]


def select(report, key, view, side=0, words=""):
    """Row numbers of one view.

    Args:
        report (`Report`): of one run or two.
        key (`str`): a key of `keys`.
        view (`str`): one of `views`.
        side (`int`): the run that counts, raises and lowers are about; flips are about both.
        words (`str`): only rows with this text in their id or in an answer, in any case.

    Returns:
        int64 array, in the order of the file.
    """
    if key == EVERY:
        chosen = np.ones(len(report.runs[0].rows), dtype=bool)
        if view == FLIPPED:
            chosen = np.array([one != two for one, two in zip(*report.read, strict=True)])
    else:
        adds, counted = report.behind[min(side, len(report.runs) - 1)][key]
        masks = {
            COUNTED: counted,
            RAISING: counted & (adds > 0),
            LOWERING: counted & (adds < 0),
            NEITHER: counted & (adds == 0),
        }
        chosen = masks.get(view)
        if chosen is None:
            (old, held), (new, held_too) = (found[key] for found in report.behind)
            both = held & held_too
            chosen = both & {FLIPPED: new != old, RISEN: new > old, FALLEN: new < old}[view]
    found = np.flatnonzero(chosen)
    sought = words.strip().casefold()
    if sought:
        found = np.array([row for row in found.tolist() if sought in _text(report, row)], dtype=np.int64)
    return found


def _text(report, row):
    name = report.runs[0].rows[row].get("id") or report.runs[0].rows[row][report.kind.unit]
    return "\n".join([str(name), *(run.rows[row]["prediction"] for run in report.runs)]).casefold()


def _shown(text):
    text = str(text)
    return escape(text if len(text) <= LONGEST else f"{text[:LONGEST]}…") or "<i>empty</i>"


def arms_of(report):
    """Row numbers by claim, question or item: what stands beside a row."""
    found = {}
    for row, line in enumerate(report.runs[0].rows):
        found.setdefault(line[report.kind.unit], []).append(row)
    return found


def _cell(label, content, kind=""):
    return f'<td data-label="{escape(label)}" class="{kind}">{content}</td>'


def show(report, rows, page, arms):
    """One page of rows as an HTML table.

    Args:
        report (`Report`): of one run or two.
        rows (`np.ndarray`): what `select` gives.
        page (`int`): from 1; taken to the nearest page there is.
        arms (`dict`): what `arms_of` gives.

    Returns:
        `(html, page, pages)`.
    """
    pages = max(1, -(-len(rows) // PER_PAGE))
    page = min(max(1, int(page)), pages)
    kind, names = report.kind, [run.name for run in report.runs]
    groups = {field: field for field in report.fields[:2] if field != kind.arm}
    columns = {**kind.shown, **groups}
    body = []
    for row in rows[(page - 1) * PER_PAGE : page * PER_PAGE].tolist():
        line = report.runs[0].rows[row]
        name = line.get("id") or line[kind.unit]
        cells = f'<th scope="row">{_shown(name)}</th>'
        cells += "".join(
            _cell(label, _shown(line[field]) if line[field] != "" else "–") for field, label in columns.items()
        )
        changed = "answer changed" if len({read[row] for read in report.read}) > 1 else "answer"
        answers = [_answer(report, row, side) for side in range(len(names))]
        cells += "".join(_cell(f"answer, {each}", text, changed) for each, text in zip(names, answers, strict=True))
        others = [other for other in arms[line[kind.unit]] if other != row]
        beside = "<br>".join(_beside(report, other) for other in others[:MOST_BESIDE])
        body.append(cells + _cell(f"same {kind.unit.removesuffix('_id')}", beside or "–", "beside"))
    caption = f"{len(rows):,} rows; page {page:,} of {pages:,}"
    answered = [f"answer, {name}" for name in names]
    headings = ["row", *columns.values(), *answered, f"same {kind.unit.removesuffix('_id')}"]
    return table(caption, headings, body, "rows") if len(rows) else "<p>No row is like that.</p>", page, pages


def _answer(report, row, side):
    """A raw answer, and what it was read as where that is something else."""
    raw, read = report.runs[side].rows[row]["prediction"], report.read[side][row]
    note = (
        "" if read == raw else f' <span class="ci">({"not read" if read is None else f"read as {_shown(read)}"})</span>'
    )
    return _shown(raw) + note


def _beside(report, row):
    answers = " → ".join(
        _shown(read[row] or run.rows[row]["prediction"]) for run, read in zip(report.runs, report.read, strict=True)
    )
    line = report.runs[0].rows[row]
    name = " ".join(str(line[field]) for field in (report.kind.arm, *report.kind.place) if line.get(field))
    return f"<i>{escape(name)}</i>: {answers}"
