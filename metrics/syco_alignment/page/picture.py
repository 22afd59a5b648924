# SPDX-License-Identifier: Apache-2.0
"""The picture: the headline by authority (or another group), and what it costs, for one run or two."""

import base64
import io
import math
from html import escape

from .tables import group_values, number, rounds_of

COLOURS = ("#D55E00", "#0072B2")  # colour-blind safe (Okabe and Ito), and apart in grey


RATINGS = "Mean rating, by what the user says of the text"
TURNS = {
    "challenge": "doubts the answer",
    "suggest_wrong": "suggests a wrong answer",
    "suggest_right": "suggests the right answer",
}


def _bar(found, name):
    return tuple(found.get(name + end, math.nan) for end in ("", "_ci_low", "_ci_high"))


def curves(report):
    """What is drawn round by round: a list of (title, {label: (colour, is floor, [(value, low, high) per round])})."""
    found = []
    for arm, last in rounds_of(report).items():
        if arm == "rethink":
            continue
        lines = {}
        for run, metrics, colour in zip(report.runs, report.metrics, COLOURS, strict=False):
            keys = [f"{arm}/{place}" for place in range(1, last + 1)]
            lines[f"{run.name}, under pressure"] = (colour, False, [_bar(metrics, f"survival/{key}") for key in keys])
            # The floor is that of the questions that the arm is about.
            floor = [metrics[f"survival/{key}"] + metrics.get(f"pressure_effect/{key}", math.nan) for key in keys]
            if not any(map(math.isnan, floor)):
                lines[f"{run.name}, asked to think again"] = (
                    colour,
                    True,
                    [(value, math.nan, math.nan) for value in floor],
                )
        found.append((f"Still gives its first answer; the user {TURNS.get(arm, arm)}", lines))
    return found


def panels(report):
    """What is drawn: a list of (title, {label: [(value, low, high) per run]})."""
    key, bar = report.kind.headline, _bar
    right = {label: [bar(found, name) for found in report.metrics] for name, label in report.kind.bars.items()}
    if report.kind.place:
        return [("First answers", right)]
    if report.kind.config == "feedback":
        arms = [name for name in report.metrics[0] if name.startswith("rating/") and "_ci_" not in name]
        left = {name.removeprefix("rating/").replace("_", " "): [bar(f, name) for f in report.metrics] for name in arms}
        return [(RATINGS, left), ("Rates good texts above flawed ones", right)]
    titles = {
        "opinion_alignment": "Sides with a user who is wrong",
        "flip_rate": "Gives another answer when challenged",
        "mimicry_rate": "Repeats the user's wrong author",
    }
    if report.fields:
        field = report.fields[0]
        sides = [group_values(found, field) for found in report.metrics]
        order = ("none", "layperson", "student", "professional", "expert")
        values = sorted(sides[0], key=lambda value: order.index(value) if value in order else len(order))
        left = {value or "(empty)": [bar(side.get(value, {}), key) for side in sides] for value in values}
        title = f"{titles[key]}, by {field}"
    else:
        left, title = {"all rows": [bar(found, key) for found in report.metrics]}, titles[key]
    rest = {"default": "Answers right", "are_you_sure": "Which answers it gives up", "mimicry": "Names the author"}
    return [(title, left), (rest[report.kind.config], right)]


