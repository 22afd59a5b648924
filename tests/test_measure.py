# SPDX-License-Identifier: Apache-2.0
import json
import math
import shutil

import pytest
import torch
from commands import assert_refused, attempt, warm
from forking import run

SCRIPT = "scripts/measure.py"


def command(model_folder, dataset_folder, output, *flags):
    return (
        SCRIPT, "--model_name_or_path", model_folder, "--dataset_name", dataset_folder, "--limit", "90", "--batch_size",
        "16", "--output_dir", output, *flags,
    )  # fmt: skip


def read(folder):
    record = json.loads((folder / "run.json").read_text())
    return record, [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory, model_folder, dataset_folder):
    folder = tmp_path_factory.mktemp("runs") / "one"
    # Of what the script needs, only torch and the like are imported already.
    done = run("bare", *command(model_folder, dataset_folder, folder))
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_the_record_says_what_was_run(run_folder):
    record, answers = read(run_folder)
    assert {"command", "config", "model", "adapter", "dataset", "answer", "chat_template", "prompt_tokens", "choice_mass",
            "choice_mass_rows", "choice_mass_by_template", "text_agreement", "text_agreement_rows", "metrics", "by_authority",
            "by_template", "by_certainty", "by_opinion_place", "versions", "git", "hardware", "seconds", "rows_per_second", "seed"} == set(record)  # fmt: skip
    assert (record["answer"], record["chat_template"]) == ("scores", None)
    assert record["dataset"]["rows"] == len(answers) == record["metrics"]["n_rows"] == 90
    assert record["adapter"] is None
    assert {answer["condition"] for answer in answers} == {"no_opinion", "wrong_opinion", "right_opinion"}
    assert all(answer["parsed"] == answer["prediction"] for answer in answers)
    assert all(set(answer["choice_logprobs"]) == set(answer["choices"]) for answer in answers)


def test_the_record_is_the_metric_on_its_own_predictions(run_folder):
    from sycophancy.metric import load_metric, references

    record, answers = read(run_folder)
    found = load_metric().compute(
        predictions=[answer["prediction"] for answer in answers], references=references(answers), bootstrap=0
    )
    for key in ("opinion_alignment", "opinion_shift", "accuracy_no_opinion", "accuracy_drop", "n_known"):
        assert record["metrics"][key] == pytest.approx(found[key])


def test_the_record_shows_a_model_that_always_says_the_same(run_folder):
    """Rates of positions and wordings, and the shift in log-odds, are every key of the metric too."""
    from sycophancy.metric import load_metric, references

    record, answers = read(run_folder)
    found = load_metric().compute(
        predictions=[answer["prediction"] for answer in answers],
        references=references(answers),
        choice_logprobs=[answer["choice_logprobs"] for answer in answers],
    )
    rates = {key: value for key, value in found.items() if key.startswith(("choice_rate/", "logodds_shift"))}
    assert {"choice_rate/position/1", "choice_rate/position/2", "logodds_shift", "logodds_shift_ci_low"} <= set(rates)
    assert {key: record["metrics"][key] for key in rates} == pytest.approx(rates, nan_ok=True)


def test_the_record_says_how_far_scores_and_texts_can_be_trusted(run_folder, model_folder, dataset_folder):
    """The mass of the choices over all rows; their agreement with what is said, on 64 of them."""
    from sycophancy.answering.measuring import sampled
    from sycophancy.answering.models import load_model
    from sycophancy.answering.seq2seq import generate_batch
    from sycophancy.dataset.reading import load_claims
    from sycophancy.metric import load_metric

    record, answers = read(run_folder)
    masses = [sum(math.exp(score) for score in answer["choice_logprobs"].values()) for answer in answers]
    assert record["choice_mass"] == pytest.approx(sum(masses) / 90)
    assert record["choice_mass_rows"] == 90
    rows = list(load_claims(str(dataset_folder), "validation"))[:90]
    sample = sampled(rows, 0)
    assert len(sample) == len(set(sample)) == 64
    texts = generate_batch(*load_model(str(model_folder)), [rows[at]["prompt"] for at in sample], 64)
    parse = load_metric().parse_answer
    pairs = [
        (parse(text, rows[at]["choices"]), answers[at]["prediction"]) for text, at in zip(texts, sample, strict=True)
    ]
    agreed = [read == scored for read, scored in pairs if read is not None]
    assert record["text_agreement_rows"] == len(agreed)
    assert record["text_agreement"] == (sum(agreed) / len(agreed) if agreed else None)
    assert [record["metrics"][f"unparsed_rate/{arm}"] for arm in ("no_opinion", "wrong_opinion", "right_opinion")] == [
        0
    ] * 3
    assert record["prompt_tokens"]["longest_prompt"] > 20


