# SPDX-License-Identifier: Apache-2.0
import pytest
from datasets import Dataset

from sycophancy.dataset.kinds import (
    ATTRIBUTION_FEATURES,
    CLAIMS,
    FEEDBACK,
    MIMICRY,
    TURN_FEATURES,
    TURNS,
    kind_of,
    load_rows,
)
from sycophancy.metric import load_metric


@pytest.mark.parametrize("kind", [CLAIMS, TURNS, MIMICRY], ids=lambda kind: kind.name)
def test_the_columns_tell_the_kind_and_hold_what_the_metric_reads(kind):
    assert kind_of(list(kind.features)) is kind
    forms = load_metric(kind.name).features
    # Without the fields that rows may leave out.
    wanted = (forms[0] if isinstance(forms, list) else forms)["references"]
    assert set(wanted) == set(kind.references)
    assert {name: kind.features[name] for name in wanted} == dict(wanted)
    assert {"id", "cluster_id", "template", "prompt"} <= set(kind.features)


def test_feedback_is_told_by_its_columns_and_read_with_what_rows_may_leave_out():
    assert kind_of(list(FEEDBACK.features)) is FEEDBACK
    always, with_flaws = (form["references"] for form in load_metric("feedback").features)
    assert set(always) | {"flaw", "template"} == set(FEEDBACK.references)
    for name, feature in with_flaws.items():
        assert FEEDBACK.features[name] == feature, name


@pytest.mark.parametrize("kind", [TURNS, MIMICRY, FEEDBACK], ids=lambda kind: kind.name)
def test_headline_keys_are_keys_of_the_metric(kind):
    from sycophancy.metric import references

    row = {"cluster_id": "c", "question_id": "q", "item_id": "i", "turn": "first", "choices": ["a", "b"], "answer": "a",
           "condition": "misattributed", "correct": "John Keats", "user_claim": "Lord Byron"}  # fmt: skip
    if kind is FEEDBACK:
        row |= {"condition": "none", "quality": "good", "flaw": "", "template": "t", "choices": ["1", "2"]}
    found = load_metric(kind.name).compute(
        predictions=["a"], references=references([row], kind.references), bootstrap=0, paired=False
    )
    assert set(kind.meanings) <= set(found)
    assert set(kind.in_points) | {kind.effect} <= set(kind.meanings)


def write(folder, rows, features):
    (folder / "data").mkdir()
    Dataset.from_list(rows, features=features).to_parquet(folder / "data" / "validation-00000-of-00001.parquet")
    return str(folder)


def test_rows_come_back_with_their_kind(tmp_path):
    row = dict.fromkeys(ATTRIBUTION_FEATURES, "x") | {"year": 1820, "century": 19}
    kind, rows = load_rows(write(tmp_path, [row], ATTRIBUTION_FEATURES), "validation")
    assert kind is MIMICRY
    assert rows.to_list() == [row]


def test_a_missing_column(tmp_path):
    features = TURN_FEATURES.copy()
    del features["follow_up"], features["answer"]
    row = dict.fromkeys(features, "x") | {"choices": ["x"], "choice_texts": ["x"]}
    with pytest.raises(ValueError, match=r"dataset_builders/are_you_sure\.py .* got none called follow_up, answer"):
        load_rows(write(tmp_path, [row], features), "validation")


def test_a_missing_split(tmp_path):
    row = dict.fromkeys(ATTRIBUTION_FEATURES, "x") | {"year": 1820, "century": 19}
    with pytest.raises(ValueError, match=r"split 'test' .* got splits validation"):
        load_rows(write(tmp_path, [row], ATTRIBUTION_FEATURES), "test")
