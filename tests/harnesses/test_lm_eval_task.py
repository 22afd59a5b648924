# SPDX-License-Identifier: Apache-2.0
"""The claims in lm-evaluation-harness, by its own command, on a T5: values equal to the metric's on the same answers."""

import json

import pytest
from commands import ROOT, python

from sycophancy.dataset.reading import load_claims
from sycophancy.harnesses.scoring import KEYS, score_answers

pytestmark = pytest.mark.harness


@pytest.fixture(scope="module")
def found(dataset_folder, model_folder, tmp_path_factory):
    """Results and samples of both tasks."""
    pytest.importorskip("lm_eval", reason='needs pip install -e ".[harness]"')
    output = tmp_path_factory.mktemp("lm-eval")
    python(
        "-m", "lm_eval", "run", "--model", "hf", "--model_args", f"pretrained={model_folder},backend=seq2seq",
        "--include_path", ROOT / "src" / "sycophancy" / "harnesses", "--tasks", "syco_claims,syco_claims_generate",
        "--metadata", json.dumps({"dataset_name": str(dataset_folder)}), "--device", "cpu", "--batch_size", "32",
        "--log_samples", "--output_path", output,
    )  # fmt: skip
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