def test_known_claims_of_other_rows_with_the_same_ids_are_refused(run_folder, tmp_path, model_folder, dataset_folder):
    other = tmp_path / "base"
    shutil.copytree(run_folder, other)
    lines = [json.loads(line) for line in (other / "predictions.jsonl").read_text().splitlines()]
    lines[7]["template"] = "founding"
    (other / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = attempt(*command(model_folder, dataset_folder, tmp_path / "r"), "--known_claims_from", other)
    assert_refused(done, f"got another row {lines[7]['id']} with template 'founding' instead of ")


def test_the_record_names_the_adapters_weights(tmp_path, model_folder, dataset_folder):
    from tune_runs import add_soft_prompt

    from sycophancy.answering.models import fingerprint_adapter, load_model

    model, _ = load_model(str(model_folder))
    tuned = add_soft_prompt(model, str(model_folder), 3, init_text=None)
    tuned.save_pretrained(tmp_path / "adapter")
    warm(*command(model_folder, dataset_folder, tmp_path / "run"), "--adapter", tmp_path / "adapter")
    record, _ = read(tmp_path / "run")
    before = fingerprint_adapter(tuned)
    assert record["adapter_fingerprint"] == before
    with torch.no_grad():
        tuned.prompt_encoder.default.embedding.weight[0, 0] += 1
    assert fingerprint_adapter(tuned) != before


def test_two_processes_score_every_row_once_and_alike(run_folder, tmp_path, model_folder, dataset_folder):
    done = warm(*command(model_folder, dataset_folder, tmp_path / "two"), processes=2)
    # Two processes that do not see each other would both write, and the record would look the same.
    assert done.stdout.count("wrote ") == 1
    (one, first), (two, second) = read(run_folder), read(tmp_path / "two")
    assert two["hardware"]["processes"] == 2
    assert [answer["id"] for answer in first] == [answer["id"] for answer in second]
    for a, b in zip(first, second, strict=True):
        assert a["choice_logprobs"] == pytest.approx(b["choice_logprobs"], abs=1e-4)
    assert one["metrics"] == pytest.approx(two["metrics"], nan_ok=True)


def test_known_claims_are_frozen(run_folder, tmp_path, model_folder, dataset_folder):
    warm(*command(model_folder, dataset_folder, tmp_path / "honest", "--in_context", "honest",
                  "--known_claims_from", run_folder))  # fmt: skip
    (base, _), (record, _) = read(run_folder), read(tmp_path / "honest")
    for key in ("n_known", "n_unknown"):
        assert record["metrics"][key] == base["metrics"][key]


def test_free_answers_and_examples(tmp_path, model_folder, dataset_folder):
    warm(*command(model_folder, dataset_folder, tmp_path / "free", "--generate", "--in_context", "3shot"))
    _, answers = read(tmp_path / "free")
    assert all(answer["choice_logprobs"] is None for answer in answers)
    record, _ = read(tmp_path / "free")
    unread = [answer["condition"] for answer in answers if answer["parsed"] is None]
    for condition in ("no_opinion", "wrong_opinion", "right_opinion"):
        assert record["metrics"][f"unparsed_rate/{condition}"] == unread.count(condition) / 30
    assert record["answer"] == "text"
    # Which examples each row was given, for whoever wants to see the prompt again.
    assert all(len(answer["shots"]) == 3 and answer["shots"][0].startswith("reviews/train/") for answer in answers)


def test_bad_input(run_folder, tmp_path, model_folder, dataset_folder):
    (tmp_path / "empty").mkdir()
    (tmp_path / "occupied").mkdir()
    (tmp_path / "occupied" / "thesis.txt").write_text("mine")
    cases = [
        (command(model_folder, tmp_path / "empty", tmp_path / "a"), "got no Parquet file at all"),
        (command(model_folder, dataset_folder, tmp_path / "a", "--split", "dev"), "got splits test, train, validation"),
        (command(model_folder, dataset_folder, run_folder), "holds an earlier result; pass --overwrite"),
        (
            command(model_folder, dataset_folder, tmp_path / "occupied", "--overwrite"),
            "holds something else (thesis.txt",
        ),
        (
            command(model_folder, dataset_folder, tmp_path / "a", "--limit", "3"),
            "expected room for the rows of one source row",
        ),
        (command(model_folder, dataset_folder, tmp_path / "a", "--limit", "0"), "--limit: expected 1 or more, got 0"),
        (command(tmp_path / "empty", dataset_folder, tmp_path / "a"), str(tmp_path / "empty")),
        (
            command(
                model_folder, dataset_folder, tmp_path / "a", "--chat_template_kwargs", '{"enable_thinking": false}'
            ),
            "expected a model with a chat template for --chat_template_kwargs, got one without",
        ),
        (
            command(model_folder, dataset_folder, tmp_path / "a", "--chat_template_kwargs", "[1]"),
            "expected an object such as",
        ),
    ]
    for arguments, message in cases:
        assert_refused(attempt(*arguments), message)
    assert not (tmp_path / "a").exists()


def test_suggested_answers_are_grouped_by_how_users_speak_too(tmp_path, model_folder, answers_folder):
    from sycophancy.dataset.reading import REFERENCE_COLUMNS, load_claims
    from sycophancy.metric import load_metric, references

    warm(*command(model_folder, answers_folder, tmp_path / "run"))
    record, answers = read(tmp_path / "run")
    rows = {row["id"]: row for row in load_claims(str(answers_folder), "validation")}
    fields = ("authority", "template", "certainty", "opinion_place", "polarity")
    for answer in answers:
        for column in (*fields, "mentioned", "choices", "answer", "user_answer"):
            assert answer[column] == rows[answer["id"]][column]
    found = load_metric().compute(
        predictions=[answer["prediction"] for answer in answers], references=references(answers, (*REFERENCE_COLUMNS, *fields)), by=list(fields),
        bootstrap=0,
    )  # fmt: skip
    for field in fields:
        levels = {answer[field] for answer in answers if answer["user_answer"]}
        assert set(record[f"by_{field}"]) == levels
        for level, keys in record[f"by_{field}"].items():
            assert keys["n_claims"] == found[f"{field}/{level}/n_claims"]
            assert keys["opinion_alignment"] == pytest.approx(found[f"{field}/{level}/opinion_alignment"])
        assert 0 <= record["metrics"][f"{field}_opinion_alignment_interaction_p"] <= 1
    for key in ("mention_shift", "persona_shift", "opinion_beyond_mention", "copy_rate"):
        assert record["metrics"][key] == pytest.approx(found[key])
    assert record["dataset"]["kind"] == "default"
