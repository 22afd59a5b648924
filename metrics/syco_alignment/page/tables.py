# SPDX-License-Identifier: Apache-2.0
"""Numbers as HTML: a sentence, the table of keys, the groups. Every text that comes from a file is escaped."""

import math
from html import escape

ENDS = ("_ci_low", "_ci_high")


def number(value, real=False, signed=False):
    """A share in percent with one decimal, or with a sign a difference of two shares in points; `–` for `nan`.

    What is real is no share and shown as it is.
    """
    if value is None or math.isnan(value):
        return "–"
    plus = "+" if signed and value > 0 else ""
    return f"{plus}{value:.2f}" if real else f"{plus}{100 * value:.1f} {'points' if signed else '%'}"


def _limits(low, high, real=False, signed=False):
    if low is None or math.isnan(low):
        return ""
    ends = [number(end, real, signed).split(" ")[0] for end in (low, high)]
    return f'<span class="ci">[{ends[0]}, {ends[1]}]</span>'


def _cell(label, content, kind=""):
    return f'<td data-label="{escape(label)}" class="{kind}">{content}</td>'


def _with_limits(found, key, real=False):
    low, high = (found.get(f"{key}{end}", math.nan) for end in ENDS)
    return f"<b>{number(found.get(key, math.nan), real)}</b> {_limits(low, high, real)}"


def _measured(found, key, label, real=False):
    return _cell(label, _with_limits(found, key, real), "number")


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
    real = key in report.kind.real
    shown = [_with_limits(found, key, real) for found in report.metrics]
    text = f"{names[0]} {what}: {shown[0]}" + (f"; {names[1]}: {shown[1]}." if len(shown) > 1 else ".")
    if report.comparison:
        change = report.comparison[key]
        low, high = change["ci_low"], change["ci_high"]
        clear = "cannot be told from 0" if math.isnan(low) or low <= 0 <= high else "clear of 0"
        text += f" Difference: <b>{number(change['value'], real, True)}</b> {_limits(low, high, real, True)}, {clear}."
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    return f'<p class="counts">{counts}</p><p class="finding">{text}</p>{_beside(report, names)}' + (
        f'<ul class="notes">{notes}</ul>' if notes else ""
    )


def _beside(report, names):
    """What the finding must be read with: its floor, and whether the model can answer at all."""
    parts = []
    for key in report.kind.beside:
        if not all(math.isnan(found.get(key, math.nan)) for found in report.metrics):
            real = key in report.kind.real
            values = "; ".join(
                f"{name} {_with_limits(found, key, real)}" for name, found in zip(names, report.metrics, strict=True)
            )
            parts.append(f"<li><code>{escape(key)}</code>: {values}</li>")
    return f'<div class="beside">Read it beside<ul>{"".join(parts)}</ul></div>' if parts else ""


def numbers(report):
    """Every rate and difference of these rows, with interval and meaning; for two runs their difference.

    Behind it what pressure does round by round, and what the user's words do to ratings, where there is such a thing.
    """
    meanings = report.kind.meanings
    defined = {key for found in report.metrics for key, value in found.items() if not math.isnan(value)}
    keys = [key for key in meanings if key in defined or key not in report.kind.extras]
    names = [run.name for run in report.runs]
    headings = ["number", *names] + (["difference", "p (Holm)"] if report.comparison else []) + ["what it is"]
    rows = []
    for key in keys:
        cells = f'<th scope="row"><code>{key}</code></th>'
        real = key in report.kind.real
        cells += "".join(_measured(found, key, name, real) for name, found in zip(names, report.metrics, strict=True))
        if report.comparison:
            cells += _changed(report.comparison.get(key), real)
        rows.append(cells + _cell("what it is", escape(meanings[key]), "meaning"))
    units = (
        "ratings in points of their scale, other numbers in percent"
        if report.kind.config == "feedback"
        else "in percent"
    )
    whole = table(
        f"Every number with its 95 % interval ({units}, differences in points; clusters resampled)", headings, rows
    )
    return whole + rounds(report) + arms(report)


