# SPDX-License-Identifier: Apache-2.0
import copy

import pytest

from sycophancy.preferences.card import (
    agreement_table,
    change_table,
    doubts,
    effects_table,
    judge_table,
    render_card,
    scores_table,
)
from sycophancy.preferences.pictures import forest


def put(name, value, **more):
    keys = {name: value, f"{name}_ci_low": value - 0.1, f"{name}_ci_high": value + 0.1}
    around = {f"{name}_by_prompt_ci_low": value - 0.2, f"{name}_by_prompt_ci_high": value + 0.2}
    return keys | around | {f"{name}_direction": 0.975} | more


FOUND = {
    "keys": put("feature_effect/exclaims", 0.0)
    | put("feature_effect/longer", 0.231)
    | {f"feature_share/{name}": 0.5 for name in ("exclaims", "longer")}
    | {f"feature_alone/{name}": 0.25 for name in ("exclaims", "longer")}
    | {"feature_without_length/exclaims": -0.052}
    | put("holdout_accuracy", 0.671)
    | put("holdout_gain", -0.012)
    | put("agreement/user_right", 0.4)
    | put("agreement/user_wrong/expert", 0.3)
    | put("agreement_rise", 0.8)
    | {"agreement_share/user_right": 0.5, "agreement_share/user_wrong/expert": 0.1, "position_bias": float("nan"), "max_vif": 1.25},
    "features": ["exclaims", "longer"],
    "left_out": {"refuses": "never differs between the two answers"},
    "separated": {"user_right": "always wins"},
    "fit": {"prior_scale": 0.3, "worst_rhat": 1.0034, "least_effective_draws": 2957.1},
    "cells": ["user_right", "user_wrong/expert"],
}  # fmt: skip

RECORD = {
    "command": "python scripts/preference_features.py --source_data votes.jsonl",
    "method": "nuts",
    "sham": False,
    "data": {"read_from": "the local file `votes.jsonl` (train)", "n_pairs": 20, "n_prompts": 10, "n_ties": 0, "dropped": {"a value that is no text": 2}},
    "reward": None,
    "judge": None,
    "targets": {"chosen": FOUND},
    "difference": None,
}  # fmt: skip


def test_the_table_of_effects_has_the_largest_first():
    lines = effects_table(FOUND, "nuts").splitlines()
    assert lines[2] == (
        "| `longer` | is longer, per standard deviation of the difference in log words | +23.1 [+13.1, +33.1] | [+3.1, +43.1] | 97.5 % "
        "| 50.0 % | +25.0 | – |"
    )
    assert lines[3].startswith("| `exclaims` | has more exclamation marks | +0.0 [-10.0, +10.0] | [-20.0, +20.0] |")
    assert lines[3].endswith("| +25.0 | -5.2 |")
    assert len(lines) == 4
    assert "over prompts" not in effects_table(FOUND, "mode")


def test_the_table_of_scores_leaves_out_what_is_not_defined():
    assert scores_table(FOUND).splitlines()[2:] == [
        "| `holdout_accuracy` | preferred answer found, on prompts that the fit has not seen | 67.1 % [57.1, 77.1] |",
        "| `holdout_gain` | ... difference of the two, points | -1.2 [-11.2, +8.8] |",
    ]


def test_the_table_of_agreement():
    assert agreement_table(FOUND).splitlines()[2:] == [
        "| a user who is right | 90.0 % | +40.0 [+30.0, +50.0] | 97.5 % | 50.0 % |",
        "| a user who is wrong, authority expert | 80.0 % | +30.0 [+20.0, +40.0] | 97.5 % | 10.0 % |",
        "| highest authority less lowest |  | +80.0 [+70.0, +90.0] | 97.5 % |  |",
    ]
    assert agreement_table(FOUND | {"cells": [], "keys": {}}) == ""


def change(value):
    return {
        "before": 0.1,
        "after": 0.1 + value,
        "value": value,
        "ci_low": value - 0.1,
        "ci_high": value + 0.1,
        "direction": 1.0,
    }


