# SPDX-License-Identifier: Apache-2.0
"""Logs that Inspect wrote, of its own test model on our tasks: what was said comes back, and what went wrong is counted."""

import json
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import unquote

import pytest
from commands import assert_refused, attempt, here, python

from sycophancy.dataset.kinds import ANSWERS, FEEDBACK, TURNS, load_rows
from sycophancy.harnesses.importing import import_log, read_log
from sycophancy.metric import load_metric, references
from sycophancy.records import read_run
from sycophancy.reporting import compare_runs

pytestmark = pytest.mark.harness
SCRIPT = "scripts/import_run.py"


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Runs a task of ours and gives the file of its log."""
    pytest.importorskip("inspect_ai", reason='needs pip install -e ".[harness]"')
    from inspect_ai import eval as run_task
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    from sycophancy.harnesses import inspect_task

    def ask(task, folder, rows, answer, log_format="eval", **settings):
        """`answer` gives a row's text, or text and stop reason, or raises. Rows are told apart by what was said first and last."""
        by_words = {(row["prompt"], row.get("follow_up") or row["prompt"]): row for row in rows}

        def said(messages, tools, tool_choice, config):
            spoken = [message for message in messages if message.role != "system"]
            turns.append([message.text for message in spoken])
            found = answer(by_words[spoken[0].text, spoken[-1].text])
            text, stop = found if isinstance(found, tuple) else (found, "stop")
            output = ModelOutput.from_content("mockllm/model", text, stop)
            output.usage = ModelUsage(
                output_tokens=len(text.split())
            )  # counted otherwise, by a tokenizer from the network
            return output

        (log,) = run_task(
            getattr(inspect_task, task)(dataset_name=str(folder), max_tokens=20),
            model=get_model("mockllm/model", custom_outputs=said, api_key="sk-1"),
            log_dir=str(tmp_path_factory.mktemp("logs")), log_format=log_format, display="none", **settings,
        )  # fmt: skip
        return log.location

    turns = []
    ask.turns = turns
    return ask


@pytest.fixture(scope="module")
def few_answers(tmp_path_factory):
    """A dataset of suggested answers whose rows are soon asked."""
    folder = tmp_path_factory.mktemp("few")
    flags = ["--source", "reviews", "--limit", "12", "--org", "o", "--output_dir", folder]
    here("dataset_builders/suggested_answers.py", *flags)
    return folder / "o" / "syco-answers-reviews"


def follows(row):
    return f"The answer is {row['user_answer'] or row['answer']}."


def as_written(metrics):
    return {name: None if value != value else value for name, value in metrics.items()}


@pytest.mark.parametrize("log_format", ["eval", "json"])
def test_suggested_answers_come_back_with_the_metrics_values(log_format, asked, few_answers, tmp_path):
    _, rows = load_rows(str(few_answers), "validation")
    log = asked("syco_answers", few_answers, rows, follows, log_format)
    done = here(SCRIPT, log, "--dataset_name", few_answers, "--output_dir", tmp_path / "run")
    record, lines = read_run(tmp_path / "run")
    by = ["authority", "template", "certainty", "opinion_place", "polarity"]
    expected = load_metric().compute(
        predictions=[follows(row) for row in rows], references=references(rows, (*ANSWERS.references, *by)), by=by,
        choice_rates=True,
    )  # fmt: skip
    whole = as_written({name: value for name, value in expected.items() if name.split("/")[0] not in by})
    assert {name: record["metrics"][name] for name in whole} == pytest.approx(whole)
    assert whole["opinion_alignment"] == whole["opinion_alignment_denied"] == 1
    assert [line["id"] for line in lines] == rows["id"]
    assert {line["stop_reason"] for line in lines} == {"stop"}
    assert record["model"] | {"args": {}} == {
        "name": "mockllm/model", "revision": None, "fingerprint": None, "provider": "mockllm", "base_url": None, "args": {},
    }  # fmt: skip
    assert "sk-1" not in json.dumps(record)
    harness = record["harness"]
    assert (harness["name"], harness["status"], harness["epochs"]) == ("inspect_ai", "success", 1)
    assert (harness["generation"]["max_tokens"], harness["system_prompt"]) == (20, None)
    assert record["imported"]["truncated"] == {}
    assert record["seconds"] > 0
    assert "What the log lacks" not in done.stdout


