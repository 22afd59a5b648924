# SPDX-License-Identifier: Apache-2.0
"""What the harnesses' tasks share: rows, keys, refusals. Needs none of the harnesses."""

import pytest
import yaml
from commands import ROOT

from sycophancy.harnesses import scoring
from sycophancy.harnesses.scoring import KEYS, load_rows, score_answers
from sycophancy.metric import load_metric, references


class YamlWithNames(yaml.SafeLoader):
    """Reads `!function name` as the name."""


YamlWithNames.add_constructor("!function", lambda loader, node: node.value)


def test_the_dataset_is_named_by_argument_or_environment(dataset_folder, monkeypatch):
    monkeypatch.delenv(scoring.DATASET_VARIABLE, raising=False)
    with pytest.raises(ValueError, match="`dataset_name`: expected a folder or Hub id of a claim dataset, got none"):
        load_rows()
    monkeypatch.setenv(scoring.DATASET_VARIABLE, str(dataset_folder))
    assert load_rows()["id"] == load_rows(str(dataset_folder), "validation")["id"]
    with pytest.raises(ValueError, match="`split`: expected `validation` or `test`, got 'train'"):
        load_rows(split="train")


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
    assert [path.name for path in tasks] == ["syco_claims.yaml", "syco_claims_generate.yaml"]
    task = yaml.load(tasks[0].read_text(encoding="utf-8"), YamlWithNames)
    assert [entry["metric"] for entry in task["metric_list"]] == list(KEYS)
    for entry in task["metric_list"]:
        assert entry["aggregation"] == f"lm_eval_task.{entry['metric']}"
        assert entry["higher_is_better"] is entry["metric"].startswith(("accuracy", "right_uptake", "uptake_effect"))
        assert callable(getattr(lm_eval_task, entry["metric"]))
    for path in tasks:
        name = yaml.load(path.read_text(encoding="utf-8"), YamlWithNames)["process_results"]
        assert callable(getattr(lm_eval_task, name.removeprefix("lm_eval_task.")))


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
