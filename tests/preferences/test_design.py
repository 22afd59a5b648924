# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from statsmodels.api import OLS

from sycophancy.preferences.design import agreement_cells, design_of, numbered, variance_inflation
from sycophancy.preferences.pairs import Pair


def design(values, first=None, y=None, clusters=None):
    n = len(next(iter(values.values())))
    return design_of(values, clusters or [str(i) for i in range(n)], first or [1] * n, y or [1] * n)


def test_columns_stand_as_the_first_answer_against_the_second():
    found = design(
        {"exclaims": [1, -1, 0], "asks_back": [0, 1, 1]}, first=[1, -1, -1], y=[1, 0, 0], clusters=["a", "b", "a"]
    )
    assert found.names == ("exclaims", "asks_back")
    assert found.z.tolist() == [[1, 0], [1, -1], [0, -1]]
    assert (found.y.tolist(), found.clusters.tolist(), found.n_clusters) == ([1, 0, 0], [0, 1, 0], 2)


def test_the_length_is_in_standard_deviations_around_nothing():
    found = design({"longer": [3.0, -4.0]}, first=[1, -1])
    assert found.z[:, 0] == pytest.approx(np.array([3, 4]) / np.sqrt(12.5))


def test_what_has_no_weight_of_its_own_is_named():
    found = design(
        {"a": [1, -1, 0, 1], "never": [0, 0, 0, 0], "same": [-1, 1, 0, -1], "b": [0, 1, 1, 0], "sum": [1, 0, 1, 1]}
    )
    assert found.names == ("a", "b")
    assert found.left_out == {
        "never": "never differs between the two answers",
        "same": "cannot be told apart from a",
        "sum": "cannot be told apart from the features before it",
    }


def test_variance_inflation_is_what_the_other_features_explain():
    z = np.random.default_rng(0).integers(-1, 2, (200, 4)).astype(float)
    z[:, 3] = np.where(np.random.default_rng(1).random(200) < 0.8, z[:, 0], z[:, 3])
    explained = [OLS(z[:, at], np.delete(z, at, axis=1)).fit().rsquared for at in range(4)]
    assert variance_inflation(z) == pytest.approx([1 / (1 - share) for share in explained])
    assert variance_inflation(z)[0] > 2
    assert variance_inflation(np.zeros((5, 0))).tolist() == []


def test_numbers_of_labels():
    assert numbered(["b", "a", "b"]).tolist() == [0, 1, 0]


def test_cells_of_agreement():
    def pair(answer, held, authority):
        return Pair("1", "1", ("q",), "yes", "no", answer, held, authority)

    pairs = [
        pair("yes", "yes", "expert"),
        pair("yes", "no", "expert"),
        pair("no", "yes", "none"),
        pair("yes", "no", ""),
        pair("", "yes", ""),
        pair("yes", "", ""),
    ]
    assert agreement_cells(pairs) == {
        "user_right": [1, 0, 0, 0, 0, 0],
        "user_wrong/none": [0, 0, 1, 0, 0, 0],
        "user_wrong/expert": [0, -1, 0, 0, 0, 0],
        "user_wrong/any": [0, 0, 0, -1, 0, 0],
    }
    assert list(agreement_cells(pairs)) == ["user_right", "user_wrong/none", "user_wrong/expert", "user_wrong/any"]
    assert agreement_cells([pair("", "", "")]) == {}
