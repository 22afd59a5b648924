# SPDX-License-Identifier: Apache-2.0
"""The pictures of an experiment, as SVG: effects with intervals, by authority, against their cost, over time."""

import io
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle

from sycophancy.claims.people import AUTHORITIES
from sycophancy.experiments.config import Margins
from sycophancy.experiments.numbers import Result
from sycophancy.markdown import hundredths
from sycophancy.quoting import Run
from sycophancy.reporting import AFTER, ARMS, BEFORE, draw_rounds, rounds_of

THIRD = "#009E73"
"""Beside the colours before and after: Okabe and Ito's green."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "0.35")
MARKERS = "osD^vP*X<>p"
"""Of mitigations that stand in one picture, by turns: Okabe and Ito's colours, and shapes for print in grey."""


def _svg(draw: Callable, width: float, height: float) -> str:
    """A figure as SVG, the same bytes for the same numbers."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    # Text stays text: a page of forty pictures would otherwise carry the outlines of its letters forty times.
    with matplotlib.rc_context({"svg.hashsalt": "sycophancy", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


def _point(
    axes, x: float, y: float, low: float, high: float, colour: str, *, across: bool, marker="o", label=None
) -> None:
    """A point with its interval; nothing where the value is undefined."""
    if x != x or y != y:
        return
    value = x if across else y
    bar = [[max(0, value - low)], [max(0, high - value)]] if low == low else None
    place = {"xerr": bar} if across else {"yerr": bar}
    axes.errorbar(x, y, **place, fmt=marker, color=colour, capsize=2.5, markersize=5, linewidth=1.2, label=label)


def _percent_axis(axis, unit: str = " %") -> None:
    axis.set_major_formatter(lambda value, _: f"{hundredths(value, digits=0)}{unit}")


def _plain(axes, grid: str) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis=grid, color="0.9")
    axes.set_axisbelow(True)


def before_after(results: Sequence[Result], shams: Mapping[str, Result]) -> str:
    """One line per mitigation: how often the model sides with a wrong user before, after, and after the sham."""

    def draw(figure) -> None:
        axes = figure.subplots()
        for y, result in enumerate(reversed(results)):
            effect = result.effects["all"]["opinion_alignment"]
            _point(axes, effect["before"], y + 0.14, effect["before_low"], effect["before_high"], BEFORE, across=True,
                   label="before" if y == 0 else None)  # fmt: skip
            _point(axes, effect["after"], y - 0.14, effect["after_low"], effect["after_high"], AFTER, across=True,
                   marker="s", label="after" if y == 0 else None)  # fmt: skip
            sham = shams.get(result.name)
            if sham and sham.effects:
                found = sham.effects["all"]["opinion_alignment"]
                named = any(text == "after its sham" for text in axes.get_legend_handles_labels()[1])
                _point(axes, found["after"], y, found["after_low"], found["after_high"], "0.55", across=True, marker="x",
                       label=None if named else "after its sham")  # fmt: skip
        axes.set_yticks(range(len(results)), [result.label for result in reversed(results)])
        axes.set_xlim(-0.02, 1.02)
        _percent_axis(axes.xaxis)
        _plain(axes, "x")
        axes.set_xlabel("sides with a user who is wrong")
        axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.12 + 0.2 / len(results)), ncols=3)

    return _svg(draw, 8.5, 1.3 + 0.42 * len(results))


def by_authority(base: Mapping, results: Sequence[Result]) -> str:
    """One panel per mitigation: alignment by the user's authority, before and after."""
    columns = min(4, len(results))
    rows = -(-len(results) // columns)

    def draw(figure) -> None:
        panels = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
        for axes, result in zip(panels, results, strict=False):
            for record, colour, marker, shift in ((base, BEFORE, "o", -0.08), (result.records[0], AFTER, "s", 0.08)):
                levels = [level for level in AUTHORITIES if level in record["by_authority"]]
                found = [record["by_authority"][level] for level in levels]
                known = [(i, f) for i, f in enumerate(found) if f["opinion_alignment"] is not None]
                axes.plot(
                    [i + shift for i, _ in known], [f["opinion_alignment"] for _, f in known], color=colour, linewidth=1
                )
                for i, f in known:
                    ends = (f["opinion_alignment_ci_low"], f["opinion_alignment_ci_high"])
                    _point(axes, i + shift, f["opinion_alignment"], *ends, colour, across=False, marker=marker)
                axes.set_xticks(range(len(levels)), levels, rotation=40, ha="right")
            axes.set_title(result.label, fontsize=9, loc="left")
            axes.set_ylim(-0.03, 1.05)
            _percent_axis(axes.yaxis)
            _plain(axes, "y")
        for axes in panels[len(results) :]:
            axes.set_visible(False)

    return _svg(draw, 2.5 * columns + 0.6, 1.9 * rows + 0.6)


def effect_and_cost(results: Sequence[Result], margins: Margins) -> str:
    """What alignment falls by against what accuracy and uptake of right corrections change by, with the margins."""
    named: dict[str, object] = {}

    def draw(figure) -> None:
        for axes, key, title in zip(
            figure.subplots(1, 2),
            ("accuracy_no_opinion", "uptake_effect"),
            ("accuracy without an opinion", "uptake of right corrections"),
            strict=True,
        ):
            for result, marker, colour in zip(results, cycle(MARKERS), cycle(COLOURS), strict=False):
                x, y = result.effects["all"]["opinion_alignment"], result.effects["all"][key]
                if y["value"] != y["value"]:
                    continue
                named[result.label] = axes.errorbar(
                    x["value"], y["value"], xerr=_ends(x), yerr=_ends(y), fmt=marker, color=colour, linewidth=1,
                    markersize=6, alpha=0.85,
                )  # fmt: skip
            axes.axhline(-getattr(margins, key), color=BEFORE, linestyle="--", linewidth=1)
            axes.text(0.99, -getattr(margins, key), "margin", color=BEFORE, va="bottom", ha="right", fontsize=8,
                      transform=axes.get_yaxis_transform())  # fmt: skip
            axes.axhline(0, color="0.6", linewidth=0.8)
            axes.axvline(0, color="0.6", linewidth=0.8)
            axes.set_xlabel("change of alignment with a wrong user, points")
            axes.set_ylabel(f"change of {title}, points")
            for axis in (axes.xaxis, axes.yaxis):
                _percent_axis(axis, unit="")
            _plain(axes, "both")
        shown = [result.label for result in results if result.label in named]
        figure.legend(
            [named[label] for label in shown], shown, loc="outside lower center", ncols=3, fontsize=8, frameon=False
        )

    return _svg(draw, 9.5, 5.0)


def _ends(effect: Mapping) -> tuple[list[float], list[float]]:
    """The lengths of an interval's two arms, as matplotlib takes them."""
    return [max(0, effect["value"] - effect["ci_low"])], [max(0, effect["ci_high"] - effect["value"])]


def _wrapped(text: str, width: int) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width))


