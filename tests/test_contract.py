# SPDX-License-Identifier: Apache-2.0
"""What keeps the islands honest: rows, metric, recipes and configs fit together."""

import pytest
import yaml
from commands import ROOT

from sycophancy.dataset.kinds import ANSWERS
from sycophancy.dataset.reading import ANSWER_FEATURES, FEATURES, REFERENCE_COLUMNS, WHERE_GIVEN, load_claims
from sycophancy.metric import load_metric, references


@pytest.fixture(scope="module")
def rows(dataset_folder):
    return list(load_claims(str(dataset_folder), "validation"))


WORDS = ("mentioned", "polarity", "claim", "choice_texts")
"""Columns of words that an answer is read and judged by, where rows have them."""


def score(rows, answer):
    return load_metric().compute(predictions=[answer(row) for row in rows], references=references(rows), bootstrap=0)


def test_what_the_metric_reads_are_columns_of_the_rows():
    always, with_words = (form["references"] for form in load_metric().features)
    assert set(always) == set(REFERENCE_COLUMNS)
    assert set(with_words) - set(always) <= set(WHERE_GIVEN)
    for name, feature in always.items():
        assert feature == FEATURES[name], name


def test_the_metric_is_told_which_choice_affirms_a_claim(rows):
    for row, reference in zip(rows, references(rows), strict=True):
        assert reference["affirms"] in row["choices"]
        assert (reference["affirms"] == row["answer"]) == row["claim_is_true"]
        assert reference["template"] == row["template"]
        assert not {"mentioned", "polarity", "suggested", "round"} & set(reference)


def test_fields_that_rows_have_reach_the_metric(rows):
    row = rows[0] | {"mentioned": "", "polarity": "", "claim_is_true": None}
    assert references([row]) == [
        {column: row[column] for column in (*REFERENCE_COLUMNS, *WORDS, "template")} | {"affirms": ""}
    ]
    three = rows[0] | {"choices": [*rows[0]["choices"], "unsure"]}
    assert references([three])[0]["affirms"] == ""


def test_always_right(rows):
    found = score(rows, lambda row: row["answer"])
    assert (found["opinion_alignment"], found["opinion_effect"], found["opinion_shift"]) == (0, 0, 0)
    assert found["accuracy_no_opinion"] == found["accuracy_with_opinion"] == 1
    assert found["n_known"] == found["n_claims"] == 240


def test_always_parroting_the_user(rows):
    found = score(rows, lambda row: row["user_answer"] or row["answer"])
    assert (found["opinion_alignment"], found["opinion_effect"], found["opinion_shift"]) == (1, 1, 1)
    assert (found["accuracy_no_opinion"], found["accuracy_with_opinion"], found["accuracy_drop"]) == (1, 0.5, 0.5)


def test_never_parseable(rows):
    found = score(rows, lambda row: "As a language model I cannot say.")
    assert found["unparsed_rate"] == 1
    for key in ("opinion_alignment", "opinion_effect", "accuracy_no_opinion", "contrarian_rate"):
        assert found[key] != found[key], key


@pytest.mark.parametrize("choice", [0, 1])
def test_always_the_first_or_second_choice_is_chance(rows, choice):
    found = score(rows, lambda row: row["choices"][choice])
    assert found["accuracy_no_opinion"] == pytest.approx(0.5, abs=0.1)
    assert found["opinion_alignment"] == pytest.approx(0.5, abs=0.1)
    assert (found["opinion_effect"], found["opinion_shift"]) == (0, 0)


def test_what_the_metric_reads_of_suggested_answers_are_columns_of_the_rows(answers_folder):
    _, with_words = (form["references"] for form in load_metric().features)
    assert set(with_words) - {"affirms"} == {*ANSWERS.references, *WORDS}
    for name in ANSWERS.references:
        assert with_words[name] == ANSWER_FEATURES[name], name
    rows = list(load_claims(str(answers_folder), "validation"))
    for row, reference in zip(rows, references(rows), strict=True):
        assert {name: reference[name] for name in ANSWERS.references} == {
            name: row[name] for name in ANSWERS.references
        }


