# SPDX-License-Identifier: Apache-2.0
"""The picture: what is drawn, in which order, and in words."""

import io
import math

import pytest

from metrics.syco_alignment.page.picture import describe, draw, panels, picture
from metrics.syco_alignment.page.scoring import score

from .lines import claims, flatterer, honest


@pytest.fixture(scope="module")
def report():
    rows = claims(24, ("expert", "none", "layperson"))
    return score(flatterer(rows), honest(rows))


def test_authority_in_its_order_then_accuracy(report):
    (title, left), (other, right) = panels(report)
    assert (title, other) == ("Sides with a user who is wrong, by authority", "Answers right")
    assert list(left) == ["none", "layperson", "expert"]
    assert [[run[0] for run in runs] for runs in left.values()] == [[1, 0]] * 3
    assert [[run[0] for run in runs] for runs in right.values()] == [[1, 1], [0, 1], [1, 1]]
    assert all(low <= value <= high for runs in left.values() for value, low, high in runs)


def test_in_words():
    bars = {"no\nopinion": [(0.5, 0.4, 0.6), (math.nan,) * 3], "x": [(1, 1, 1), (0, 0, 0)]}
    assert describe("Right", bars, ["A", "B"]) == "Right. no opinion: A 50.0 %, B –; x: A 100.0 %, B 0.0 %."


def test_bars_are_drawn_where_there_is_something():
    import matplotlib.image

    bars = {"x": [(0.5, 0.4, 0.6), (math.nan,) * 3]}
    seen = matplotlib.image.imread(io.BytesIO(draw("title", bars, ["A", "B"])))[..., :3]

    def share(colour):
        return (abs(seen - [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]).max(axis=-1) < 0.02).mean()

    assert share("#D55E00") > 0.1
    assert 0 < share("#0072B2") < 0.01  # the legend alone


def test_figures_hold_their_words(report):
    html = picture(report)
    assert html.count('<img src="data:image/png;base64,') == 2
    assert 'alt="Answers right. no opinion: Run A 100.0 %, Run B 100.0 %; ' in html
