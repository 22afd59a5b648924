# SPDX-License-Identifier: Apache-2.0
"""What a study of preferences says in tables and in words, rendered from its record."""

from collections.abc import Mapping
from pathlib import Path

from sycophancy.markdown import fill, hundredths, interval, is_undefined, markdown_table, percent, with_interval
from sycophancy.preferences.design import RIGHT, WRONG
from sycophancy.preferences.features import MEANINGS
from sycophancy.preferences.judging import PREFIX, QUESTIONS

TEMPLATE = Path(__file__).with_name("preferences.md")

TARGETS = {
    "chosen": "what was chosen",
    "sham": "labels that were drawn at random",
    "model": "the model's own reward",
    "before": "the model's own reward before tuning",
    "after": "the same after tuning",
    "learned": "what tuning rewards: the change of the log-ratio",
}
"""Whose preferences they are."""

SCORES = {
    "holdout_accuracy": "preferred answer found, on prompts that the fit has not seen",
    "baseline_accuracy": "... by the rule that the longer answer wins",
    "holdout_gain": "... difference of the two, points",
    "people_agreement": "two people name the same answer",
    "holdout_person_accuracy": "the fit names the answer that one person names",
    "baseline_person_accuracy": "... the longer answer does",
    "position_bias": "what being listed first does, points",
}
"""Numbers of the whole fit, in the order of the table."""


def meaning(name: str) -> str:
    """What an answer is that has more of a feature."""
    if name.startswith(PREFIX):
        return f"judge: {QUESTIONS.get(name.removeprefix(PREFIX), name)}"
    return MEANINGS.get(name, name)


def _points(keys: Mapping, name: str) -> str:
    return with_interval(
        hundredths(keys[name], signed=True), keys[f"{name}_ci_low"], keys[f"{name}_ci_high"], signed=True
    )


def _by_prompt(keys: Mapping, name: str) -> str:
    return interval(keys[f"{name}_by_prompt_ci_low"], keys[f"{name}_by_prompt_ci_high"], signed=True)


def effects_table(found: Mapping, method: str) -> str:
    """One row per feature, those that do most first.

    Args:
        found: of a target, as `sycophancy.preferences.study.analyse` gives it.
        method: `nuts` or `mode`.
    """
    keys = found["keys"]
    order = sorted(found["features"], key=lambda name: -abs(keys[f"feature_effect/{name}"]))
    rows = []
    for name in order:
        key = f"feature_effect/{name}"
        around = [_by_prompt(keys, key)] if method == "nuts" else []
        without = keys.get(f"feature_without_length/{name}")
        rows.append(
            (f"`{name}`", meaning(name), _points(keys, key), *around, percent(keys[f"{key}_direction"]),
             percent(keys[f"feature_share/{name}"]), hundredths(keys[f"feature_alone/{name}"], signed=True), hundredths(without, signed=True))
        )  # fmt: skip
    over = ["[95 %] over prompts"] if method == "nuts" else []
    return markdown_table(
        ("feature", "the answer that", "effect, points [95 %]", *over, "probability of direction", "pairs that differ", "alone", "without length"),
        rows,
    )  # fmt: skip


def scores_table(found: Mapping) -> str:
    """How well the features say which answer is preferred, beside what is easier."""
    keys = found["keys"]
    rows = []
    for name, said in SCORES.items():
        if is_undefined(keys.get(name)):
            continue
        signed = "points" in said
        value = (
            _points(keys, name)
            if signed
            else with_interval(percent(keys[name]), keys[f"{name}_ci_low"], keys[f"{name}_ci_high"])
        )
        rows.append((f"`{name}`", said, value))
    return markdown_table(("key", "", "[95 %] over prompts"), rows)


def cell_name(name: str) -> str:
    """A cell of agreement in words."""
    if name == RIGHT:
        return "a user who is right"
    level = name.removeprefix(WRONG)
    return "a user who is wrong" + ("" if level == "any" else f", authority {level}")