def test_feedback_comes_back(asked, feedback_folder, tmp_path):
    _, rows = load_rows(str(feedback_folder), "validation")
    log = asked(
        "syco_feedback", feedback_folder, rows, lambda row: "4/5" if row["condition"] == "like" else "I'd give it a 2."
    )
    record, _ = import_log(read_path(log), str(feedback_folder), "validation", tmp_path / "run")
    assert (record["metrics"]["feedback_bias"], record["dataset"]["kind"]) == (2, FEEDBACK.name)
    from inspect_ai.log import read_eval_log

    (score,) = read_eval_log(log).results.scores
    assert score.metrics["feedback_bias"].value == 2
    assert score.metrics["unpaired_rows"].value == 0


@pytest.fixture(scope="module")
def questions(tmp_path_factory):
    """A dataset of questions in turns that are soon asked."""
    folder = tmp_path_factory.mktemp("questions")
    here(
        "dataset_builders/are_you_sure.py", "--source", "reviews", "--limit", "8", "--org", "o", "--output_dir", folder
    )
    return folder / "o" / "syco-are-you-sure-reviews"


def gives_in(row):
    """The right answer with a reason, and another one to whoever doubts it."""
    other = next(choice for choice in row["choices"] if choice != row["answer"])
    return f"{other if row['turn'] == 'challenge' else row['answer']}. That is what the review says."


def test_questions_in_turns_come_back(asked, questions, tmp_path):
    _, rows = load_rows(str(questions), "validation")
    asked.turns.clear()
    log = asked("syco_are_you_sure", questions, rows, gives_in, system_message="Be brief.")
    first = [row for row in rows if row["turn"] == "first"]
    assert sorted(asked.turns) == sorted(
        # What it said first stands before the later turns as far as scripts/measure.py lets it speak.
        [row["prompt"]] if row["turn"] == "first" else [row["prompt"], f"{row['answer']}.", row["follow_up"]]
        for row in rows
    )
    record, lacking = import_log(read_path(log), str(questions), "validation", tmp_path / "run")
    _, lines = read_run(tmp_path / "run")
    reason = " That is what the review says."
    assert [line["prediction"] for line in lines] == [gives_in(row).removesuffix(reason) for row in rows]
    assert {line["went_on"] for line in lines} == {reason}
    metrics = record["metrics"]
    assert (metrics["flip_rate"], metrics["reask_flip_rate"], metrics["accuracy_first"]) == (1, 0, 1)
    assert (record["dataset"]["kind"], record["imported"]["samples"], lacking) == (TURNS.name, len(rows), [])
    assert (record["config"]["in_context"], metrics["n_questions"]) == ("a system prompt", len(first))
    from inspect_ai.log import read_eval_log

    (score,) = read_eval_log(log).results.scores
    values = {name: found.value for name, found in score.metrics.items()}
    assert values == pytest.approx({name: metrics.get(name, 0) for name in values}, nan_ok=True)
    assert values["flip_rate"] == 1


def test_a_question_that_fails_in_a_later_turn_counts_in_no_number_and_a_cut_turn_is_unread(asked, questions, tmp_path):
    _, rows = load_rows(str(questions), "validation")
    failing, cut = rows[0]["question_id"], rows[-1]["id"]

    def answer(row):
        if row["question_id"] == failing and row["turn"] == "rethink":
            raise RuntimeError("the server hung up")
        return (gives_in(row), "max_tokens") if row["id"] == cut else gives_in(row)

    log = asked("syco_are_you_sure", questions, rows, answer, fail_on_error=False)
    record, _ = import_log(read_path(log), str(questions), "validation", tmp_path / "run")
    size = sum(row["question_id"] == failing for row in rows)
    imported = record["imported"]
    assert (imported["failed"], imported["unanswered"], imported["truncated"]) == (size, size, {"max_tokens": 1})
    assert (record["metrics"]["n_rows"], record["metrics"]["n_unparsed"]) == (len(rows) - size, 1)
    from inspect_ai.log import read_eval_log

    (score,) = read_eval_log(log).results.scores
    assert score.metrics["unparsed_rate"].value == record["metrics"]["unparsed_rate"] > 0


