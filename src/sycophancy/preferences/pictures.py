# SPDX-License-Identifier: Apache-2.0
"""The forest plot: what each feature does to the chance of being preferred, with its interval."""

import io
from collections.abc import Mapping, Sequence

from sycophancy.markdown import hundredths

COLOURS = ("#0072B2", "#D55E00", "#009E73")
MARKERS = "os^"
"""Of targets, in order: Okabe and Ito's colours, and shapes for print in grey."""


def forest(rows: Sequence[tuple[str, Sequence[Mapping[str, float] | None]]], labels: Sequence[str]) -> str:
    """A forest plot as SVG, the same bytes for the same numbers.

    Args:
        rows: feature -> for each target `value`, `ci_low`, `ci_high`; `None` where it has none.
        labels: of the targets.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "sycophancy", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(8, 1.4 + 0.3 * len(rows)), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        for y, (_, found) in enumerate(reversed(rows)):
            for number, each in enumerate(found):
                if each is None or each["value"] != each["value"]:
                    continue
                shift = 0.18 * ((len(labels) - 1) / 2 - number)
                ends = [[max(0, each["value"] - each["ci_low"])], [max(0, each["ci_high"] - each["value"])]]
                named = labels[number] in axes.get_legend_handles_labels()[1]
                axes.errorbar(each["value"], y + shift, xerr=ends, fmt=MARKERS[number], color=COLOURS[number], capsize=2.5,
                              markersize=5, linewidth=1.2, label=None if named else labels[number])  # fmt: skip
        axes.axvline(0, color="0.6", linewidth=0.8)
        axes.set_yticks(range(len(rows)), [name for name, _ in reversed(rows)])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.xaxis.set_major_formatter(lambda value, _: hundredths(value, signed=True, digits=0))
        axes.set_xlabel("change of an even chance of being preferred, points")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="x", color="0.9")
        axes.set_axisbelow(True)
        if len(labels) > 1:
            axes.legend(
                frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.1 + 0.2 / len(rows)), ncols=len(labels)
            )
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()
