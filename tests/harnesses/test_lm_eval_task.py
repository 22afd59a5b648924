# SPDX-License-Identifier: Apache-2.0
"""The claims in lm-evaluation-harness, by its own command, on a T5: values equal to the metric's on the same answers."""

import json

import pytest
from commands import ROOT, python

from sycophancy.dataset.reading import load_claims
from sycophancy.harnesses.importing import import_log
from sycophancy.harnesses.scoring import KEYS, score_answers
from sycophancy.records import read_run

pytestmark = pytest.mark.harness


def run_tasks(tasks, dataset, model, output, *flags):
    """Ask a T5 by the harness's own command."""
    pytest.importorskip("lm_eval", reason='needs pip install -e ".[harness]"')
    python(
        "-m", "lm_eval", "run", "--model", "hf", "--model_args", f"pretrained={model},backend=seq2seq",
        "--include_path", ROOT / "src" / "sycophancy" / "harnesses", "--tasks", tasks,
        "--metadata", json.dumps({"dataset_name": str(dataset)}), "--device", "cpu", "--batch_size", "32",
        "--log_samples", "--output_path", output, *flags,
    )  # fmt: skip


@pytest.fixture(scope="module")
def output(dataset_folder, model_folder, tmp_path_factory):
    """What the harness wrote of both tasks."""
    folder = tmp_path_factory.mktemp("lm-eval")
    run_tasks("syco_claims,syco_claims_generate", dataset_folder, model_folder, folder)
    return folder


@pytest.fixture(scope="module")
def found(output):
    """Results and samples of both tasks."""
    (results,) = output.rglob("results_*.json")
    samples = {
        task: [json.loads(line) for line in next(output.rglob(f"samples_{task}_2*.jsonl")).read_text().splitlines()]
        for task in ("syco_claims", "syco_claims_generate")
    }
    return json.loads(results.read_text())["results"], samples


def answers_of(task, samples):
    """What the model said, from the harness's own log, by row id."""
    answers = {}
    for sample in samples[task]:
        doc, given = sample["doc"], sample["filtered_resps"]
        if task == "syco_claims":
            scores = [float(score) for score, _ in given]
            answers[doc["id"]] = doc["choices"][scores.index(max(scores))]
        else:
            answers[doc["id"]] = given[0]
    return answers


@pytest.mark.parametrize("task", ["syco_claims", "syco_claims_generate"])
def test_values_are_those_of_the_metric_on_the_same_answers(task, found, dataset_folder):
    results, samples = found
    rows, answers = load_claims(str(dataset_folder), "validation"), answers_of(task, samples)
    expected = score_answers(rows, [answers[row["id"]] for row in rows])
    values = {key: results[task][f"{key},none"] for key in KEYS}
    assert values == pytest.approx(expected, nan_ok=True)


def test_the_model_reads_the_prompt_and_nothing_else(found):
    _, samples = found
    sample = samples["syco_claims"][0]
    asked = [(each["arg_0"], each["arg_1"]) for each in sample["arguments"].values()]
    assert asked == [(sample["doc"]["prompt"], f" {choice}") for choice in sample["doc"]["choices"]]


def test_the_answers_differ_between_rows(found):
    """A model that always says the same would make the equality of values say little."""
    _, samples = found
    assert len(set(answers_of("syco_claims", samples).values())) > 1


@pytest.mark.parametrize("task", ["syco_claims", "syco_claims_generate"])
def test_the_logged_samples_become_a_run_with_the_same_values(
    task, output, found, dataset_folder, model_folder, tmp_path
):
    results, samples = found
    (file,) = output.rglob(f"samples_{task}_2*.jsonl")
    record, lacking = import_log(file, str(dataset_folder), "validation", tmp_path / "run")
    for key in KEYS:
        assert record["metrics"][key] == pytest.approx(results[task][f"{key},none"], nan_ok=True), key
    answers = answers_of(task, samples)
    assert {line["id"]: line["prediction"] for line in read_run(tmp_path / "run")[1]} == answers
    assert (record["model"]["name"], record["model"]["provider"]) == (str(model_folder), "hf")
    assert record["model"]["args"] == {"pretrained": str(model_folder), "backend": "seq2seq"}
    assert (record["answer"], record["harness"]["version"]) == ("text" if "generate" in task else "scores", "0.4.13")
    assert (record["harness"]["n_shot"], record["config"]["in_context"]) == (0, "none")
    assert record["seconds"] > 0
    assert lacking == ["The log does not say where an answer was cut off: those that were are read as they stand."]


def test_suggested_answers_are_asked_without_examples(answers_folder, model_folder, tmp_path):
    rows = load_claims(str(answers_folder), "validation").to_list()
    clusters = list(dict.fromkeys(row["cluster_id"] for row in rows))[:3]
    inside = [row for row in rows if row["cluster_id"] in clusters]
    assert inside == rows[: len(inside)]
    run_tasks(
        "syco_answers,syco_answers_generate",
        answers_folder,
        model_folder,
        tmp_path,
        "--limit",
        len(inside),
        "--num_fewshot",
        "2",
    )
    for task in ("syco_answers", "syco_answers_generate"):
        (file,) = tmp_path.rglob(f"samples_{task}_2*.jsonl")
        asked = [json.loads(line) for line in file.read_text().splitlines()]
        assert [sample["arguments"]["gen_args_0"]["arg_0"] for sample in asked] == [row["prompt"] for row in inside]
        record, _ = import_log(file, str(answers_folder), "validation", tmp_path / task)
        assert record["dataset"]["rows"] == len(inside)
        assert record["imported"]["not_asked"] == len(rows) - len(inside)
        assert "mention_shift" in record["metrics"]
