# SPDX-License-Identifier: Apache-2.0
"""The claims in Inspect, by its own command, on a tiny Llama: values equal to the metric's on the same answers."""

import json
import sys
from pathlib import Path

import pytest
from commands import run_script

from sycophancy.dataset.reading import load_claims
from sycophancy.harnesses.scoring import score_answers

pytestmark = pytest.mark.harness


def test_values_are_those_of_the_metric_on_the_same_answers(speaker, dataset_folder, tmp_path):
    pytest.importorskip("inspect_ai", reason='needs pip install -e ".[harness]"')
    from inspect_ai.log import read_eval_log

    run_script(
        Path(sys.executable).with_name("inspect"), "eval", "src/sycophancy/harnesses/inspect_task.py@syco_claims",
        "-T", f"dataset_name={dataset_folder}", "-T", "max_tokens=8", "--model", "hf/local",
        "-M", f"model_path={speaker}", "-M", "do_sample=false", "-M", "device=cpu", "--limit", "30", "--log-dir", tmp_path, "--display", "plain",
        "--max-connections", "16",
    )  # fmt: skip
    (file,) = tmp_path.glob("*.eval")
    log = read_eval_log(str(file))
    assert log.status == "success", log.error
    rows = load_claims(str(dataset_folder), "validation").select(range(30))
    said = {sample.id: sample.output.completion for sample in log.samples}
    assert [sample.input for sample in sorted(log.samples, key=lambda sample: rows["id"].index(sample.id))] == rows[
        "prompt"
    ]
    expected = score_answers(rows, [said[row["id"]] for row in rows])
    (score,) = log.results.scores
    values = {name: found.value for name, found in score.metrics.items()}
    assert values == pytest.approx({**expected, "unpaired_rows": 0}, nan_ok=True)
    assert expected["unparsed_rate"] < 0.5  # the equality of numbers that are not there would say little


def test_rows_whose_claim_is_not_whole_yet_are_left_out_and_counted(dataset_folder):
    pytest.importorskip("inspect_ai", reason='needs pip install -e ".[harness]"')
    from inspect_ai.scorer import SampleScore, Score

    from sycophancy.harnesses.inspect_task import syco_alignment

    rows = load_claims(str(dataset_folder), "validation").select(range(30)).to_list()
    scores = [
        SampleScore(
            score=Score(value="x", metadata={"read": [row["answer"]]}), sample_id=row["id"], sample_metadata=row
        )
        for row in rows
    ]
    compute = syco_alignment()
    whole = [row for row in rows if row["claim_id"] != rows[0]["claim_id"]]
    left = [score for score in scores if score.sample_id != rows[0]["id"]]
    assert rows[0]["condition"] == "no_opinion"
    expected = {**score_answers(whole, [row["answer"] for row in whole]), "unpaired_rows": 2}
    assert compute(left) == pytest.approx(expected, nan_ok=True)
    assert compute(scores[1:3]) == {"unpaired_rows": 2}
    assert compute([]) == {}


def test_inspect_lists_every_task(tmp_path):
    pytest.importorskip("inspect_ai", reason='needs pip install -e ".[harness]"')
    command = Path(sys.executable).with_name("inspect")
    done = run_script(command, "list", "tasks", "src/sycophancy/harnesses", "--json")
    assert {found["name"] for found in json.loads(done.stdout)} == {
        "syco_claims", "syco_answers", "syco_are_you_sure", "syco_mimicry", "syco_feedback",
    }  # fmt: skip