def ablation(results: Sequence[Result]) -> str:
    """Mitigations that differ in one setting, side by side: alignment, accuracy and uptake after each."""
    shown = (("opinion_alignment", "alignment", AFTER, "s"), ("accuracy_no_opinion", "accuracy", THIRD, "o"),
             ("right_uptake", "right uptake", "0.45", "^"))  # fmt: skip

    def draw(figure) -> None:
        axes = figure.subplots()
        for place, (key, label, colour, marker) in enumerate(shown):
            shift = 0.12 * (place - 1)
            for x, result in enumerate(results):
                effect = result.effects["all"][key]
                _point(axes, x + shift, effect["after"], effect["after_low"], effect["after_high"], colour, across=False,
                       marker=marker, label=label if x == 0 else None)  # fmt: skip
        axes.set_xticks(range(len(results)), [_wrapped(result.label, 22) for result in results])
        axes.set_xlim(-0.5, len(results) - 0.5)
        axes.set_ylim(-0.03, 1.05)
        _percent_axis(axes.yaxis)
        _plain(axes, "y")
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))

    return _svg(draw, 2.6 + 1.6 * len(results), 3)


def held_out(results: Sequence[Result]) -> str:
    """One line per mitigation: its effect in wordings that occur in train and in wordings that never do."""

    def draw(figure) -> None:
        axes = figure.subplots()
        for y, result in enumerate(reversed(results)):
            for part, colour, marker, shift, label in (
                ("seen", "0.45", "o", 0.12, "wordings that occur in train"),
                ("held_out", AFTER, "s", -0.12, "held-out wordings"),
            ):
                effect = result.effects[part]["opinion_alignment"]
                _point(axes, effect["value"], y + shift, effect["ci_low"], effect["ci_high"], colour, across=True,
                       marker=marker, label=label if y == 0 else None)  # fmt: skip
        axes.axvline(0, color="0.6", linewidth=0.8)
        axes.set_yticks(range(len(results)), [result.label for result in reversed(results)])
        _percent_axis(axes.xaxis)
        _plain(axes, "x")
        axes.set_xlabel("change of alignment with a wrong user")
        axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.12 + 0.2 / len(results)), ncols=2)

    return _svg(draw, 8.5, 1.3 + 0.42 * len(results))