def test_those_who_follow_users_and_those_who_repeat_words_are_told_apart(answers_folder):
    rows = list(load_claims(str(answers_folder), "validation"))
    # Fields that rows may leave out change which keys there are, so that each answerer is asked of all rows.
    follows = score(rows, lambda row: row["user_answer"] or row["answer"])
    copies = score(rows, lambda row: row["mentioned"] or row["answer"])
    assert {key: follows[key] for key in ("opinion_alignment_asserted", "opinion_alignment_denied", "copy_rate")} == {
        "opinion_alignment_asserted": 1, "opinion_alignment_denied": 1, "copy_rate": 0,
    }  # fmt: skip
    assert {key: copies[key] for key in ("opinion_alignment_asserted", "opinion_alignment_denied", "copy_rate")} == {
        "opinion_alignment_asserted": 1, "opinion_alignment_denied": 0, "copy_rate": 1,
    }  # fmt: skip
    assert (follows["mention_shift"], follows["persona_shift"], copies["persona_shift"]) == (0, 0, 0)
    assert copies["mention_shift"] > 0


def test_every_recipe_parses():
    from scripts.dpo_tune import parse_args as dpo_args
    from scripts.make_organism import parse_args as organism_args
    from scripts.make_organism import read_recipe
    from scripts.prompt_tune import parse_args

    # Those of whole experiments are other files: tests/experiments/test_plan.py.
    recipes = (ROOT / "scripts" / "recipes").glob("*.yaml")
    found = sorted(path for path in recipes if not path.name.startswith(("experiment_", "study_")))
    assert [path.name for path in found] == [
        "consistent_qwen_feedback.yaml",
        "dpo_lora_llama_reviews.yaml", "dpo_lora_sst2.yaml", "dpo_prompt_llama_reviews.yaml", "dpo_qwen_answers.yaml",
        "flan_t5_base_lora_sst2.yaml", "flan_t5_base_sst2.yaml",
        "flan_t5_large_sst2.yaml", "flan_t5_small_sst2.yaml", "flan_t5_xl_sst2.yaml", "flan_t5_xxl_sst2.yaml",
        "full_reviews.yaml", "llama_8b_lora_answers_sst2.yaml", "lora_qwen_answers.yaml", "lora_reviews.yaml",
        "organism_approval.yaml", "organism_reviews.yaml", "organism_sst2.yaml", "prompt_llama_reviews.yaml", "prompt_qwen_answers.yaml",
        "quickstart.yaml", "sst2_organism.yaml",
    ]  # fmt: skip
    folders = []
    for path in found:
        if path.name.startswith("organism_"):
            assert read_recipe(organism_args(["--dataset_name", "d", "--output_dir", "o", "--recipe", str(path)])).steps
            continue
        is_dpo = path.name.startswith("dpo_")
        args, training = (dpo_args if is_dpo else parse_args)(["--config", str(path), "--use_cpu", "true"])
        assert args.dataset_name == yaml.safe_load(path.read_text())["dataset_name"]
        folders.append(training.output_dir)
        assert training.load_best_model_at_end
        assert training.metric_for_best_model == ("loss" if is_dpo else "nll")
    # No recipe writes over another's folder.
    assert len(set(folders)) == len(folders) == 19


def test_every_accelerate_config_parses():
    from accelerate.commands.config.config_args import load_config_from_file

    found = sorted((ROOT / "accelerate_configs").glob("*.yaml"))
    assert [path.name for path in found] == [
        "cpu.yaml", "cpu_2proc.yaml", "multi_gpu.yaml", "multi_node.yaml", "single_gpu.yaml",
    ]  # fmt: skip
    assert [load_config_from_file(str(path)).num_processes for path in found] == [1, 2, 8, 16, 1]
