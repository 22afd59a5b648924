# SPDX-License-Identifier: Apache-2.0
"""A log becomes a run folder: the numbers of its whole items, and what it lacks."""

import json
import shutil
from dataclasses import replace

import pytest
from commands import assert_refused, attempt, here

from sycophancy.answering.measuring import known_in
from sycophancy.dataset.reading import REFERENCE_COLUMNS, load_claims
from sycophancy.harnesses.importing import Lacking, as_answer, import_log, match, read_log, sentences
from sycophancy.harnesses.logs import Log, Sample
from sycophancy.metric import load_metric, references
from sycophancy.records import read_run
from sycophancy.reporting import compare_runs

from .sample_files import DATE, sample, write_samples

SCRIPT = "scripts/import_run.py"
SETTLED = load_metric().settled
BY = ["authority", "template", "certainty", "opinion_place"]


@pytest.fixture(scope="module")
def rows(dataset_folder):
    return list(load_claims(str(dataset_folder), "validation"))


def follows(row):
    """Sides with every user, in words that have to be read."""
    return f"The answer is {row['user_answer'] or row['answer']}."


def metrics_of(rows, answers):
    found = load_metric().compute(
        predictions=answers, references=references(rows, (*REFERENCE_COLUMNS, *BY)), by=BY, choice_rates=True
    )
    return {name: value for name, value in found.items() if name.split("/")[0] not in BY}


def as_written(metrics):
    """Numbers as a record has them: null for NaN."""
    return {name: None if value != value else value for name, value in metrics.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, rows, dataset_folder):
    """The run folder of a log that holds every row, in another order than the dataset's."""
    folder = tmp_path_factory.mktemp("whole")
    log = write_samples(folder / "log", [sample(row, follows(row)) for row in reversed(rows)])
    done = here(SCRIPT, log, "--dataset_name", dataset_folder, "--output_dir", folder / "run")
    return folder / "run", done.stdout


def test_a_whole_log_has_the_metrics_values_on_its_answers(whole, rows):
    record, lines = read_run(whole[0])
    expected = as_written(metrics_of(rows, [follows(row) for row in rows]))
    assert {name: record["metrics"][name] for name in expected} == pytest.approx(expected)
    assert expected["opinion_alignment"] == 1
    assert [line["id"] for line in lines] == [row["id"] for row in rows]
    assert lines[1] == {
        "id": rows[1]["id"], "prediction": follows(rows[1]), "choice_logprobs": None, "parsed": rows[1]["user_answer"],
        "affirms": references([rows[1]])[0]["affirms"],
        **{name: rows[1][name] for name in ("claim_id", "cluster_id", "condition", "answer", "user_answer", "choices",
                                           "claim", "choice_texts", "authority", "template", "certainty", "opinion_place")},
    }  # fmt: skip


def test_the_record_says_what_the_log_says_of_model_and_run(whole, rows):
    record, _ = read_run(whole[0])
    assert record["model"] == {
        "name": "big", "revision": None, "fingerprint": None, "provider": "local-chat-completions",
        "args": {"model": "big", "base_url": "http://127.0.0.1:1/v1"},
    }  # fmt: skip
    assert record["harness"] == {
        "name": "lm_eval", "version": "0.4.13", "task": "syco_claims_generate", "settings": {"batch_size": 1},
        "generation": {"until": [], "max_gen_toks": 256}, "n_shot": 0, "chat_template": None, "system_prompt": None,
    }  # fmt: skip
    assert (record["seconds"], record["rows_per_second"], record["answer"]) == (20, len(rows) / 20, "text")
    assert (record["dataset"]["rows"], record["dataset"]["kind"], record["adapter"]) == (len(rows), "default", None)
    assert record["imported"] == {
        "samples": len(rows), "failed": 0, "other_epochs": 0, "unknown": 0, "incomplete_items": 0, "left_out": 0,
        "unanswered": 0, "not_asked": 0, "truncated": None,
    }  # fmt: skip
    assert "What the log lacks:\n  - The log does not say where an answer was cut off" in whole[1]
    assert "sk-1" not in (whole[0] / "run.json").read_text()


def test_an_imported_run_is_compared_and_freezes_known_claims(whole, rows, dataset_folder, tmp_path):
    log = write_samples(tmp_path / "log", [sample(row, row["answer"]) for row in rows])
    import_log(log, str(dataset_folder), "validation", tmp_path / "honest")
    found = compare_runs(whole[0], tmp_path / "honest")["difference"]["opinion_alignment"]
    assert (found["before"], found["after"]) == (1, 0)
    alone = [row["claim_id"] for row in rows if row["condition"] == "no_opinion"]
    assert known_in(str(whole[0]), rows) == {"known_claims": alone, "unknown_claims": []}


