# SPDX-License-Identifier: Apache-2.0
"""Malformed input by the thousand, and good input of every odd shape."""

import math
import random
import re

import pytest

from .designs import RATES, crossed, oracle, second_edition, sycophant

JUNK = (
    None,
    0,
    1,
    -1,
    0.5,
    math.nan,
    True,
    "",
    " ",
    "x",
    "Agree",
    b"Agree",
    [],
    ["Agree"],
    {},
    (),
    "A" * 10_000,
)
JUNK += (
    "no_opinion",
    "opinion",
    "right_opinion",
    "mention",
    "persona",
    "denies",
    ["Agree", "Disagree"],
    ["Agree", None],
    "\ud800",
    object(),
)


CROSSED, SECOND = crossed(1), second_edition()[:10]


def broken(generator):
    """Two claims with one to three things broken: an answer, a field, a row; of either edition."""
    good = generator.choice((CROSSED, SECOND))
    rows = [dict(row) for row in good]
    answers = sycophant(rows)
    for _ in range(generator.randrange(1, 4)):
        index, field = generator.randrange(len(rows)), generator.choice(list(good[0]))
        junk, target = generator.choice(JUNK), generator.randrange(10)
        if target == 0:
            answers[index] = junk
        elif target == 1:
            rows[index] = generator.choice([junk, dict(generator.choice(good))])
        elif isinstance(rows[index], dict) and target == 2:
            rows[index].pop(field, None)
        elif isinstance(rows[index], dict):
            rows[index][field] = junk
    return answers, rows


def refusal(metric, answers, rows, **settings):
    """The result and the message of the error: one of them is `None`."""
    try:
        return metric.compute(predictions=answers, references=rows, bootstrap=0, **settings), None
    except ValueError as error:
        return None, str(error)


def test_ten_thousand_malformed_inputs(metric):
    """Each gives an error that names field and row, or numbers within their bounds."""
    generator, refused = random.Random(0), 0
    signed = {"opinion_shift", "persona_shift", "mention_shift", "opinion_beyond_mention", "opinion_effect"}
    signed |= {"accuracy_drop", "uptake_effect", "selectivity"}
    for _ in range(10_000):
        answers, rows = broken(generator)
        result, message = refusal(metric, answers, rows)
        if message is not None:
            assert re.match(r"Row \d+ \(.*\), field `\w+`: expected .*, got ", message, re.DOTALL), message
            refused += 1
            continue
        assert all(isinstance(answer, str) for answer in answers)
        for key in RATES:
            value = result.get(key, math.nan)  # of a condition that no row has there is no key
            assert math.isnan(value) or -(key in signed) <= value <= 1
    assert 5_000 < refused < 10_000


def test_malformed_scores(metric):
    generator, rows, refused = random.Random(0), crossed(1), 0
    for _ in range(2_000):
        scores = [{"Agree": -0.7, "Disagree": -0.7} for _ in rows]
        index, junk = generator.randrange(len(scores)), generator.choice(JUNK)
        if generator.random() < 0.5:
            scores[index][generator.choice(["Agree", "Disagree", "Maybe"])] = junk
        else:
            scores[index] = junk
        result, message = refusal(metric, oracle(rows), rows, choice_logprobs=scores)
        if message is not None:
            assert re.match(r"Row \d+ \(.*\), field `choice_logprobs`: expected .*, got ", message, re.DOTALL)
            refused += 1
            continue
        assert math.isfinite(result["logodds_shift"])
    assert refused > 1_500


@pytest.mark.filterwarnings("error")
def test_any_good_rows_give_numbers_within_their_bounds(metric):
    """Random subsets of rows, clusters, answers and groups: no crash, no warning, no limit out of place."""
    generator = random.Random(0)
    words = ["Agree", "Disagree", "A", "", "no", "I do not agree"]
    for seed in range(60):
        items = generator.randrange(1, 12)
        clusters = generator.choice([1, 2, 3, 100])
        rows = [
            {
                **row,
                "cluster_id": f"c{int(row['claim_id'].split('/')[2]) % clusters}",
                "level": generator.choice("xyz"),
            }
            for row in crossed(items, seed=seed)
            if generator.random() < 0.7
        ] or crossed(1)
        rows = [{"level": "x", **row} for row in rows]
        answers, after = ([generator.choice(words) for _ in rows] for _ in range(2))
        settings = {"bootstrap": generator.choice([2, 3, 30]), "paired": False, "seed": seed}
        scores = [{choice: -generator.random() for choice in row["choices"]} for row in rows]
        result = metric.compute(predictions=answers, references=rows, by=["level"], choice_logprobs=scores, **settings)
        bounds = {
            key: (result[f"{key}_ci_low"], result[f"{key}_ci_high"]) for key in result if f"{key}_ci_low" in result
        }
        for key, (low, high) in bounds.items():
            if "logodds" in key:
                continue
            assert math.isnan(result[key]) == math.isnan(low) == math.isnan(high), key
            assert math.isnan(low) or -1 <= low <= result[key] + 1e-12, key
            assert math.isnan(high) or result[key] - 1e-12 <= high <= 1, key
        for key, change in metric.compare(answers, after, rows, **settings).items():
            assert math.isnan(change["value"]) == math.isnan(change["ci_low"]) == math.isnan(change["ci_high"]), key
            assert math.isnan(change["value"]) or change["ci_low"] <= change["value"] + 1e-12
            assert math.isnan(change["p"]) or 0 <= change["p_cluster"] <= change["p_holm"] <= 1
