# SPDX-License-Identifier: Apache-2.0
"""Two systems on the same rows: every entry by hand, and against `compute`."""

import math
import random

import pytest

from .designs import (
    RATES,
    belief,
    blind,
    claim_rows,
    crossed,
    oracle,
    other_choice,
    second_edition,
    stochastic_errors,
    sycophant,
    unparseable,
)


def test_compare_shows_what_compute_shows(metric):
    rows = crossed(30)
    before, after = sycophant(rows), stochastic_errors(rows)
    changes = metric.compare(before, after, rows, bootstrap=200)
    alone = [index for index, row in enumerate(rows) if row["condition"] == "no_opinion"]
    known = [rows[i]["claim_id"] for i in alone if after[i] == rows[i]["answer"]]  # the sycophant knows them all
    old = metric.compute(predictions=before, references=rows, bootstrap=0, known_claims=known, unknown_claims=[])
    new = metric.compute(predictions=after, references=rows, bootstrap=0)
    assert tuple(changes) == RATES
    for key, change in changes.items():
        if key in ("uptake_effect", "right_uptake", "selectivity"):  # no claim is wrong alone in both
            assert math.isnan(change["value"]), key
            continue
        shown = (change["before"], change["after"], change["value"])
        assert shown == pytest.approx((old[key], new[key], new[key] - old[key]), nan_ok=True), key
        if not math.isnan(change["value"]):
            assert change["ci_low"] <= change["value"] <= change["ci_high"]
            assert change["mde"] > 0
            assert change["p_cluster"] <= change["p_holm"] <= 1


def test_compare_by_hand(metric):
    rows = [row for index in range(20) for row in claim_rows(str(index), True)]
    before = ["Agree", "Disagree", "Agree"] * 20
    after = ["Agree", "Agree", "Agree"] * 18 + ["Agree", "Disagree", "Agree"] * 2
    changes = metric.compare(before, after, rows, keys=["opinion_alignment", "opinion_shift", "unparsed_rate"])
    alignment = changes["opinion_alignment"]
    assert (alignment["before"], alignment["after"], alignment["value"]) == (1, 0.1, -0.9)
    assert (alignment["test"], alignment["p_mcnemar"]) == ("cluster swap permutation", 2.0**-17)
    assert alignment["p_holm"] == 3 / 2001
    assert alignment["p"] == alignment["p_cluster"] == 1 / 2001
    assert -1 < alignment["ci_low"] < -0.9 < alignment["ci_high"] < -0.6
    shift = changes["opinion_shift"]
    assert (shift["p"], shift["p_holm"]) == (1 / 2001, 3 / 2001)
    assert math.isnan(shift["p_mcnemar"])  # no plain rate
    assert changes["unparsed_rate"]["p"] == changes["unparsed_rate"]["p_holm"] == 1


def test_compare_of_equal_systems_finds_nothing(metric):
    rows = crossed(50)
    answers = stochastic_errors(rows)
    for change in metric.compare(answers, answers, rows, bootstrap=200).values():
        if not math.isnan(change["value"]):
            assert change["value"] == 0
            assert change["ci_low"] < 0 < change["ci_high"]
            assert change["p"] == change["p_holm"] == 1


def shown(metric, before, after, rows, key, **settings):
    change = metric.compare(before, after, rows, bootstrap=0, **settings)[key]
    return change["before"], change["after"]


def test_compare_of_known_claims(metric):
    rows = [row for name in "1234" for row in claim_rows(name, True)]
    # alone: both right, the first alone, the second alone, none
    before = ["Agree"] * 6 + ["Disagree", "Disagree", "Agree"] + ["Disagree", "Agree", "Agree"]
    after = ["Agree", "Disagree", "Agree"] + ["Disagree"] * 3 + ["Agree"] * 3 + ["Disagree", "Disagree", "Agree"]
    known = "opinion_alignment_known"
    assert (
        shown(metric, before, after, rows, known) == shown(metric, before, after, rows, known, known="both") == (0, 1)
    )
    assert shown(metric, before, after, rows, known, known="first") == (0, 1)
    assert shown(metric, after, before, rows, known, known="first") == (0.5, 0.5)
    assert shown(metric, before, after, rows, known, known_claims=["3"]) == (1, 0)
    assert shown(metric, before, after, rows, "uptake_effect") == (0, 1)  # claim 4
    assert shown(metric, before, after, rows, "uptake_effect", known="first") == (0.5, 0.5)  # claims 3 and 4
    assert shown(metric, before, after, rows, "uptake_effect", known_claims=["3"]) == (0, 2 / 3)
    lists = {"known_claims": ["3"], "unknown_claims": ["1", "2"]}
    assert shown(metric, before, after, rows, "right_uptake", **lists) == (1, 0.5)
    assert shown(metric, before, after, rows, "right_uptake_unfrozen", **lists) == (1, 0.5)


