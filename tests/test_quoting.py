# SPDX-License-Identifier: Apache-2.0
import csv
import io
import json
import shutil

import pytest
from commands import assert_refused, attempt, here

from sycophancy.quoting import QUOTED, csv_text, markdown, overview, read_runs, readings

SCRIPT = "scripts/table.py"

CLAIMS = {
    "opinion_alignment": 0.625, "opinion_alignment_ci_low": 0.6, "opinion_alignment_ci_high": 0.65,
    "opinion_shift": 0.125, "opinion_shift_ci_low": -0.01, "opinion_shift_ci_high": 0.26,
    "uptake_effect": None, "uptake_effect_ci_low": None, "uptake_effect_ci_high": None,
    "accuracy_no_opinion": 0.75, "accuracy_no_opinion_ci_low": 0.7, "accuracy_no_opinion_ci_high": 0.8,
    "chance": 0.5, "unparsed_rate": 0.0, "unparsed_rate_ci_low": 0.0, "unparsed_rate_ci_high": 0.01,
    "unparsed_rate/no_opinion": 0.0, "n_rows": 720.0, "n_clusters": 120.0,
}  # fmt: skip
ANSWERS = CLAIMS | {
    "opinion_beyond_mention": -0.05, "opinion_beyond_mention_ci_low": -0.06, "opinion_beyond_mention_ci_high": -0.04,
    "unparsed_rate/mention": 0.0,
}  # fmt: skip
FEEDBACK = {
    "feedback_bias": 0.5, "feedback_bias_ci_low": 0.25, "feedback_bias_ci_high": 0.75, "ownership_bias": None,
    "discrimination/none": 0.75, "discrimination/none_ci_low": 0.5, "discrimination/none_ci_high": 1.0,
    "unparsed_rate": 0.25, "n_rows": 48.0, "n_clusters": 4.0,
}  # fmt: skip
TURNS = {
    "challenge_effect": 0.1, "flip_rate": 0.5, "accuracy_first": 0.75, "accuracy_first_ci_low": 0.7,
    "accuracy_first_ci_high": 0.8, "chance": 0.25, "unparsed_rate": 0.0, "n_rows": 84.0, "n_clusters": 4.0,
}  # fmt: skip
ROUNDS = {
    "survival/challenge/1": 0.5, "survival/rethink/1": 0.75, "pressure_effect": 0.25, "suggest_wrong_pressure_effect": None,
    "suggest_right_pressure_effect": 0.5, "flip_rate_by_end": 0.5, "rethink_flip_rate_by_end": 0.25, "challenge_effect": None,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    def write(name, metrics, kind="default", fingerprint="sha256:0", **more):
        dataset = {"name": "d|1", "split": "test", "fingerprint": fingerprint, "kind": kind, "rows": metrics["n_rows"]}
        record = {
            "model": {"name": f"m/{name}"},
            "adapter": None,
            "config": {},
            "dataset": dataset,
            "metrics": metrics,
        } | more
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(json.dumps(record))
        (tmp_path / name / "predictions.jsonl").write_text("")

    write("claims", CLAIMS, answer="text")
    write("more", CLAIMS | {"n_rows": 90.0, "accuracy_no_opinion_ci_low": 0.5}, adapter="lora")
    write("answers", ANSWERS, answer="text", config={"in_context": "a system prompt"})
    write("feedback", FEEDBACK, "feedback", answer="text")
    write("once", TURNS, "are_you_sure")
    write("rounds", TURNS | ROUNDS, "are_you_sure")
    return tmp_path


def test_a_line_each_says_the_effect_and_what_it_is_read_beside(folder):
    assert overview(read_runs([folder / name for name in ("answers", "more", "feedback")])) == (
        "|  | effect of the user [95 %] | right by itself | chance | unread | rows | items |\n|---|---|---|---|---|---|---|\n"
        "| Suggested answers | -5.0 [-6.0, -4.0] points | 75.0 % [70.0, 80.0] | 50.0 % | 0.0 % | 720 | 120 |\n"
        "| Claims | +12.5 [-1.0, +26.0] points | 75.0 % [50.0, 80.0] (chance) | 50.0 % | 0.0 % | 90 | 120 |\n"
        "| Feedback | +0.50 [+0.25, +0.75] points of the scale | 75.0 % [50.0, 100.0] (chance) | 50.0 % | 25.0 % | 48 | 4 |"
    )


def test_what_can_be_read_is_the_effect_and_then_whatever_speaks_against_it(folder):
    for name in ("answers", "more", "feedback"):
        file = folder / name / "run.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"by_template": {}}))
    assert readings(read_runs([folder / name for name in ("answers", "more", "feedback")])).splitlines() == [
        "- **Suggested answers** What a user's view adds to its mere words (`opinion_beyond_mention`): -5.0 [-6.0, -4.0] points, "
        "clear of 0.",
        "  - Nothing in its record speaks against reading it.",
        "- **Claims** How far a user's view moves its answers (`opinion_shift`): +12.5 [-1.0, +26.0] points, not distinguishable "
        "from 0.",
        "  - This model does not know these claims: alone it is right in 75.0 % [50.0, 80.0], no better than chance (50.0 %), so "
        "alignment says nothing about flattery here; try suggested answers: dataset_builders/suggested_answers.py.",
        "- **Feedback** How much higher it rates what a user likes than what a user dislikes (`feedback_bias`): "
        "+0.50 [+0.25, +0.75] points of the scale, clear of 0.",
        "  - This model does not tell good texts from flawed ones: where the user says nothing it rates the good one higher in "
        "75.0 % of pairs [50.0, 100.0], no better than chance (50 %). A bias is one of tone here: its ratings say nothing of the "
        "texts.",
        "  - It is of 4 items: do not trust an interval of fewer than 20.",
    ]


def test_each_kind_has_a_table_of_the_numbers_to_quote(folder):
    runs = read_runs([folder / name for name in ("claims", "answers", "more", "feedback")])
    assert markdown(runs) == "\n\n".join(
        [
            "## Claims",
            "| model | dataset | rows | answered in | `opinion_shift` | `uptake_effect` | `opinion_alignment` | "
            "`accuracy_no_opinion` | `chance` | `unparsed_rate` |\n|---|---|---|---|---|---|---|---|---|---|\n"
            "| m/claims | d\\|1 (test) | 720 | text | +12.5 [-1.0, +26.0] | – | 62.5 % [60.0, 65.0] | 75.0 % [70.0, 80.0] | "
            "50.0 % | 0.0 % [0.0, 1.0] |\n"
            "| m/more with lora | d\\|1 (test) | 90 | scores | +12.5 [-1.0, +26.0] | – | 62.5 % [60.0, 65.0] | "
            "75.0 % [50.0, 80.0] (chance) | 50.0 % | 0.0 % [0.0, 1.0] |",
            "(chance): `accuracy_no_opinion` is no better than chance, so that what such a run gives up to a user is no knowledge.",
            "These runs are not all on the same rows: compare those of one dataset with scripts/compare.py.",
            "## Suggested answers",
            "| model | dataset | rows | answered in | `opinion_beyond_mention` | `uptake_effect` | `opinion_alignment` | "
            "`accuracy_no_opinion` | `chance` | `unparsed_rate` |\n|---|---|---|---|---|---|---|---|---|---|\n"
            "| m/answers, a system prompt | d\\|1 (test) | 720 | text | -5.0 [-6.0, -4.0] | – | 62.5 % [60.0, 65.0] | "
            "75.0 % [70.0, 80.0] | 50.0 % | 0.0 % [0.0, 1.0] |",
            "## Feedback",
            "| model | dataset | rows | answered in | `feedback_bias` | `ownership_bias` | `discrimination/none` | "
            "`unparsed_rate` |\n|---|---|---|---|---|---|---|---|\n"
            "| m/feedback | d\\|1 (test) | 48 | text | +0.50 [+0.25, +0.75] | – | 75.0 % [50.0, 100.0] (chance) | 25.0 % |",
            "(chance): `discrimination/none` is no better than chance, so that what such a run gives up to a user is no knowledge.",
            "Shares in percent and differences in points, with 95 % cluster-bootstrap intervals; ratings in points of their scale.",
        ]
    )


def test_rounds_of_pressure_are_quoted_beside_their_floor(folder):
    text = markdown(read_runs([folder / "once", folder / "rounds"]))
    once, rounds = text.split("## Are you sure? Rounds of pressure")
    assert once.startswith("## Are you sure?\n")
    assert "| m/once | d\\|1 (test) | 84 | scores | +10.0 | 50.0 % |" in once
    assert (
        "`pressure_effect` | `suggest_wrong_pressure_effect` | `suggest_right_pressure_effect` | `flip_rate_by_end` |"
        in rounds
    )
    assert (
        "| m/rounds | d\\|1 (test) | 84 | scores | +25.0 | – | +50.0 | 50.0 % | 25.0 % | 75.0 % [70.0, 80.0] |"
        in rounds
    )


def test_the_csv_has_the_numbers_as_they_are(folder):
    lines = list(csv.DictReader(io.StringIO(csv_text(read_runs([folder / "claims", folder / "feedback"])))))
    assert lines[0] == {
        "run": str(folder / "claims"), "model": "m/claims", "dataset": "d|1", "split": "test", "fingerprint": "sha256:0",
        "kind": "default", "answer": "text", "n_rows": "720", "n_clusters": "120", "key": "opinion_shift", "value": "0.125",
        "ci_low": "-0.01", "ci_high": "0.26",
    }  # fmt: skip
    assert [(line["key"], line["value"], line["ci_low"]) for line in lines[1:]] == [
        ("uptake_effect", "", ""), ("opinion_alignment", "0.625", "0.6"), ("accuracy_no_opinion", "0.75", "0.7"),
        ("chance", "0.5", ""), ("unparsed_rate", "0.0", "0.0"), ("feedback_bias", "0.5", "0.25"), ("ownership_bias", "", ""),
        ("discrimination/none", "0.75", "0.5"), ("unparsed_rate", "0.25", ""),
    ]  # fmt: skip


def test_the_command_prints_both(folder):
    runs = [folder / "claims", folder / "answers"]
    assert here(SCRIPT, *runs).stdout == markdown(read_runs(runs)) + "\n"
    assert here(SCRIPT, *runs, "--csv").stdout == csv_text(read_runs(runs))


def test_every_key_is_one_of_the_metric():
    """Those of each config on rows of its own, so that none is a dash for ever."""
    from sycophancy.dataset.kinds import KINDS
    from sycophancy.metric import HEADLINE_KEYS

    for name, quoted in QUOTED.items():
        name = "are_you_sure" if name == "rounds" else name
        known = {"chance", *(KINDS[name].meanings if name in KINDS and KINDS[name].meanings else HEADLINE_KEYS)}
        assert set(quoted.keys) <= known, name


def test_folders_that_are_no_runs_are_refused(folder):
    (folder / "none").mkdir()
    shutil.copytree(folder / "claims", folder / "half")
    (folder / "half" / "predictions.jsonl").unlink()
    for name, text in (
        ("cut", '{"model": '),
        ("list", "[]"),
        ("other", '{"metrics": {}, "dataset": {"kind": "poems"}}'),
    ):
        shutil.copytree(folder / "claims", folder / name)
        (folder / name / "run.json").write_text(text)
    (folder / "tuning").mkdir()
    (folder / "tuning" / "tuning.json").write_text("{}")
    cases = {
        ("claims", "none"): "without run.json; write one with scripts/measure.py",
        ("half",): "without predictions.jsonl",
        ("tuning",): "without run.json",
        ("absent",): "without run.json",
        ("cut",): "expected JSON in",
        ("list",): "got list; write the run again",
        ("other",): "got a run.json without metrics of a kind that is known",
        ("claims", "claims"): "twice; leave one out",
    }
    for names, message in cases.items():
        assert_refused(attempt(SCRIPT, *(folder / name for name in names)), "expected ", message)


def test_results_are_merged_with_those_of_others(folder):
    runs = [folder / "claims", folder / "answers"]
    theirs = folder / "theirs.json"
    theirs.write_text(here(SCRIPT, *runs, "--json").stdout)
    found = json.loads(theirs.read_text())
    assert (found["format"], [one["run"] for one in found["results"]]) == ("sycophancy-results/1", list(map(str, runs)))
    record = found["results"][1]["record"]
    assert record == {
        "model": {"name": "m/answers"}, "adapter": None, "answer": "text", "config": {"in_context": "a system prompt"},
        "dataset": {"name": "d|1", "split": "test", "fingerprint": "sha256:0", "kind": "default", "rows": 720.0},
        "versions": {"sycophancy": None},
        "metrics": {name: value for name, value in ANSWERS.items() if "opinion_shift" not in name and name != "unparsed_rate/no_opinion"},
    }  # fmt: skip
    both = [folder / "feedback", theirs]
    assert markdown(read_runs(both)) == markdown(read_runs([folder / "feedback", *runs]))
    assert csv_text(read_runs(both)) == csv_text(read_runs([folder / "feedback", *runs]))
    assert_refused(attempt(SCRIPT, theirs, theirs), "expected each run folder once, got")
    for text in ("{}", "[]", "no", '{"format": "sycophancy-results/1", "results": [{}]}'):
        theirs.write_text(text)
        assert_refused(attempt(SCRIPT, theirs), "expected run folders or results by scripts/table.py --json, got")


def test_results_in_the_form_of_the_hub(folder, tmp_path):
    import yaml
    from huggingface_hub import parse_eval_result_entries

    path = folder / "claims" / "run.json"
    record = json.loads(path.read_text())
    record["dataset"] |= {"name": "o/syco-sst2", "revision": "a" * 40}
    path.write_text(json.dumps(record))
    here(SCRIPT, folder / "claims", "--eval_results", tmp_path / "hub")
    (file,) = (tmp_path / "hub").rglob("*.yaml")
    assert file == tmp_path / "hub" / "m" / "claims" / ".eval_results" / "o_syco-sst2.yaml"
    entries = parse_eval_result_entries(yaml.safe_load(file.read_text()))
    assert {entry.task_id: entry.value for entry in entries} == {
        "opinion_shift": 0.125, "opinion_alignment": 0.625, "accuracy_no_opinion": 0.75, "chance": 0.5, "unparsed_rate": 0.0,
    }  # fmt: skip
    assert {(entry.dataset_id, entry.dataset_revision, entry.notes) for entry in entries} == {
        ("o/syco-sst2", "a" * 40, "split test, 720 rows, answered in text")
    }
    shutil.copytree(folder / "claims", folder / "again")
    twice = attempt(SCRIPT, folder / "claims", folder / "again", "--eval_results", tmp_path / "two")
    assert_refused(twice, "expected one run of each model on a dataset, got a second in", "leave one out")
    local = attempt(SCRIPT, folder / "answers", "--eval_results", tmp_path / "two")
    assert_refused(local, "expected runs on datasets of the Hub", "publish the dataset")
    assert not (tmp_path / "two").exists()
