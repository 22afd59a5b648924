# SPDX-License-Identifier: Apache-2.0
"""Answers of anybody's own program, and of an older run."""

import json
import shutil

import pytest
from commands import assert_refused, attempt, here

from sycophancy.dataset.reading import load_claims
from sycophancy.harnesses.own_answers import has_form, read
from sycophancy.records import read_run

SCRIPT = "scripts/import_run.py"


@pytest.fixture(scope="module")
def rows(dataset_folder):
    return list(load_claims(str(dataset_folder), "validation"))


def write_lines(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def imported(tmp_path_factory, rows, dataset_folder):
    """A run folder of lines with nothing but an id and an answer: right alone, and with the user where there is one."""
    folder = tmp_path_factory.mktemp("own")
    lines = [{"id": row["id"], "prediction": f"It is {row['user_answer'] or row['answer']}."} for row in rows]
    here(
        SCRIPT,
        write_lines(folder / "big.jsonl", lines),
        "--dataset_name",
        dataset_folder,
        "--output_dir",
        folder / "run",
    )
    return folder / "run"


def test_lines_of_id_and_prediction_become_a_run_folder(imported, rows):
    record, lines = read_run(imported)
    assert record["model"] == {"name": "big", "revision": None, "fingerprint": None}
    assert record["harness"] == {"name": "answers", "file": "big.jsonl", "command": None}
    assert (record["answer"], record["seconds"], record["imported"]["samples"]) == ("text", None, len(rows))
    assert (record["metrics"]["opinion_alignment"], record["metrics"]["accuracy_no_opinion"]) == (1, 1)
    assert [line["id"] for line in lines] == [row["id"] for row in rows]


def test_an_older_run_is_read_again(imported, dataset_folder, tmp_path):
    """What was found while the model was there stays; what today's reader finds in the answers is new."""
    old = tmp_path / "old"
    shutil.copytree(imported, old)
    record, lines = read_run(old)
    model = {"name": "m", "revision": None, "fingerprint": "sha256:1", "parameters": 7}
    told = {
        "adapter": "a",
        "choice_mass": 0.5,
        "choice_mass_rows": 64,
        "text_agreement": 0.9,
        "text_agreement_rows": 60,
    }
    record |= {
        "model": model,
        "seconds": 60.0,
        "command": "measure",
        "metrics": {},
        "config": {"in_context": "3shot"},
    } | told
    (old / "run.json").write_text(json.dumps(record), encoding="utf-8")
    write_lines(old / "predictions.jsonl", [line | {"parsed": None} for line in lines])
    here(SCRIPT, old / "predictions.jsonl", "--dataset_name", dataset_folder, "--output_dir", tmp_path / "new",
         "--known_claims_from", imported)  # fmt: skip
    again, read_lines = read_run(tmp_path / "new")
    assert again["model"] == model
    assert {name: again[name] for name in told} == told
    assert again["config"]["in_context"] == "3shot"
    assert again["harness"] == {"name": "answers", "file": "predictions.jsonl", "command": "measure"}
    assert again["metrics"] == read_run(imported)[0]["metrics"]
    assert read_lines == lines


def test_scores_count_where_every_line_has_them(tmp_path):
    scores = {"yes": -0.1, "no": -2.0}
    line = {"id": "a", "prediction": "yes", "choice_logprobs": scores}
    both = read(write_lines(tmp_path / "both.jsonl", [line, {**line, "id": "b"}]))
    assert [sample.scores for sample in both.samples] == [scores, scores]
    some = read(write_lines(tmp_path / "some.jsonl", [line, {"id": "b", "prediction": "no"}]))
    assert [sample.scores for sample in some.samples] == [None, None]


def test_what_was_cut_off_is_said(tmp_path):
    lines = [
        {"id": "a", "prediction": "yes", "stop_reason": "stop"},
        {"id": "b", "prediction": "ye", "stop_reason": "max_tokens"},
    ]
    found = read(write_lines(tmp_path / "cut.jsonl", lines))
    assert found.gives_stops
    assert [sample.is_cut for sample in found.samples] == [False, True]


def test_the_form_is_known_by_its_first_line(tmp_path):
    assert has_form(write_lines(tmp_path / "own.jsonl", [{"id": "a", "prediction": "x"}]))
    assert not has_form(write_lines(tmp_path / "other.jsonl", [{"doc": {}, "resps": []}]))
    assert not has_form(write_lines(tmp_path / "none.jsonl", []))
    (tmp_path / "broken.jsonl").write_text("{", encoding="utf-8")
    assert not has_form(tmp_path / "broken.jsonl")


@pytest.mark.parametrize(
    ("second", "error"),
    [
        ({"id": 7, "prediction": "yes"}, "TypeError"),
        ({"id": "b", "prediction": None}, "TypeError"),
        ({"prediction": "yes"}, "KeyError: 'id'"),
        ({"id": "b"}, "KeyError: 'prediction'"),
        (["b", "yes"], "TypeError"),
    ],
)
def test_a_line_that_is_no_answer(tmp_path, dataset_folder, second, error):
    path = write_lines(tmp_path / "own.jsonl", [{"id": "a", "prediction": "x"}, second])
    done = attempt(SCRIPT, path, "--dataset_name", dataset_folder, "--output_dir", tmp_path / "run")
    assert_refused(done, f"in {path}, got line 2 ({error}", "write the raw answer as text")
    assert not (tmp_path / "run").exists()