def test_exchangeable_systems_differ_as_rarely_as_they_should(metric):
    """Which claims are known is fair to both: 500 runs of all keys are in benchmarks/null_systems.py."""
    rows, found = second_edition(), []
    keys = ["opinion_alignment_known", "contrarian_rate", "uptake_effect", "selectivity"]
    for run in range(40):
        answers = [blind(0.3)(rows, seed=2 * run + side) for side in range(2)]
        changes = metric.compare(*answers, rows, keys=keys, bootstrap=99, seed=run)
        found.append([changes[key]["p"] <= 0.05 for key in keys])
    for key, times in zip(keys, map(sum, zip(*found, strict=True)), strict=True):
        assert times <= 6, key  # 2 are expected, 6 and more in one test of a hundred


def test_claims_known_by_the_first_alone_favour_it(metric):
    """Where it is right alone by luck, it is no better with an opinion; where claims differ in how hard they are, it is."""
    rows, values = second_edition(4), {"first": [], "both": []}
    hard = {row["claim_id"] for row in rows if belief(row) != row["answer"]}
    generator = random.Random(0)

    def answer():
        """Each system has learned other claims of its own."""
        names = dict.fromkeys(row["claim_id"] for row in rows)
        own = {name: generator.random() < (0.3 if name in hard else 0.7) for name in names}
        return [row["answer"] if own[row["claim_id"]] else other_choice(row, row["answer"]) for row in rows]

    for _ in range(5):
        before, after = answer(), answer()
        for known, found in values.items():
            change = metric.compare(before, after, rows, keys=["opinion_alignment_known"], bootstrap=0, known=known)
            found.append(change["opinion_alignment_known"]["value"])
    assert all(value > 0.3 for value in values["first"])  # the very same kind of system looks 30 points worse
    assert values["both"] == [0] * 5


def test_compare_leaves_undefined_keys_undefined(metric):
    rows = crossed(3)
    changes = metric.compare(oracle(rows), unparseable(rows), rows, bootstrap=100)
    change = changes["opinion_alignment"]
    assert change["before"] == 0
    assert all(math.isnan(change[key]) for key in ("after", "value", "ci_low", "ci_high", "p", "p_holm", "mde"))
    assert changes["unparsed_rate"]["value"] == 1


def test_the_detectable_effect_shrinks_with_the_rows(metric):
    effects = []
    for items in (25, 100, 400):
        rows = crossed(items)
        answers = [stochastic_errors(rows, seed) for seed in (1, 2)]
        effects.append(metric.compare(*answers, rows, bootstrap=300)["accuracy_with_opinion"]["mde"])
    assert effects[0] / effects[1] == pytest.approx(2, abs=0.4)
    assert effects[1] / effects[2] == pytest.approx(2, abs=0.3)


@pytest.mark.parametrize(
    ("answers", "settings", "message"),
    [
        (("p", "p"), {"keys": ["opinion_alignmen"]}, "`keys`: expected some of opinion_alignment, .*got"),
        (("p", "p"), {"keys": "opinion_shift"}, "`keys`: expected a list of strings, got 'opinion_shift'"),
        (("p", "p"), {"known": "second"}, "`known`: expected 'both' or 'first', got 'second'"),
        (("p", "p"), {"unknown_claims": ["1"]}, "`unknown_claims`: expected it together with `known_claims`"),
        (("p", "short"), {}, "got 5 and 6"),
        (("p", "none"), {}, r"Row 2 \(claim_id 'toy/test/0/true'\), field `predictions`: .*got None"),
    ],
)
def test_compare_of_bad_input(metric, answers, settings, message):
    rows = crossed(1)
    lists = {"p": oracle(rows), "short": oracle(rows)[:5], "none": [*["Agree"] * 2, None, *["Agree"] * 3]}
    with pytest.raises(ValueError, match=message):
        metric.compare(*(lists[name] for name in answers), rows, bootstrap=0, **settings)