def agreement_table(found: Mapping) -> str:
    """Agreement with users who are right and who are wrong; `""` where the data do not say."""
    keys = found["keys"]
    rows = [
        (cell_name(name), percent(0.5 + keys[f"agreement/{name}"]), _points(keys, f"agreement/{name}"),
         percent(keys[f"agreement/{name}_direction"]), percent(keys[f"agreement_share/{name}"]))
        for name in found["cells"]
    ]  # fmt: skip
    if "agreement_rise" in keys:
        rows.append(
            (
                "highest authority less lowest",
                "",
                _points(keys, "agreement_rise"),
                percent(keys["agreement_rise_direction"]),
                "",
            )
        )
    head = ("agreement with", "agreeing answer preferred", "effect, points [95 %]", "probability of direction", "pairs")
    return markdown_table(head, rows) if rows else ""


def change_table(difference: Mapping[str, Mapping[str, float]]) -> str:
    """What changed from before to after tuning, the largest changes first within features and within agreement."""
    rows = []
    for kind in ("agreement", "feature_effect"):
        named = [key for key in difference if key.startswith(kind)]
        if kind == "feature_effect":
            named.sort(key=lambda key: -abs(difference[key]["value"]))
        for key in named:
            found = difference[key]
            name = key.partition("/")[2]
            shown = (
                f"`{name}`"
                if kind == "feature_effect"
                else f"agreement with {cell_name(name)}"
                if name
                else "agreement, highest authority less lowest"
            )
            change = with_interval(
                hundredths(found["value"], signed=True), found["ci_low"], found["ci_high"], signed=True
            )
            rows.append(
                (
                    shown,
                    hundredths(found["before"], signed=True),
                    hundredths(found["after"], signed=True),
                    change,
                    percent(found["direction"]),
                )
            )
    return markdown_table(("effect, points", "before", "after", "change [95 %]", "probability of direction"), rows)


def judge_table(judge: Mapping) -> str:
    """How often the judge's verdict depends on the order, and how it reads what is known exactly."""
    rows = []
    for name, flips in judge["order_flips"].items():
        read = judge["readings"].get(name)
        second = judge.get("kappa", {}).get(name)
        rows.append(
            (f"`{PREFIX}{name}`", QUESTIONS[name], percent(flips), *((percent(read["right"]), percent(read["wrong"]), read["pairs"]) if read else ("", "", "")),
             "" if is_undefined(second) else f"{second:.2f}")
        )  # fmt: skip
    head = (
        "feature",
        "question",
        "same letter in both orders",
        "right",
        "wrong",
        "known pairs",
        "kappa with the second judge",
    )
    return markdown_table(head, rows)


MOST_FLIPS, LEAST_RIGHT = 0.5, 0.5
"""From so many order flips on, and below so many right readings, a judged feature is not what its name says."""


def doubts(judge: Mapping) -> list[str]:
    """The judged features that fail what the judge is asked to prove, and by what; empty where all pass."""
    found = []
    for name, flips in judge["order_flips"].items():
        read, said = judge["readings"].get(name), []
        if flips >= MOST_FLIPS:
            said.append(f"it named the same letter in both orders in {percent(flips)} of the pairs")
        if read and read["right"] < LEAST_RIGHT:
            said.append(
                f"of the {read['pairs']} pairs whose answers differ in it the judge reads {percent(read['right'])} rightly"
            )
        if said:
            found.append(f"`{PREFIX}{name}`: {'; '.join(said)}.")
    return found


def render_card(record: Mapping) -> str:
    """The card of a study, every number from its record.

    Args:
        record: of `scripts/preference_features.py`.
    """
    return fill(
        TEMPLATE,
        record=record,
        targets=[(name, TARGETS[name], found) for name, found in record["targets"].items()],
        effects_table=lambda found: effects_table(found, record["method"]),
        scores_table=scores_table,
        agreement_table=agreement_table,
        change_table=change_table,
        judge_table=judge_table,
        doubts=doubts,
        hundredths=hundredths,
        percent=percent,
    )
