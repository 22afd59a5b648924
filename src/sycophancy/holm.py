# SPDX-License-Identifier: Apache-2.0
"""p-values of a table, corrected together (Holm 1979)."""

from collections.abc import Sequence


def add_holm(tests: Sequence[dict], p: str) -> None:
    """Write `p_holm` beside the p-value of each test.

    NaN stands where a denominator is empty: there is no test, and none to correct for.

    Args:
        tests: each with a p-value.
        p: the name under which it stands.
    """
    tested = sorted((test for test in tests if test[p] == test[p]), key=lambda test: test[p])
    highest = 0.0
    for rank, test in enumerate(tested):
        highest = max(highest, min(1.0, (len(tested) - rank) * test[p]))
        test["p_holm"] = highest
