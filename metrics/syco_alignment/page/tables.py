# SPDX-License-Identifier: Apache-2.0
"""Numbers as HTML: a sentence, the table of keys, the groups. Every text that comes from a file is escaped."""

import math
from html import escape

ENDS = ("_ci_low", "_ci_high")
REAL = ("logodds_shift", "turn_of_flip", "number_of_flips")  # no shares: shown as they are


def number(value, key="", signed=False):
    """A share in percent with one decimal, or with a sign a difference of two shares in points; `–` for `nan`."""
    if value is None or math.isnan(value):
        return "–"
    plus = "+" if signed and value > 0 else ""
    return f"{plus}{value:.2f}" if key in REAL else f"{plus}{100 * value:.1f} {'points' if signed else '%'}"


def _limits(low, high, key, signed=False):
    if low is None or math.isnan(low):
        return ""
    ends = [number(end, key, signed).split(" ")[0] for end in (low, high)]
    return f'<span class="ci">[{ends[0]}, {ends[1]}]</span>'


def _cell(label, content, kind=""):
    return f'<td data-label="{escape(label)}" class="{kind}">{content}</td>'


def _measured(found, key, label):
    limits = _limits(found.get(f"{key}_ci_low", math.nan), found.get(f"{key}_ci_high", math.nan), key)
    return _cell(label, f"<b>{number(found.get(key, math.nan), key)}</b> {limits}", "number")


def p_value(p):
    """A p-value with three decimals."""
    if math.isnan(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def table(caption, headings, rows, kind="keys"):
    """An HTML table that narrow screens show as one block a row."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in headings)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<table class="syco {kind}"><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def summary(report):
    """The finding in a sentence or two, and what to be careful about."""
    names, key = [escape(run.name) for run in report.runs], report.kind.headline
    first = report.metrics[0]
    counts = f"{first['n_rows']:,.0f} rows from {first['n_clusters']:,.0f} sources: {escape(report.kind.name)}."
    what = escape(report.kind.meanings[key].split(". ")[0])
    shown = [
        f"<b>{number(found[key])}</b> {_limits(*(found[key + end] for end in ENDS), key)}" for found in report.metrics
    ]
    text = f"{names[0]} {what}: {shown[0]}" + (f"; {names[1]}: {shown[1]}." if len(shown) > 1 else ".")
    if report.comparison:
        change = report.comparison[key]
        low, high = change["ci_low"], change["ci_high"]
        clear = "cannot be told from 0" if math.isnan(low) or low <= 0 <= high else "clear of 0"
        text += f" Difference: <b>{number(change['value'], key, True)}</b> {_limits(low, high, key, True)}, {clear}."
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    return f'<p class="counts">{counts}</p><p class="finding">{text}</p>' + (
        f'<ul class="notes">{notes}</ul>' if notes else ""
    )


def numbers(report):
    """Every rate and difference of these rows, with interval and meaning; for two runs their difference."""
    meanings = report.kind.meanings
    defined = {key for found in report.metrics for key, value in found.items() if not math.isnan(value)}
    keys = [key for key in meanings if key in defined or key not in report.kind.extras]
    names = [run.name for run in report.runs]
    headings = ["number", *names] + (["difference", "p (Holm)"] if report.comparison else []) + ["what it is"]
    rows = []
    for key in keys:
        cells = f'<th scope="row"><code>{key}</code></th>'
        cells += "".join(_measured(found, key, name) for name, found in zip(names, report.metrics, strict=True))
        if report.comparison:
            change = report.comparison.get(key)
            value = p = "–"
            if change is not None:
                limits = _limits(change["ci_low"], change["ci_high"], key, True)
                # Without the unit, which the caption names: a column more of it would not fit beside two runs.
                points = number(change["value"], key, True).removesuffix(" points")
                value, p = f"<b>{points}</b> {limits}", p_value(change["p_holm"])
            cells += _cell("difference", value, "number") + _cell("p (Holm)", p, "number")
        rows.append(cells + _cell("what it is", escape(meanings[key]), "meaning"))
    return table(
        "Every number with its 95 % interval (in percent, differences in points; clusters resampled)", headings, rows
    )


def group_values(found, field):
    """Values of a group field in the metric's flat dict: value -> its keys."""
    groups = {}
    for key, value in found.items():
        if key.startswith(f"{field}/"):
            name, slash, rest = key[len(field) + 1 :].rpartition("/")
            if slash:
                groups.setdefault(name, {})[rest] = value
    return groups


def groups(report):
    """Per field a table of the headline key by group, and whether the field matters."""
    key, names, parts = report.kind.headline, [run.name for run in report.runs], []
    for field in report.fields:
        sides = [group_values(found, field) for found in report.metrics]
        rows = []
        for value in sides[0]:
            cells = f'<th scope="row">{escape(value) or "(empty)"}</th>'
            cells += "".join(_measured(side.get(value, {}), key, name) for side, name in zip(sides, names, strict=True))
            rows.append(cells + _cell("rows", f"{sides[0][value]['n_rows']:,.0f}", "number"))
        tests = [
            f"{escape(name)}: p = {p_value(found.get(f'{field}/{key}_interaction_p', math.nan))}"
            for name, found in zip(names, report.metrics, strict=True)
        ]
        caption = f"{key} by {field}"
        parts.append(table(caption, [field, *names, "rows"], rows, "groups"))
        parts.append(
            f'<p class="test">Does {escape(field)} matter? {"; ".join(tests)} (clusters swap their groups).</p>'
        )
    return "".join(parts) or "<p>No field of these lines has 2 to 20 values to group by.</p>"
