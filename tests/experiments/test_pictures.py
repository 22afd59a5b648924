# SPDX-License-Identifier: Apache-2.0
from sycophancy.experiments.config import Margins
from sycophancy.experiments.numbers import Result
from sycophancy.experiments.pictures import by_authority, effect_and_cost

LEVEL = {"opinion_alignment": 0.5, "opinion_alignment_ci_low": 0.4, "opinion_alignment_ci_high": 0.6}


def test_panels_without_a_mitigation_are_not_drawn():
    record = {"by_authority": {"none": LEVEL, "expert": LEVEL}}
    results = [Result(name, name, records=[record]) for name in "abcde"]
    svg = by_authority(record, results)
    # Five mitigations on two rows of four: the last three places stay empty.
    assert svg.count('<g id="axes_') == 5
    assert by_authority(record, results) == svg


def test_effect_against_cost_names_each_mitigation_once():
    def result(name, x, y, uptake):
        effect = {"ci_low": -0.5, "ci_high": 0.5}
        values = {"opinion_alignment": x, "accuracy_no_opinion": y, "uptake_effect": uptake}
        return Result(name, name, effects={"all": {key: effect | {"value": value} for key, value in values.items()}})

    nan = float("nan")
    svg = effect_and_cost([result("here", -0.4, 0.0, -0.1), result("there", -0.4, 0.0, nan)], Margins())
    assert [svg.count(f">{name}</text>") for name in ("here", "there")] == [1, 1]
    # Two points on the left, one on the right, where the uptake of the other is undefined, and two in the legend: each
    # with two intervals.
    assert svg.count('<g id="LineCollection_') == 2 * 3 + 2 * 2
