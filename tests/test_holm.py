# SPDX-License-Identifier: Apache-2.0
import pytest

from sycophancy.holm import add_holm


def test_p_values_are_corrected_together():
    tests = [{"p": 0.04}, {"p": 0.01}, {"p": float("nan")}, {"p": 0.03}, {"p": 0.9}]
    add_holm(tests, "p")
    # 4 * 0.01; 3 * 0.03; 2 * 0.04 is less than the one before; 0.9.
    assert [test.get("p_holm") for test in tests] == pytest.approx([0.09, 0.04, None, 0.09, 0.9])
