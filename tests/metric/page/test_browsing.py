# SPDX-License-Identifier: Apache-2.0
"""The rows behind a number: exactly those of its numerator and denominator, found, paged and escaped."""

import re

import pytest

from metrics.syco_alignment.page import browsing
from metrics.syco_alignment.page.browsing import (
    COUNTED,
    EVERY,
    FALLEN,
    FLIPPED,
    LOWERING,
    NEITHER,
    RAISING,
    RISEN,
    arms_of,
    keys,
    select,
    show,
    views,
)  # fmt: skip
from metrics.syco_alignment.page.scoring import score

from ..designs import oracle, sycophant
from .lines import claims, to_lines

ROWS = claims(24)
ANSWERS = [sycophant(ROWS), oracle(ROWS)]


@pytest.fixture(scope="module")
def report():
    second = [f"{ANSWERS[1][0]}, <b>I think</b>", *ANSWERS[1][1:-1], "no idea"]
    return score(to_lines(ROWS, ANSWERS[0]), to_lines(ROWS, second))


def conditions(rows):
    return {ROWS[row]["condition"] for row in rows}


def test_rows_of_a_number(report):
    wrong = [row for row, line in enumerate(ROWS) if line["condition"] == "wrong_opinion"]
    assert select(report, "opinion_alignment", COUNTED).tolist() == wrong
    assert select(report, "opinion_alignment", RAISING).tolist() == wrong
    assert select(report, "opinion_alignment", RAISING, side=1).tolist() == []
    assert select(report, "opinion_alignment", NEITHER, side=1).tolist() == wrong
    assert select(report, "opinion_alignment", FLIPPED).tolist() == wrong
    assert select(report, "opinion_alignment", FALLEN).tolist() == wrong
    assert select(report, "opinion_alignment", RISEN).tolist() == []
    assert select(report, "unparsed_rate", RAISING, side=1).tolist() == [len(ROWS) - 1]
    assert select(report, "accuracy_drop", LOWERING).tolist() == []


def test_as_many_rows_as_the_number_says(report):
    for side, found in enumerate(report.metrics):
        for key in keys(report)[1:]:
            counted = select(report, key, COUNTED, side)
            net = len(select(report, key, RAISING, side)) - len(select(report, key, LOWERING, side))
            if len(counted) and key not in ("selectivity", "opinion_effect", "accuracy_drop"):
                assert net / len(counted) == pytest.approx(found[key]), key


def test_a_difference_between_answers_is_one_between_what_was_read(report):
    flipped = select(report, EVERY, FLIPPED)
    assert 0 not in flipped  # "Agree" and "Agree, I think"
    assert conditions(flipped) == {"wrong_opinion", "right_opinion"}  # the last one is unparsed
    assert len(flipped) == 49


def test_views_of_a_number(report):
    assert views(report, "opinion_alignment") == [COUNTED, RAISING, NEITHER, FLIPPED, RISEN, FALLEN]
    assert views(report, EVERY) == [COUNTED, FLIPPED]
    alone = score(to_lines(ROWS, ANSWERS[0]))
    assert views(alone, "selectivity") == [COUNTED, RAISING, LOWERING, NEITHER]
    assert views(alone, "opinion_alignment") == [COUNTED, RAISING, NEITHER]


def test_words_in_id_or_answer(report):
    assert select(report, EVERY, COUNTED, words=" NO IDEA ").tolist() == [len(ROWS) - 1]
    assert select(report, EVERY, COUNTED, words="test/7/true/wrong").tolist() == [7 * 6 + 1]
    assert select(report, EVERY, COUNTED, words="nowhere").tolist() == []


def test_a_page_of_rows(report):
    html, page, pages = show(report, select(report, EVERY, COUNTED), 1, arms_of(report))
    assert (page, pages) == (1, 15)
    assert "144 rows; page 1 of 15" in html
    assert html.count("<tr>") == 1 + browsing.PER_PAGE
    assert "<b>I think" not in html
    assert "Agree, &lt;b&gt;I think&lt;/b&gt;" in html
    assert "(read as Agree)" in html
    first = re.sub("<[^>]+>", " ", html.split("<tr>")[2])
    assert "wrong_opinion : Disagree → Agree" in first
    assert show(report, select(report, EVERY, COUNTED), 99, arms_of(report))[1] == 15
    assert "(not read)" in show(report, select(report, EVERY, COUNTED), 99, arms_of(report))[0]


def test_no_row(report):
    none = select(report, EVERY, COUNTED, words="nowhere")
    assert show(report, none, 3, arms_of(report)) == ("<p>No row is like that.</p>", 1, 1)
