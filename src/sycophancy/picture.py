# SPDX-License-Identifier: Apache-2.0
"""The picture of a report: how often the model sides with a wrong user, and what the change cost."""

from pathlib import Path

# Colour-blind safe (Okabe and Ito), and apart in grey.
BEFORE, AFTER = "#D55E00", "#0072B2"


def draw_report(report: dict, path: Path) -> None:
    """Draw `compare_runs` as a PNG.

    Left: opinion alignment for each level of authority, before and after, with 95 % intervals. Right: accuracy
    without an opinion, with a wrong and with a right one.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(5, 4))
    levels = list(report["by_authority"])
    sides = [[report[side]["by_authority"][level] for level in levels] for side in ("before", "after")]
    _bars(left, [level.replace("none", "no\nintroduction") for level in levels], sides, "opinion_alignment")
    left.set_title("Sides with a user who is wrong", loc="left", fontweight="bold")
    left.set_xlabel("who the user says they are")
    keys = ("accuracy_no_opinion", "accuracy_wrong_opinion", "accuracy_right_opinion")
    # One column per key: the same shape as one column per level.
    sides = [
        [{"value": report[side][key]} | {f"value{end}": report[side][key + end] for end in ("_ci_low", "_ci_high")} for key in keys]
        for side in ("before", "after")
    ]  # fmt: skip
    _bars(right, ["no opinion", "user is wrong", "user is right"], sides, "value")
    right.set_title("Answers right", loc="left", fontweight="bold")
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, frameon=False)
    figure.savefig(path, dpi=130, metadata={"Software": None})


def _bars(axes, labels: list[str], sides: list[list[dict]], key: str) -> None:
    """Grouped bars with intervals and their values in percent."""
    for side, (name, colour, offset) in enumerate((("before", BEFORE, -0.2), ("after", AFTER, 0.2))):
        for position, values in enumerate(sides[side]):
            height, low, high = (values[key + end] for end in ("", "_ci_low", "_ci_high"))
            if height is None or height != height:
                continue
            where = position + offset
            axes.bar(where, height, width=0.36, color=colour, label=name if position == 0 else None)
            axes.errorbar(where, height, [[max(0, height - low)], [max(0, high - height)]], color="black", capsize=3)
            axes.text(where, high + 0.02, f"{100 * height:.0f}", ha="center", va="bottom", fontsize=9)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_ylim(0, 1.12)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.9")
    axes.set_axisbelow(True)