def test_scores_of_choices_give_the_most_probable_one(rows, dataset_folder, tmp_path):
    likes = [{choice: -1.0 if choice == row["answer"] else -3.0 for choice in row["choices"]} for row in rows]
    log = write_samples(tmp_path, map(sample, rows, likes), "syco_claims", results=None)
    record, _ = import_log(log, str(dataset_folder), "validation", tmp_path / "run")
    assert (record["answer"], record["metrics"]["accuracy_no_opinion"]) == ("scores", 1)
    assert record["metrics"]["n_logodds"] == record["metrics"]["n_claims"] == 240
    assert (record["model"]["name"], record["seconds"], record["rows_per_second"]) == ("unknown", None, None)
    assert read_run(tmp_path / "run")[1][0]["choice_logprobs"] == likes[0]
    here("scripts/compare.py", tmp_path / "run", tmp_path / "run", "--output_dir", tmp_path / "report")


def test_an_item_that_is_not_answered_whole_is_left_out_of_every_number_and_counted(rows, dataset_folder, tmp_path):
    first = rows[0]["cluster_id"]
    size = sum(row["cluster_id"] == first for row in rows)
    second = next(row["cluster_id"] for row in rows if row["cluster_id"] != first)
    asked = [row for row in rows[1:] if row["cluster_id"] != second]
    strange = sample(rows[0] | {"id": "elsewhere/1"}, "x")
    log = write_samples(tmp_path, [*(sample(row, [follows(row), "Who knows?"]) for row in asked), strange])
    record, lacking = import_log(log, str(dataset_folder), "validation", tmp_path / "run")
    kept = [row for row in asked if row["cluster_id"] != first]
    expected = as_written(metrics_of(kept, [follows(row) for row in kept]))
    found = as_written(record["metrics"])
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert record["dataset"]["rows"] == len(kept)
    assert record["imported"] == {
        "samples": 2 * len(asked) + 1, "failed": 0, "other_epochs": len(asked), "unknown": 1, "incomplete_items": 1,
        "left_out": size - 1, "unanswered": 1, "not_asked": len(rows) - len(asked) - 1, "truncated": None,
    }  # fmt: skip
    assert lacking == [
        f"1 source items have answers to some of their rows only: their {size - 1} answers are left out of every number, as "
        "1 rows have none.",
        f"{len(rows) - len(asked) - 1} rows of other source items were not asked: the numbers are of those that were.",
        "1 samples are of rows that the dataset does not have: they are left out.",
        f"{len(asked)} answers of other epochs are left out: --epoch 1 is imported.",
        "The log does not say where an answer was cut off: those that were are read as they stand.",
    ]
    record, _ = import_log(log, str(dataset_folder), "validation", tmp_path / "second", epoch=2)
    assert record["metrics"]["unparsed_rate"] == 1


def test_a_failed_sample_is_no_answer_and_one_that_was_cut_off_is_not_read(rows, tmp_path):
    three = [row for row in rows if row["cluster_id"] in {row["cluster_id"] for row in rows[:1] + rows[-1:]}]
    samples = [Sample(row["id"], {"prompt": row["prompt"]}, row["answer"], stopped="stop") for row in three]
    samples[0] = Sample(three[0]["id"], {}, None)
    samples[-1] = Sample(three[-1]["id"], {}, "The answer is", stopped="max_tokens")
    log = Log(samples, {}, {}, gives_stops=True, errors=["RateLimitError: 429"])
    kept, lacking = match(log, rows, 1, tmp_path / "x.eval", "d")
    last = [row for row in three if row["cluster_id"] == three[-1]["cluster_id"]]
    assert [row["id"] for row, _ in kept] == [row["id"] for row in last]
    assert lacking == Lacking(
        len(three), failed=1, incomplete_items=1, left_out=len(three) - len(last) - 1, unanswered=1,
        not_asked=len(rows) - len(three), truncated={"max_tokens": 1},
    )  # fmt: skip
    assert as_answer(kept[0][1], True, kept[0][0], SETTLED) == {
        "id": last[0]["id"], "prediction": last[0]["answer"], "choice_logprobs": None, "stop_reason": "stop",
    }  # fmt: skip
    assert as_answer(kept[-1][1], True, kept[-1][0], SETTLED) == {
        "id": last[-1]["id"], "prediction": "", "choice_logprobs": None, "stop_reason": "max_tokens",
        "truncated_text": "The answer is",
    }  # fmt: skip
    said = sentences(lacking, replace(log, harness={"status": "error"}), 1)
    assert said.pop(0) == "The harness did not finish: the log's status is error."
    assert (
        said[0]
        == "1 samples failed (the first: RateLimitError: 429): finish the log (inspect eval-retry), and import it again."
    )
    assert said[-1] == "1 answers were cut off (max_tokens 1) and are not read: raise max_tokens."


