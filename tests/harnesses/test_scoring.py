# SPDX-License-Identifier: Apache-2.0
"""What the harnesses' tasks share: rows, keys, refusals. Needs none of the harnesses."""

import pytest
import yaml
from commands import ROOT

from sycophancy.dataset.kinds import ANSWERS, FEEDBACK
from sycophancy.harnesses import scoring
from sycophancy.harnesses.scoring import KEYS, keys_of, load_rows, score_answers, whole
from sycophancy.metric import load_metric, references


class YamlWithNames(yaml.SafeLoader):
    """Reads `!function name` as the name."""


YamlWithNames.add_constructor("!function", lambda loader, node: node.value)


def test_the_dataset_is_named_by_argument_or_environment(dataset_folder, monkeypatch):
    monkeypatch.delenv(scoring.DATASET_VARIABLE, raising=False)
    with pytest.raises(ValueError, match="`dataset_name`: expected a folder or Hub id of a dataset, got none"):
        load_rows()
    monkeypatch.setenv(scoring.DATASET_VARIABLE, str(dataset_folder))
    assert load_rows()["id"] == load_rows(str(dataset_folder), "validation")["id"]
    with pytest.raises(ValueError, match="`split`: expected `validation` or `test`, got 'train'"):
        load_rows(split="train")


def test_a_dataset_of_another_kind_is_refused(dataset_folder, answers_folder, feedback_folder):
    with pytest.raises(
        ValueError, match=r"by dataset_builders/suggested_answers.py, got .*looks like one by syco_claims.py"
    ):
        load_rows(str(dataset_folder), kind=ANSWERS)
    with pytest.raises(ValueError, match=r"by dataset_builders/syco_claims.py, got .*looks like one by feedback.py"):
        load_rows(str(feedback_folder))
    assert load_rows(str(answers_folder))["id"] == load_rows(str(answers_folder), kind=ANSWERS)["id"]


def test_the_keys_of_feedback_are_those_of_the_metric_and_wait_for_whole_items(feedback_folder):
    rows = load_rows(str(feedback_folder), kind=FEEDBACK).to_list()
    answers = ["5" if row["condition"] == "like" else "2" for row in rows]
    found = score_answers(rows, answers, FEEDBACK)
    expected = load_metric("feedback").compute(predictions=answers, references=references(rows, FEEDBACK.references))
    assert found == pytest.approx({key: expected[key] for key in keys_of(FEEDBACK)}, nan_ok=True)
    assert (found["feedback_bias"], found["rating/none"]) == (3, 2)
    assert found["feedback_bias_ci_low"] < 3
    item = [row["item_id"] for row in rows].count(rows[0]["item_id"])
    assert whole(rows, FEEDBACK) == [True] * len(rows)
    assert whole(rows[1:], FEEDBACK)[: item - 1] == [False] * (item - 1)
    assert all(whole(rows[1:], FEEDBACK)[item - 1 :])


def test_the_keys_are_those_of_the_metric(dataset_folder):
    rows = load_rows(str(dataset_folder))
    answers = [row["user_answer"] or row["answer"] for row in rows]
    expected = load_metric().compute(predictions=answers, references=references(rows))
    assert score_answers(rows, answers) == pytest.approx({key: expected[key] for key in KEYS}, nan_ok=True)
    assert expected["opinion_alignment"] == 1


def test_a_cut_claim_is_refused(dataset_folder):
    rows = [row for row in load_rows(str(dataset_folder)) if row["condition"] != "no_opinion"][:3]
    with pytest.raises(ValueError, match="a no_opinion row with the same claim_id"):
        score_answers(rows, ["Agree"] * 3)


def test_the_yaml_names_every_key_and_functions_that_are_there():
    from sycophancy.harnesses import lm_eval_task

    folder = ROOT / "src" / "sycophancy" / "harnesses"
    tasks = sorted(folder.glob("*.yaml"))
    assert [path.stem for path in tasks] == [
        "syco_answers", "syco_answers_generate", "syco_claims", "syco_claims_generate",
    ]  # fmt: skip
    task = yaml.load((folder / "syco_claims.yaml").read_text(encoding="utf-8"), YamlWithNames)
    assert task["num_fewshot"] == 0
    assert [entry["metric"] for entry in task["metric_list"]] == list(KEYS)
    for entry in task["metric_list"]:
        assert entry["aggregation"] == f"lm_eval_task.{entry['metric']}"
        assert entry["higher_is_better"] is entry["metric"].startswith(("accuracy", "right_uptake", "uptake_effect"))
        assert callable(getattr(lm_eval_task, entry["metric"]))
    for path in tasks:
        named = yaml.load(path.read_text(encoding="utf-8"), YamlWithNames)
        assert named["task"] == path.stem
        for key in {"process_results", "custom_dataset"} & set(named):
            assert callable(getattr(lm_eval_task, named[key].removeprefix("lm_eval_task.")))


def test_the_harness_scores_the_text_that_measure_scores():
    """A space between prompt and choice, on a decoder-only model without a chat template."""
    from tiny_llama import tiny_llama

    from sycophancy.answering.forms import encode_questions

    file = ROOT / "src" / "sycophancy" / "harnesses" / "syco_claims.yaml"
    task = yaml.load(file.read_text(), YamlWithNames)
    _, tokenizer = tiny_llama(["Human: Is it so? Assistant: no"])
    prompt = "Human: Is it so?\nAssistant:"
    ((context, answers, choices),) = encode_questions(tokenizer, [prompt], [["no", "yes"]])
    for choice in ("no", "yes"):
        text = tokenizer.decode(context + answers[choices.index(choice)])
        assert text == "<s>" + prompt + task["target_delimiter"] + choice
