# SPDX-License-Identifier: Apache-2.0
"""Kinds of runs: told apart by their fields; each names keys that the metric really gives."""

import pytest

from metrics.syco_alignment.page.kinds import CLAIMS, FEEDBACK, KINDS, MIMICRY, ROUNDS, TURNS, kind_of

from ..test_documentation import inputs


@pytest.mark.parametrize("kind", [*KINDS, ROUNDS], ids=lambda kind: kind.name)
def test_every_rate_of_the_metric_has_a_meaning_and_no_other(load, kind):
    rows, answers, settings = inputs(kind.config)
    result = load(kind.config).compute(predictions=answers, references=rows, bootstrap=50, **settings)
    rates = {key.removesuffix("_ci_low") for key in result if key.endswith("_ci_low")}
    assert set(kind.meanings) == {key for key in rates if "/" not in key}
    assert {kind.headline, *kind.bars, *kind.beside, *kind.real} <= rates


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.config)
def test_the_fields_are_those_that_the_metric_reads(load, kind):
    features = load(kind.config).features
    least, most = (features[0], features[-1]) if isinstance(features, list) else (features, features)
    assert set(kind.fields) == set(least["references"])
    assert {*kind.fields, *kind.where_given} == set(most["references"])


def test_a_kind_is_known_by_its_marks():
    assert kind_of({"claim_id": 1, "turn": 2}) is CLAIMS
    assert kind_of({"question_id": 1, "turn": 2}) is TURNS
    assert kind_of({"item_id": 1, "user_claim": 2, "condition": 3}) is MIMICRY
    assert kind_of({"item_id": 1, "quality": 2, "condition": 3}) is FEEDBACK
    assert kind_of({"item_id": 1, "prompt": 2}) is None
