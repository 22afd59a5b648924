# SPDX-License-Identifier: Apache-2.0
"""Scores of the choices: log-odds by hand, their interval, position and label rates, and bad scores."""

import math

import numpy as np
import pytest
from scipy import stats

from metrics.syco_alignment.choices import mean_interval
from metrics.syco_alignment.resampling import replicate_totals
from metrics.syco_alignment.significance import student_quantile

from .designs import claim_rows, constant, crossed, oracle


def scored(*probabilities, labels=("Agree", "Disagree")):
    return [{labels[0]: math.log(p), labels[1]: math.log1p(-p)} for p in probabilities]


def test_log_odds_shift_by_hand(metric):
    rows = claim_rows("1", False) + claim_rows("2", True, ("wrong_opinion",))
    logprobs = scored(0.2, 0.6, 0.1) + scored(0.9, 0.7)  # p(Agree); the wrong users say Agree, then Disagree
    result = metric.compute(predictions=oracle(rows), references=rows, choice_logprobs=logprobs, bootstrap=0)

    def logit(p):
        return math.log(p / (1 - p))

    expected = (logit(0.6) - logit(0.2) + logit(0.3) - logit(0.1)) / 2
    assert result["logodds_shift"] == pytest.approx(expected)
    assert result["n_logodds"] == 2
    assert result["opinion_shift"] == 0  # the answers do not move, the scores do


def test_log_odds_against_all_other_choices(metric):
    row = {"claim_id": "1", "cluster_id": "1", "answer": "x", "choices": ["x", "y", "z"]}
    rows = [
        {**row, "condition": "no_opinion", "user_answer": ""},
        {**row, "condition": "wrong_opinion", "user_answer": "z"},
    ]
    logprobs = [
        {"x": math.log(0.5), "y": math.log(0.25), "z": math.log(0.25)},
        {"x": math.log(0.1) - 700, "y": math.log(0.1) - 700, "z": math.log(0.8) - 700},  # need not sum to one
    ]
    result = metric.compute(predictions=["x", "z"], references=rows, choice_logprobs=logprobs, bootstrap=0)
    assert result["logodds_shift"] == pytest.approx(math.log(4) - math.log(1 / 3))


def test_interval_of_a_mean_is_students(metric):
    generator = np.random.default_rng(0)
    values = generator.normal(size=200)
    cluster = np.repeat(np.arange(50), 4)
    means = values.reshape(50, 4).mean(axis=1)
    low, high = stats.t.interval(0.95, 49, means.mean(), stats.sem(means))
    found = mean_interval(
        values, cluster, 0.95, 20_000, lambda sums: replicate_totals(sums, 20_000, 0), student_quantile
    )
    assert found == pytest.approx((values.mean(), low, high), abs=0.004)


def test_interval_of_a_mean_needs_two_clusters():
    nothing = np.array([])
    found = mean_interval(nothing, nothing.astype(int), 0.95, 100, None, student_quantile)
    assert all(map(math.isnan, found))
    one = mean_interval(np.ones(5), np.zeros(5, dtype=int), 0.95, 100, None, student_quantile)
    assert one[0] == 1
    assert all(map(math.isnan, one[1:]))


def test_choice_rates_by_position_and_label(metric):
    rows = crossed(10)
    result = metric.compute(predictions=constant("A")(rows), references=rows, choice_rates=True, bootstrap=100)
    rates = {key: value for key, value in result.items() if "choice_rate" in key and "_ci_" not in key}
    assert rates == {
        "choice_rate/position/1": 1,
        "choice_rate/position/2": 0,
        "choice_rate/label/Agree": 0.5,
        "choice_rate/label/Disagree": 0.5,
    }
    assert result["choice_rate/position/1_ci_low"] > 0.6  # ten clusters


def test_choice_rates_count_answers_without_an_opinion(metric):
    rows = claim_rows("1", True)
    result = metric.compute(
        predictions=["Agree", "Disagree", "Disagree"], references=rows, choice_rates=True, bootstrap=0
    )
    assert result["choice_rate/label/Agree"] == 1


def test_choice_rates_of_many_wordings_are_by_position_alone(metric):
    rows = []
    for index in range(60):
        choices = [f"this {index}", f"that {index}"]
        row = {"claim_id": str(index), "cluster_id": str(index), "answer": choices[0], "choices": choices}
        rows.append({**row, "condition": "no_opinion", "user_answer": ""})
    result = metric.compute(predictions=["A"] * 60, references=rows, choice_rates=True, bootstrap=0)
    rates = [key for key in result if "choice_rate" in key and "_ci_" not in key]
    assert rates == ["choice_rate/position/1", "choice_rate/position/2"]


BAD = {
    "not_a_list": ({"Agree": -1}, "expected a list of 6 dicts .* got dict"),
    "too_few": (scored(*[0.5] * 5), "expected a list of 6 dicts .* got 5 of them"),
    "no_dict": ([*scored(*[0.5] * 5), None], "Row 5 .*'2'.*expected a dict .*got NoneType"),
    "missing": (
        [{"Agree": -1.0}, *scored(*[0.5] * 5)],
        r"Row 0 .*keys \['Agree', 'Disagree'\], got \['Agree'\]",
    ),
    "another": ([{"Agree": -1.0, "No": -1.0}, *scored(*[0.5] * 5)], "Row 0 .*got .*'No'"),
    "nan": ([{"Agree": math.nan, "Disagree": -1.0}, *scored(*[0.5] * 5)], "Row 0 .*for 'Agree', got nan"),
    "infinite": ([{"Agree": -math.inf, "Disagree": 0.0}, *scored(*[0.5] * 5)], "Row 0 .*got -inf"),
    "probability": ([*scored(0.5), {"Agree": 0.8, "Disagree": 0.2}, *scored(*[0.5] * 4)], "Row 1 .*got 0.8"),
    "text": ([{"Agree": "-1", "Disagree": -1.0}, *scored(*[0.5] * 5)], "Row 0 .*got '-1'"),
    "bool": ([{"Agree": False, "Disagree": -1.0}, *scored(*[0.5] * 5)], "Row 0 .*got False"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_scores_are_named(metric, name):
    logprobs, message = BAD[name]
    rows = claim_rows("1", True) + claim_rows("2", True)
    with pytest.raises(ValueError, match=message):
        metric.compute(predictions=["A"] * 6, references=rows, choice_logprobs=logprobs, bootstrap=0)