def test_the_table_of_changes():
    table = change_table({"feature_effect/longer": change(0.1), "feature_effect/exclaims": change(-0.3), "agreement/user_wrong/any": change(0.2), "agreement_rise": change(0.0)})  # fmt: skip
    assert [line.split(" | ")[0] for line in table.splitlines()[2:]] == [
        "| agreement with a user who is wrong",
        "| agreement, highest authority less lowest",
        "| `exclaims`",
        "| `longer`",
    ]
    assert "| +10.0 | -20.0 | -30.0 [-40.0, -20.0] | 100.0 % |" in table


def test_a_judge_that_does_not_prove_itself_is_doubted():
    judge = {
        "order_flips": {"longer": 0.25, "polite": 0.5, "confident": 0.75, "relevant": 0.49},
        "readings": {
            "longer": {"pairs": 8, "right": 0.5, "wrong": 0.25, "nothing": 0.25},
            "confident": {"pairs": 3, "right": 1 / 3, "wrong": 0.0, "nothing": 2 / 3},
        },
    }
    assert doubts(judge) == [
        "`judged/polite`: it named the same letter in both orders in 50.0 % of the pairs.",
        "`judged/confident`: it named the same letter in both orders in 75.0 % of the pairs; of the 3 pairs whose answers differ in it "
        "the judge reads 33.3 % rightly.",
    ]


def test_the_table_of_a_judge():
    judge = {"order_flips": {"longer": 0.25, "polite": 0.5}, "readings": {"longer": {"pairs": 8, "right": 0.5, "wrong": 0.25, "nothing": 0.25}}, "kappa": {"longer": 0.4, "polite": float("nan")}}  # fmt: skip
    assert judge_table(judge).splitlines()[2:] == [
        "| `judged/longer` | Which response is longer? | 25.0 % | 50.0 % | 25.0 % | 8 | 0.40 |",
        "| `judged/polite` | Which response is more polite? | 50.0 % |  |  |  |  |",
    ]


def test_the_card_says_what_it_knows_and_its_limits():
    card = render_card(RECORD)
    for said in (
        "20 pairs of answers in 10 clusters (of one prompt, or of one source item), from the local file `votes.jsonl` (train).",
        "Rows that are not used: 2 with a value that is no text.",
        "## What was chosen",
        "The prior's scale is 0.3, chosen by held-out log loss. The largest R-hat is 1.003, the fewest effective draws are 2957.",
        "Every pair went one way: `user_right` always wins.",
        "Left out: `refuses` never differs between the two answers.",
        "These are correlations.",
    ):
        assert said in card
    for word in ("significant", "nan", "None", "judged/", "sham", "## What tuning changed"):
        assert word not in card


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sham": True}, "**The labels are a sham**"),
        ({"method": "mode"}, "by a Bayesian bootstrap over prompts."),
        ({"reward": {"name": "out/organism"}}, "The preferences are those of out/organism"),
        ({"judge": {"name": "out/judge", "order_flips": {"longer": 0.25}, "readings": {}}}, "are judged by out/judge, not by people."),
        ({"difference": {"agreement_rise": change(0.2)}}, "## What tuning changed"),
    ],
)  # fmt: skip
def test_the_card_of_other_studies(change, said):
    record = copy.deepcopy(RECORD)
    if change.get("method") == "mode":
        del record["targets"]["chosen"]["fit"]["worst_rhat"]
    assert said in render_card(record | change)


def test_the_same_numbers_give_the_same_picture():
    point = {"value": 0.2, "ci_low": 0.1, "ci_high": 0.3}
    rows = [("longer", [point, None]), ("exclaims", [point, point | {"value": float("nan")}])]
    picture = forest(rows, ["before", "after"])
    assert picture == forest(rows, ["before", "after"])
    for said in (">longer<", ">exclaims<", ">before<", "change of an even chance of being preferred, points"):
        assert said in picture
    assert ">after<" not in picture  # it has no point