def test_answers_to_questions_in_turns_that_were_asked_in_one_turn_are_refused(asked, questions, few_answers, tmp_path):
    _, rows = load_rows(str(few_answers), "validation")
    log = asked("syco_answers", few_answers, rows, follows, limit=5)
    done = attempt(SCRIPT, log, "--dataset_name", questions, "--output_dir", tmp_path / "run")
    assert_refused(
        done, "expected a log of the Inspect task syco_are_you_sure", "which does not show that the second turn"
    )


def test_attributions_come_back(asked, tmp_path):
    here("dataset_builders/mimicry.py", "--org", "o", "--output_dir", tmp_path)
    folder = tmp_path / "o" / "syco-mimicry"
    _, rows = load_rows(str(folder), "validation")
    rows = rows.to_list()

    def answer(row):
        return f"A fine work by {row['user_claim'] or row['correct']}."

    whole = sum(row["cluster_id"] == rows[0]["cluster_id"] for row in rows)
    log = asked("syco_mimicry", folder, rows, answer, limit=whole)
    record, _ = import_log(read_path(log), str(folder), "validation", tmp_path / "run")
    metrics = record["metrics"]
    assert (metrics["mimicry_rate"], metrics["recognition_rate"], metrics["unprompted_rate"]) == (1, 1, 0)
    from inspect_ai.log import read_eval_log

    (score,) = read_eval_log(log).results.scores
    assert (score.metrics["mimicry_rate"].value, score.metrics["unpaired_rows"].value) == (1, 0)


def test_failed_and_cut_answers_and_further_epochs_are_counted(asked, dataset_folder, tmp_path):
    _, rows = load_rows(str(dataset_folder), "validation")
    rows = rows.to_list()
    clusters = list(dict.fromkeys(row["cluster_id"] for row in rows))[:4]
    inside = [row for row in rows if row["cluster_id"] in clusters]
    failing, cut = inside[0]["id"], inside[-1]["id"]

    def answer(row):
        if row["id"] == failing:
            raise RuntimeError("the server hung up")
        return (row["answer"], "max_tokens") if row["id"] == cut else row["answer"]

    log = asked("syco_claims", dataset_folder, rows, answer, limit=len(inside) + 1, epochs=2, fail_on_error=False)
    record, lacking = import_log(read_path(log), str(dataset_folder), "validation", tmp_path / "run")
    first = [row for row in inside if row["cluster_id"] == clusters[0]]
    part = next(row["cluster_id"] for row in rows if row["cluster_id"] not in clusters)
    size = sum(row["cluster_id"] == part for row in rows)
    assert record["imported"] == {
        "samples": 2 * (len(inside) + 1), "failed": 1, "other_epochs": len(inside) + 1, "unknown": 0, "incomplete_items": 2,
        "left_out": len(first), "unanswered": size, "not_asked": len(rows) - len(inside) - size, "truncated": {"max_tokens": 1},
    }  # fmt: skip
    assert record["dataset"]["rows"] == record["metrics"]["n_rows"] == len(inside) - len(first)
    assert (record["metrics"]["n_unparsed"], record["metrics"]["opinion_alignment"]) == (1, 0)
    line = read_run(tmp_path / "run")[1][-1]
    assert [line[name] for name in ("id", "prediction", "parsed", "stop_reason", "truncated_text")] == [
        cut, "", None, "max_tokens", inside[-1]["answer"],
    ]  # fmt: skip
    # The task's own metric refuses a second answer to a row.
    assert lacking[0] == "The harness did not finish: the log's status is error."
    assert lacking[1].startswith("1 samples failed (the first: ")
    assert "the server hung up" in lacking[1]
    assert lacking[-1] == "1 answers were cut off (max_tokens 1) and are not read: raise max_tokens."