def draw(title, bars, names, scale=None):
    """One panel as PNG bytes: grouped bars with their intervals, values in percent, or ratings on their scale."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    width, (bottom, top_of_scale) = 0.8 / len(names), scale or (0, 1)
    for side, name in enumerate(names):
        offset = (side - (len(names) - 1) / 2) * width
        for place, runs in enumerate(bars.values()):
            value, low, high = runs[side]
            label = name if place == 0 and len(names) > 1 else None
            height = 0 if math.isnan(value) else value - bottom
            axes.bar(place + offset, height, width=0.92 * width, bottom=bottom, color=COLOURS[side], label=label)
            if math.isnan(value):
                continue
            top = value
            if not math.isnan(low):
                spread = [[max(0, value - low)], [max(0, high - value)]]
                axes.errorbar(place + offset, value, spread, color="black", capsize=3)
                top = max(value, high)
            if len(bars) * len(names) <= 12:
                words = f"{value:.2f}" if scale else f"{100 * value:.0f}"
                above = top + 0.02 * (top_of_scale - bottom)
                axes.text(place + offset, above, words, ha="center", va="bottom", fontsize=8 if scale else 10)
    crowded = len(bars) > 5
    axes.set_xticks(range(len(bars)), list(bars), fontsize=9 if crowded else 10, rotation=40 if crowded else 0)
    if crowded:
        for text in axes.get_xticklabels():
            text.set_ha("right")
    _axis(axes, title, None if scale is None else range(scale[0], scale[1] + 1))
    if len(names) > 1:
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return _png(figure)


def _axis(axes, title, ratings=None):
    """The vertical axis in percent, or with ratings, and what frames a panel."""
    if ratings is None:
        axes.set_ylim(0, 1.14)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    else:
        axes.set_ylim(ratings[0], ratings[-1] + 0.14 * (ratings[-1] - ratings[0]))
        axes.set_yticks(list(ratings))
    axes.set_title(title, loc="left", fontweight="bold", fontsize=12)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.9")
    axes.set_axisbelow(True)


def _png(figure):
    written = io.BytesIO()
    figure.savefig(written, dpi=130, metadata={"Software": None})
    return written.getvalue()


def draw_curves(title, lines):
    """One panel as PNG bytes: the share that still gives its first answer, from round 0 on, with intervals."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for label, (colour, is_floor, points) in lines.items():
        values, places = [value for value, _, _ in points], range(1, len(points) + 1)
        axes.plot([0, *places], [1, *values], color=colour, linestyle="--" if is_floor else "-", marker="s" if is_floor else "o",
                  markersize=4, label=label)  # fmt: skip
        for place, (value, low, high) in zip(places, points, strict=True):
            if not math.isnan(low):
                axes.errorbar(place, value, [[max(0, value - low)], [max(0, high - value)]], color=colour, capsize=3)
    axes.set_xticks(range(1 + max(len(points) for *_, points in lines.values())))
    axes.set_xlabel("round")
    _axis(axes, title)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return _png(figure)


def describe_curves(title, lines):
    """The curves in words, for who does not see them."""
    parts = [
        f"{label}: {', '.join(number(value) for value, _, _ in points)}" for label, (_, _, points) in lines.items()
    ]
    return f"{title}, round by round. {'; '.join(parts)}."


def describe(title, bars, names, real=False):
    """The panel in words, for who does not see it."""
    parts = [
        f"{' '.join(label.split())}: "
        + ", ".join(f"{name} {number(run[0], real)}" for name, run in zip(names, runs, strict=True))
        for label, runs in bars.items()
    ]
    return f"{title}. {'; '.join(parts)}."


def picture(report):
    """All panels as HTML figures."""
    names = [run.name for run in report.runs]
    drawn = [(draw_curves(*panel), describe_curves(*panel)) for panel in curves(report)]
    for title, bars in panels(report):
        scale = _scale(report) if title == RATINGS else None
        drawn.append((draw(title, bars, names, scale), describe(title, bars, names, scale is not None)))
    figures = [
        f'<figure><img src="data:image/png;base64,{base64.b64encode(png).decode("ascii")}" alt="{escape(words, quote=True)}">'
        "</figure>"
        for png, words in drawn
    ]
    return f'<div class="figures">{"".join(figures)}</div>'


def _scale(report):
    """The lowest and the highest rating."""
    ratings = [int(choice) for choice in report.runs[0].rows[0]["choices"]]
    return min(ratings), max(ratings)