def durability(points: Sequence[tuple[int, Result]], base_rate: float) -> str:
    """Alignment over the steps of further tuning, between the mitigated model's and the base's."""

    def draw(figure) -> None:
        axes = figure.subplots()
        steps = [step for step, _ in points]
        effects = [result.effects["all"]["opinion_alignment"] for _, result in points]
        axes.plot(steps, [effect["after"] for effect in effects], color=AFTER, linewidth=1)
        for step, effect in zip(steps, effects, strict=True):
            _point(
                axes, step, effect["after"], effect["after_low"], effect["after_high"], AFTER, across=False, marker="s"
            )
        axes.axhline(base_rate, color=BEFORE, linestyle="--", linewidth=1)
        axes.text(steps[-1], base_rate, "before mitigation", color=BEFORE, ha="right", va="bottom", fontsize=8)
        half = (base_rate + effects[0]["after"]) / 2
        axes.axhline(half, color="0.6", linestyle=":", linewidth=1)
        axes.text(steps[-1], half, "half of the effect gone", color="0.4", ha="right", va="bottom", fontsize=8)
        axes.set_ylim(-0.03, 1.05)
        axes.set_xlabel("steps of further tuning")
        axes.set_ylabel("sides with a wrong user")
        _percent_axis(axes.yaxis)
        _plain(axes, "y")

    return _svg(draw, 6, 3)


def elsewhere(there: Mapping[str, tuple[Mapping, Sequence[Result]]]) -> str:
    """One panel for each other dataset: the key that stands for its behaviour, before, after each mitigation and each sham.

    Args:
        there: how the page calls a dataset -> run record of the base, and the mitigations that ran there.
    """
    labels = list(dict.fromkeys(result.label for _, results in there.values() for result in results))
    columns = min(3, len(there))
    rows = -(-len(there) // columns)

    def draw(figure) -> None:
        panels = list(figure.subplots(rows, columns, sharey=True, squeeze=False).flat)
        for axes, (name, (base, results)) in zip(panels, there.items(), strict=False):
            quoted = Run("", base).quoted
            before = next(result.effects["all"][quoted.headline] for result in results)
            _point(axes, before["before"], 0, before["before_low"], before["before_high"], BEFORE, across=True)
            for result in results:
                found = result.effects["all"][quoted.headline]
                colour, marker = ("0.55", "x") if result.is_sham else (AFTER, "s")
                place = 1 + labels.index(result.label)
                _point(
                    axes,
                    found["after"],
                    place,
                    found["after_low"],
                    found["after_high"],
                    colour,
                    across=True,
                    marker=marker,
                )
            axes.axvline(0, color="0.6", linewidth=0.8)
            in_points = quoted.headline in quoted.in_points
            axes.set_title(f"{_wrapped(name, 34)}\n{quoted.headline}", fontsize=9, loc="left")
            axes.set_xlabel("points of the scale" if in_points else "points", fontsize=8)
            if not in_points:
                _percent_axis(axes.xaxis, unit="")
            _plain(axes, "x")
        panels[0].set_yticks(range(1 + len(labels)), ["no mitigation", *labels])
        panels[0].set_ylim(len(labels) + 0.6, -0.6)
        for axes in panels[len(there) :]:
            axes.set_visible(False)

    return _svg(draw, 1.8 + 2.6 * columns, 0.4 + (1.2 + 0.24 * (1 + len(labels))) * rows)


def rounds(base: Mapping, results: Sequence[Result]) -> str:
    """Rounds of pressure, one panel for each mitigation and each thing that the user does: before and after, with floors.

    Args:
        base: run record of the base.
        results: of the mitigations on the same rows, first seed.
    """
    arms = {arm: number for arm, number in rounds_of(base["metrics"]).items() if arm != "rethink"}
    places = [(result, arm) for result in results for arm in arms]
    columns = len(arms) if len(arms) > 1 else min(3, len(places))
    rows = -(-len(places) // columns)

    def draw(figure) -> None:
        panels = list(figure.subplots(rows, columns, sharey=True, squeeze=False).flat)
        for axes, (result, arm) in zip(panels, places, strict=False):
            sides = {"before": base["metrics"], "after": result.records[0]["metrics"]}
            draw_rounds(axes, sides, arm, arms[arm])
            axes.set_title(f"{result.label}\n{ARMS[arm]}", fontsize=9, loc="left")
            axes.set_xlabel("round")
        for axes in panels[len(places) :]:
            axes.set_visible(False)
        figure.supylabel("still gives its first answer", fontsize=9)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)

    return _svg(draw, 3.2 * columns + 0.8, 2.5 * rows + 0.9)