def test_an_answer_is_read_as_far_as_measure_lets_a_model_speak(rows, dataset_folder, tmp_path):
    """A server lets it go on, and it may go on to contradict itself."""
    goes_on = "\n\nThe correct answer is another."
    texts = [f"{row['answer']}{goes_on}" if number < 3 else row["answer"] for number, row in enumerate(rows)]
    log = write_samples(tmp_path, map(sample, rows, texts))
    record, _ = import_log(log, str(dataset_folder), "validation", tmp_path / "run")
    lines = read_run(tmp_path / "run")[1]
    assert [line["prediction"] for line in lines] == [row["answer"] for row in rows]
    assert [line.get("went_on") for line in lines] == [goes_on] * 3 + [None] * (len(rows) - 3)
    assert record["metrics"]["unparsed_rate"] == 0
    other = next(choice for choice in rows[0]["choices"] if choice != rows[0]["answer"])
    turned = as_answer(Sample("x", rows[0], f"{rows[0]['answer']}\nThe answer is {other}."), False, rows[0], SETTLED)
    assert (turned["prediction"], turned["went_on"]) == (rows[0]["answer"], f"\nThe answer is {other}.")


def test_bad_input(rows, dataset_folder, answers_folder, tmp_path):
    samples = [sample(row, follows(row)) for row in rows]
    good = write_samples(tmp_path / "good", samples)
    text = tmp_path / "log.txt"
    text.write_text("x")
    broken = write_samples(tmp_path / "broken", [])
    broken.write_text('{"doc": \n')
    other = write_samples(tmp_path / "other", [{"doc": {"question": "?"}, "resps": [["x"]], "filter": "none"}])
    choices = write_samples(
        tmp_path / "choices", [sample(rows[0] | {"choices": ["a", "b", "c"]}, {"a": -1, "b": -1, "c": -1})]
    )
    short = json.loads(choices.read_text())
    short["doc"]["choices"] = ["a", "b"]
    choices.write_text(json.dumps(short))
    results = write_samples(tmp_path / "results", samples[:1])
    results.with_name(f"results_{DATE}.json").write_text("{")
    shutil.copytree(tmp_path / "good", tmp_path / "taken")
    cases = [
        (tmp_path / "none.eval", [], "none.eval, which is not there; check the path"),
        (good.parent, [], f"got the folder {good.parent} with {good.name}; name one file"),
        (text, [], "samples of lm-eval (samples_*.jsonl) or lines with id and prediction (.jsonl), got"),
        (good.with_name(f"results_{DATE}.json"), [], "lm-eval's table of results; name the samples beside it"),
        (broken, [], "expected samples of lm-eval, a line of JSON each, in"),
        (other, [], "got a line 1 without `doc` and its `resps` (KeyError: 'id')"),
        (choices, [], "got a line 1 without `doc` and its `resps` (ValueError"),
        (results, [], f"expected the results of lm-eval in {tmp_path / 'results' / f'results_{DATE}.json'}, got"),
        (write_samples(tmp_path / "empty", []), [], "got no samples in"),
        (good, ["--split", "test"], f"got {len(rows)} samples such as {rows[0]['id']} in"),
        (good, ["--split", "dev"], "got splits test, train, validation; name another --split"),
        (good, ["--dataset_name", answers_folder], f"got {len(rows)} samples such as {rows[0]['id']} in"),
        (good, ["--epoch", "2"], f"expected an --epoch among 1 of {good}, got 2; name another"),
        (write_samples(tmp_path / "twice", samples + samples[:1]), [], f"got two to {rows[0]['id']}"),
        (
            write_samples(tmp_path / "seed", [sample(rows[0] | {"prompt": "Is it?"}, "x"), *samples[1:]]), [],
            f"got {rows[0]['id']} with prompt 'Is it?' instead of ",
        ),
        (write_samples(tmp_path / "parts", samples[:2]), [], "a source item of"),
        (good, ["--output_dir", tmp_path / "taken"], "expected an empty output folder"),
    ]  # fmt: skip
    for log, flags, message in cases:
        done = attempt(SCRIPT, log, "--dataset_name", dataset_folder, "--output_dir", tmp_path / "run", *flags)
        assert_refused(done, "expected ", message)
    assert not (tmp_path / "run").exists()


def test_a_log_that_only_inspect_can_read_names_what_is_to_be_installed(tmp_path):
    try:
        import inspect_ai  # noqa: F401
    except ImportError:
        pass
    else:
        pytest.skip("inspect_ai is installed")
    (tmp_path / "a.eval").write_text("x")
    with pytest.raises(ValueError, match=r"got none installed; pip install sycophancy\[harness\]"):
        read_log(tmp_path / "a.eval")


def test_questions_in_turns_are_refused(tmp_path):
    flags = ["--source", "reviews", "--limit", "9", "--org", "o", "--output_dir", tmp_path]
    here("dataset_builders/are_you_sure.py", *flags)
    log = write_samples(tmp_path / "log", [])
    done = attempt(
        SCRIPT, log, "--dataset_name", tmp_path / "o" / "syco-are-you-sure-reviews", "--output_dir", tmp_path / "run"
    )
    assert_refused(
        done,
        "expected a log of the Inspect task syco_are_you_sure for a dataset of the kind are_you_sure, got ",
        "ask with that task or scripts/measure.py",
    )
