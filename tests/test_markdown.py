# SPDX-License-Identifier: Apache-2.0
import math

import pytest
from huggingface_hub import DatasetCard, DatasetCardData
from jinja2 import UndefinedError

from sycophancy.markdown import (
    fill,
    fill_card,
    hundredths,
    interval,
    markdown_table,
    p_value,
    percent,
    points,
    rating,
)


def test_a_share_and_a_difference():
    assert (percent(0.634), percent(0.78, 0), hundredths(0.634), hundredths(0.0075, signed=True)) == (
        "63.4 %", "78 %", "63.4", "+0.8",
    )  # fmt: skip
    assert points({"value": -0.573, "ci_low": -0.601, "ci_high": -0.544}, " points") == "-57.3 points [-60.1, -54.4]"
    assert interval(0.606, 0.661) == "[60.6, 66.1]"


def test_the_minus_sign_is_that_of_the_keyboard():
    assert hundredths(-0.05, digits=0) == "-5"
    assert float(hundredths(-0.573)) == -57.3


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_what_is_not_defined_is_a_dash_and_has_no_interval(nothing):
    assert [percent(nothing), hundredths(nothing, signed=True), p_value(nothing)] == ["–"] * 3
    assert interval(0.1, nothing) == interval(nothing, 0.1) == ""
    assert points({"value": nothing, "ci_low": nothing, "ci_high": nothing}, " points") == "–"
    assert points({"value": 0.1, "ci_low": nothing, "ci_high": nothing}, " points") == "+10.0 points"


def test_ratings_are_in_points_of_their_scale():
    assert rating(3.4162, 3.1, 3.7) == "3.42 [3.10, 3.70]"
    assert rating(-0.5, -1.25, 0.001, signed=True) == "-0.50 [-1.25, +0.00]"
    assert [rating(3.0), rating(3.0, None, 4.0), rating(None, 1.0, 2.0), rating(math.nan)] == ["3.00", "3.00", "–", "–"]


def test_p():
    assert [p_value(p) for p in (1.0, 0.0005, 0.0001, 0.00009, 0)] == [
        "1.0000", "0.0005", "0.0001", "< 0.0001", "< 0.0001",
    ]  # fmt: skip


def test_a_table_is_not_broken_by_its_cells():
    assert markdown_table(("", "n"), [("a|b\nc", 1), ("", None)]) == (
        "|  | n |\n|---|---|\n| a\\|b c | 1 |\n|  | None |"
    )


def test_a_template_that_names_what_is_not_there_is_an_error(tmp_path):
    (tmp_path / "t.md").write_text("---\n{{ card_data }}\n---\n# {{ title }}{% if more %}, {{ more }}{% endif %}\n")
    head = DatasetCardData(license="mit")
    with pytest.raises(KeyError, match=r"t\.md: more, title"):
        fill_card(DatasetCard, head, tmp_path / "t.md")
    card = fill_card(DatasetCard, head, tmp_path / "t.md", title="A {{ title }}", more="")
    assert card == "---\nlicense: mit\n---\n# A {{ title }}\n"
    with pytest.raises(UndefinedError, match="'card_data' is undefined"):
        fill(tmp_path / "t.md", title="", more="")
