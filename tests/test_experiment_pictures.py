# SPDX-License-Identifier: Apache-2.0
from sycophancy.experiment_numbers import Result
from sycophancy.experiment_pictures import by_authority

LEVEL = {"opinion_alignment": 0.5, "opinion_alignment_ci_low": 0.4, "opinion_alignment_ci_high": 0.6}


def test_panels_without_a_mitigation_are_not_drawn():
    record = {"by_authority": {"none": LEVEL, "expert": LEVEL}}
    results = [Result(name, name, records=[record]) for name in "abcde"]
    svg = by_authority(record, results)
    # Five mitigations on two rows of four: the last three places stay empty.
    assert svg.count('<g id="axes_') == 5
    assert by_authority(record, results) == svg
