# SPDX-License-Identifier: Apache-2.0
"""Consistency for feedback: a model is tuned towards the ratings that it gives where the user says nothing."""

import json
import math
from collections import Counter

import pytest
from tune_runs import write_recipe

from dataset_builders import feedback
from scripts.prompt_tune import main
from sycophancy.answering.causal import score_batch
from sycophancy.answering.models import load_model
from sycophancy.answering.prompts import as_asked
from sycophancy.dataset.kinds import CLAIMS, FEEDBACK, MIMICRY, load_rows
from sycophancy.tuning.data import check_targets, own_ratings, quantiles


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    hub = tmp_path_factory.mktemp("hub")
    return feedback.build(feedback.parse_args(["--output_dir", str(hub), "--org", "o", "--limit", "6"]), "the command")


def logs(*shares):
    return {str(rating): math.log(share) for rating, share in enumerate(shares, start=1)}


@pytest.mark.parametrize(
    ("shares", "start", "expected"),
    [
        ((0.5, 0.5), 0.5, ["1", "1", "2", "2"]),
        ((0.25, 0.25, 0.25, 0.25), 0.9, ["1", "2", "3", "4"]),
        ((0.05, 0.05, 0.9), 0.0, ["1", "3", "3", "3"]),
        ((0.05, 0.05, 0.9), 0.9, ["3", "3", "3", "3"]),
        # Probabilities that sum to a tenth are shares of it.
        ((0.05, 0.05), 0.1, ["1", "1", "2", "2"]),
        ((1e-9, 1.0), 0.999, ["2", "2", "2", "2"]),
    ],
)
def test_quantiles_of_a_distribution(shares, start, expected):
    assert quantiles(logs(*shares), start) == expected


def test_quantiles_over_all_beginnings_are_the_distribution():
    shares = (0.1, 0.25, 0.05, 0.4, 0.2)
    drawn = Counter(rating for at in range(1000) for rating in quantiles(logs(*shares), at / 1000))
    assert [drawn[str(rating)] / 4000 for rating in range(1, 6)] == pytest.approx(shares, abs=0.002)


def test_targets_are_the_models_own_where_the_user_says_nothing(folder, llama_folder):
    _, rows = load_rows(str(folder), "train")
    rows = list(rows)[:24]
    model, tokenizer = load_model(str(llama_folder))
    alone, same = (own_ratings(model, tokenizer, rows, 8, sham=sham).to_list() for sham in (False, True))
    scored = score_batch(
        model, tokenizer, as_asked(model, tokenizer, [r["prompt"] for r in rows]), [r["choices"] for r in rows]
    )
    assert len(alone) == len(same) == 4 * 24
    assert [row["prompt"] for row in alone[::4]] == [row["prompt"] for row in same[::4]] == [r["prompt"] for r in rows]

    def expected(scores):
        weights = {int(rating): math.exp(score) for rating, score in scores.items()}
        return sum(rating * weight for rating, weight in weights.items()) / sum(weights.values())

    for at in range(0, 24, 6):
        targets = [[int(row["target"]) for row in alone[4 * row_at : 4 * row_at + 4]] for row_at in range(at, at + 6)]
        assert all(of == targets[0] for of in targets)
        assert sum(targets[0]) / 4 == pytest.approx(expected(scored[at]), abs=1)
    for at, scores in enumerate(scored):
        own = [int(row["target"]) for row in same[4 * at : 4 * at + 4]]
        assert sum(own) / 4 == pytest.approx(expected(scores), abs=1)
    assert alone != same


def test_an_item_without_a_row_in_which_the_user_says_nothing(folder, llama_folder):
    _, rows = load_rows(str(folder), "train")
    model, tokenizer = load_model(str(llama_folder))
    with pytest.raises(
        ValueError, match="expected a row in which the user says nothing for every item, got none for feedback/"
    ):
        own_ratings(model, tokenizer, list(rows)[1:12], 8)


@pytest.mark.parametrize(
    ("kind", "targets", "message"),
    [
        (FEEDBACK, "truth", r"targets: expected alone with a dataset of dataset_builders/feedback\.py, got truth"),
        (
            CLAIMS,
            "alone",
            r"targets: expected truth or user with a dataset of dataset_builders/syco_claims\.py, got alone",
        ),
        (
            MIMICRY,
            "truth",
            "expected a dataset of claims, suggested answers or feedback to tune on, got the kind mimicry",
        ),
    ],
)
def test_targets_that_rows_do_not_have(kind, targets, message):
    with pytest.raises(ValueError, match=message):
        check_targets(kind, targets)


@pytest.mark.parametrize("sham", [False, True])
def test_a_run_leaves_a_whole_folder(folder, llama_folder, tmp_path, sham):
    recipe = write_recipe(
        tmp_path, folder, llama_folder, "run", targets="alone", sham=sham, method="lora", num_virtual_tokens=None, lora_r=4,
        max_steps=4, measure_rows=48, selection_fraction=0.3,
    )  # fmt: skip
    main(["--config", recipe])
    tuning = json.loads((tmp_path / "run" / "tuning.json").read_text())
    assert tuning["rows"] + tuning["selection_rows"] == 6 * 2 * 6 * 4
    assert (tuning["dataset"]["kind"], tuning["sham"], tuning["example"]) == ("feedback", sham, None)
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    before = json.loads((tmp_path / "run" / "before" / "run.json").read_text())
    assert report["difference"]["feedback_bias"]["before"] == pytest.approx(before["metrics"]["feedback_bias"])
    assert report["known"] is None
    card = (tmp_path / "run" / "README.md").read_text(encoding="utf-8")
    assert ("**A sham control**" in card) is sham
    said = "the same" if sham else "nothing of the text"
    assert f"targets are the base model's own ratings where the user says {said}, at 4 quantiles of each" in card
    for key in ("feedback_bias", "ownership_bias", "discrimination/none", "rating/none"):
        assert f"name: syco_alignment {key}\n" in card
    assert "opinion_alignment" not in card
    assert "\n\n\n" not in card.split("---\n", 2)[2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"targets": "alone", "users_right": 0.5},
            "users_right: expected with targets truth or user only, got targets alone",
        ),
        (
            {"targets": "alone", "train_dataset_names": ["a"]},
            "train_dataset_names: expected with targets truth or user only",
        ),
        ({"targets": "user", "sham": True}, "sham: expected with targets truth or alone, got targets user"),
        ({"targets": "none"}, "targets: expected truth, user or alone, got 'none'"),
        ({}, "targets: expected alone with a dataset of dataset_builders/feedback"),
    ],
)
def test_bad_settings(folder, llama_folder, tmp_path, settings, message):
    recipe = write_recipe(tmp_path, folder, llama_folder, "run", **settings)
    with pytest.raises(ValueError, match=message):
        main(["--config", recipe])