def _changed(change, real=False):
    """The difference of two runs and its p-value; dashes where it is not compared."""
    value = p = "–"
    if change is not None:
        limits = _limits(change["ci_low"], change["ci_high"], real, True)
        # Without the unit, which the caption names: a column more of it would not fit beside two runs.
        points = number(change["value"], real, True).removesuffix(" points")
        value, p = f"<b>{points}</b> {limits}", p_value(change["p_holm"])
    return _cell("difference", value, "number") + _cell("p (Holm)", p, "number")


def rounds_of(report):
    """What users do in rounds -> how many: `{"challenge": 5, "rethink": 5}`, the floor last; empty without rounds."""
    found = {}
    for key in report.metrics[0]:
        parts = key.split("/")
        if parts[0] == "survival" and len(parts) == 3 and parts[2].isdigit():
            found[parts[1]] = max(found.get(parts[1], 0), int(parts[2]))
    return {arm: found[arm] for arm in sorted(found, key=lambda arm: arm == "rethink")}


def rounds(report):
    """First answers that are gone by each round, on how many of the floor, and the difference; `""` without rounds."""
    names, rows = [run.name for run in report.runs], []
    for arm, last in rounds_of(report).items():
        for number_of in range(1, last + 1) if arm != "rethink" else ():
            effect = f"pressure_effect/{arm}/{number_of}"
            cells = f'<th scope="row">{escape(arm)}, round {number_of}</th>'
            for name, found in zip(names, report.metrics, strict=True):
                gone = 1 - found[f"survival/{arm}/{number_of}"]
                floor = gone - found.get(effect, math.nan)
                cells += _cell(f"{name}: gone", number(gone), "number") + _cell(
                    f"{name}: floor", number(floor), "number"
                )
                limits = _limits(*(found.get(f"{effect}{end}", math.nan) for end in ENDS), signed=True)
                more = number(found.get(effect, math.nan), signed=True).removesuffix(" points")
                cells += _cell(f"{name}: more", f"<b>{more}</b> {limits}", "number")
            rows.append(cells + (_changed(report.comparison.get(effect)) if report.comparison else ""))
    if not rows:
        return ""
    headings = [f"{name}: {what}" for name in names for what in ("gone", "floor", "more")]
    headings += ["difference", "p (Holm)"] if report.comparison else []
    caption = "First answers that are gone by each round; the floor, where the user merely asks to think again; and how many points more"
    return table(caption, ["the user", *headings], rows, "keys wide")


def arms(report):
    """Ratings by what the user says of the text; `""` for other kinds."""
    keys = {
        "rating": "mean rating",
        "discrimination": "good above flawed",
        "flaw_named": "flaw named",
        "unparsed_rate": "unread",
    }
    if report.kind.config != "feedback":
        return ""
    first = report.metrics[0]
    found = {name.partition("/")[0] for name, value in first.items() if not math.isnan(value)}
    keys = {key: label for key, label in keys.items() if key in found}
    names, rows = [run.name for run in report.runs], []
    for arm in [key.removeprefix("rating/") for key in first if key.startswith("rating/") and "_ci_" not in key]:
        cells = f'<th scope="row">{escape(arm)}</th>'
        for name, found in zip(names, report.metrics, strict=True):
            cells += "".join(
                _measured(found, f"{key}/{arm}", f"{name}: {label}", key == "rating") for key, label in keys.items()
            )
        rows.append(cells)
    headings = [f"{name}: {label}" for name in names for label in keys.values()]
    return table("By what the user says of the text", ["the user", *headings], rows, "keys wide")


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
            cells += "".join(
                _measured(side.get(value, {}), key, name, key in report.kind.real)
                for side, name in zip(sides, names, strict=True)
            )
            rows.append(cells + _cell("rows", f"{sides[0][value]['n_rows']:,.0f}", "number"))
        found = [side.get(f"{field}/{key}_interaction_p", math.nan) for side in report.metrics]
        tests = [f"{escape(name)}: p = {p_value(p)}" for name, p in zip(names, found, strict=True)]
        caption = f"{key} by {field}"
        parts.append(table(caption, [field, *names, "rows"], rows, "groups"))
        if not all(map(math.isnan, found)) or f"{field}/{key}_interaction_p" in report.metrics[0]:
            parts.append(
                f'<p class="test">Does {escape(field)} matter? {"; ".join(tests)} (clusters swap their groups).</p>'
            )
    return "".join(parts) or "<p>No field of these lines has 2 to 20 values to group by.</p>"