def test_a_provider_that_does_not_say_why_answers_ended_is_named(asked, dataset_folder, tmp_path):
    _, rows = load_rows(str(dataset_folder), "validation")
    log = asked("syco_claims", dataset_folder, rows, lambda row: (follows(row), "unknown"), limit=12)
    record, lacking = import_log(read_path(log), str(dataset_folder), "validation", tmp_path / "run")
    assert record["imported"]["truncated"] is None
    assert lacking[-1] == "The log does not say where an answer was cut off: those that were are read as they stand."


def test_what_stood_before_the_prompt_is_named(asked, dataset_folder, tmp_path):
    from inspect_ai.solver import generate, system_message

    _, rows = load_rows(str(dataset_folder), "validation")
    log = asked(
        "syco_claims", dataset_folder, rows, follows, limit=12, solver=[system_message("Be honest."), generate()]
    )
    record, _ = import_log(read_path(log), str(dataset_folder), "validation", tmp_path / "run")
    assert (record["config"]["in_context"], record["harness"]["system_prompt"]) == ("a system prompt", "Be honest.")
    assert compare_runs(tmp_path / "run", tmp_path / "run")["runs"]["before"] == "mockllm/model, a system prompt"


def test_other_logs_are_refused(asked, dataset_folder, few_answers, tmp_path):
    from inspect_ai.solver import generate, prompt_template

    _, rows = load_rows(str(dataset_folder), "validation")
    log = asked("syco_claims", dataset_folder, rows, follows, limit=12)
    changed = asked(
        "syco_claims", dataset_folder, [row | {"prompt": "Think. " + row["prompt"]} for row in rows],
        follows, limit=12, solver=[prompt_template("Think. {prompt}"), generate()],
    )  # fmt: skip
    bare = asked("syco_claims", dataset_folder, rows, follows, limit=12, log_samples=False)
    (tmp_path / "broken.eval").write_bytes(read_path(log).read_bytes()[:300])
    (tmp_path / "other.json").write_text('{"a": 1}')
    cases = [
        (log, few_answers, "got 12 samples such as "),
        (changed, dataset_folder, "with prompt 'Think. "),
        (bare, dataset_folder, "got no samples in"),
        (tmp_path / "broken.eval", dataset_folder, "expected a log that Inspect wrote, got"),
        (tmp_path / "other.json", dataset_folder, "expected a log that Inspect wrote, got"),
    ]
    for path, dataset, message in cases:
        done = attempt(SCRIPT, path, "--dataset_name", dataset, "--output_dir", tmp_path / "run")
        assert_refused(done, "expected ", message)
    assert len(read_log(read_path(log)).samples) == 12


BY_NAME = """
import sys
from inspect_ai import eval as run_task
from inspect_ai.model import ModelOutput, ModelUsage, get_model

output = ModelOutput.from_content("mockllm/model", "no")
output.usage = ModelUsage(output_tokens=1)
model = get_model("mockllm/model", custom_outputs=lambda *asked: output)
(log,) = run_task("sycophancy/syco_answers", model=model, task_args={"dataset_name": sys.argv[1]}, limit=5, log_dir=sys.argv[2], display="none")
print(log.status, log.eval.task, len(log.samples))
"""


def test_inspect_finds_a_task_by_the_packages_name(few_answers, tmp_path):
    """By the entry point of what is installed: `make test-harness` installs this checkout."""
    pytest.importorskip("inspect_ai", reason='needs pip install -e ".[harness]"')
    if not any(point.name == "sycophancy" for point in entry_points(group="inspect_ai")):
        pytest.skip("sycophancy is not installed, only on the path")
    # Not by the path, on which an egg-info hides from Inspect that this checkout is installed.
    done = python("-c", BY_NAME, few_answers, tmp_path, env={"PYTHONPATH": ""})
    assert done.stdout.split() == ["success", "sycophancy/syco_answers", "5"]


def read_path(location):
    """The path of a log's location, which may be a URI."""
    return Path(unquote(str(location).removeprefix("file://")))
