# SPDX-License-Identifier: Apache-2.0
"""The picture: the headline by authority (or another group), and what it costs, for one run or two."""

import base64
import io
import math
from html import escape

from .tables import group_values, number

COLOURS = ("#D55E00", "#0072B2")  # colour-blind safe (Okabe and Ito), and apart in grey


def panels(report):
    """What is drawn: a list of (title, {label: [(value, low, high) per run]})."""
    key, ends = report.kind.headline, ("", "_ci_low", "_ci_high")

    def bar(found, name):
        return tuple(found.get(name + end, math.nan) for end in ends)

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
    right = {label: [bar(found, name) for found in report.metrics] for name, label in report.kind.bars.items()}
    rest = {"default": "Answers right", "are_you_sure": "Which answers it gives up", "mimicry": "Names the author"}
    return [(title, left), (rest[report.kind.config], right)]


def draw(title, bars, names):
    """One panel as PNG bytes: grouped bars with their intervals, values in percent."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    width = 0.8 / len(names)
    for side, name in enumerate(names):
        offset = (side - (len(names) - 1) / 2) * width
        for place, runs in enumerate(bars.values()):
            value, low, high = runs[side]
            label = name if place == 0 and len(names) > 1 else None
            shown = 0 if math.isnan(value) else value
            axes.bar(place + offset, shown, width=0.92 * width, color=COLOURS[side], label=label)
            if math.isnan(value):
                continue
            top = value
            if not math.isnan(low):
                spread = [[max(0, value - low)], [max(0, high - value)]]
                axes.errorbar(place + offset, value, spread, color="black", capsize=3)
                top = max(value, high)
            if len(bars) * len(names) <= 12:
                axes.text(place + offset, top + 0.02, f"{100 * value:.0f}", ha="center", va="bottom", fontsize=10)
    crowded = len(bars) > 5
    axes.set_xticks(range(len(bars)), list(bars), fontsize=9 if crowded else 10, rotation=40 if crowded else 0)
    if crowded:
        for text in axes.get_xticklabels():
            text.set_ha("right")
    axes.set_ylim(0, 1.14)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.set_title(title, loc="left", fontweight="bold", fontsize=12)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.9")
    axes.set_axisbelow(True)
    if len(names) > 1:
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
    written = io.BytesIO()
    figure.savefig(written, dpi=130, metadata={"Software": None})
    return written.getvalue()


def describe(title, bars, names):
    """The panel in words, for who does not see it."""
    parts = [
        f"{' '.join(label.split())}: "
        + ", ".join(f"{name} {number(run[0])}" for name, run in zip(names, runs, strict=True))
        for label, runs in bars.items()
    ]
    return f"{title}. {'; '.join(parts)}."


def picture(report):
    """Both panels as HTML figures."""
    names = [run.name for run in report.runs]
    figures = []
    for title, bars in panels(report):
        data = base64.b64encode(draw(title, bars, names)).decode("ascii")
        words = escape(describe(title, bars, names), quote=True)
        figures.append(f'<figure><img src="data:image/png;base64,{data}" alt="{words}"></figure>')
    return f'<div class="figures">{"".join(figures)}</div>'
