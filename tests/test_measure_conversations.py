# SPDX-License-Identifier: Apache-2.0
"""`measure.py` from the built dataset to the run record, for questions in turns and for attributions."""

import json
import math
import re
import shlex

import pytest
from commands import ROOT, warm
from tiny_llama import CHAT, tiny_llama

from dataset_builders import are_you_sure, mimicry
from sycophancy.cli import scripts
from sycophancy.dataset.kinds import MIMICRY, TURNS

ARMS = ("challenge", "suggest_wrong", "suggest_right", "rethink")


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    flags = ["--output_dir", str(folder), "--org", "o"]
    are_you_sure.build(are_you_sure.parse_args(["--source", "reviews", "--limit", "40", *flags]), "the command")
    mimicry.build(mimicry.parse_args(flags), "the command")
    more = [
        "--source",
        "reviews",
        "--limit",
        "10",
        "--rounds",
        "3",
        "--output_dir",
        str(folder / "rounds"),
        "--org",
        "o",
    ]
    are_you_sure.build(are_you_sure.parse_args(more), "the command")
    return folder / "o"


def measured(monkeypatch, output, *flags):
    """Run `measure.py` in this process and read what it wrote."""
    import scripts.measure

    command = ["scripts/measure.py", *flags, "--output_dir", output, "--batch_size", "16"]
    monkeypatch.setattr("sys.argv", [str(part) for part in command])
    scripts.measure.main()
    return read(output)


def read(folder):
    record = json.loads((folder / "run.json").read_text())
    return record, [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]


def check_record(record, answers, kind):
    """The record is the metric on its own predictions."""
    from sycophancy.metric import load_metric, references

    assert record["dataset"]["kind"] == kind.name
    assert record["dataset"]["rows"] == record["metrics"]["n_rows"] == len(answers)
    found = load_metric(kind.name).compute(
        predictions=[answer["prediction"] for answer in answers],
        references=references(answers, kind.references),
        bootstrap=0,
    )
    for key in kind.meanings:
        # JSON has no NaN: an empty denominator is null.
        expected = None if math.isnan(found[key]) else pytest.approx(found[key])
        assert record["metrics"][key] == expected, key
    assert set(record["by_template"]) == {answer["template"] for answer in answers}
    assert record["by_authority"] == {}


def test_questions_in_turns(monkeypatch, tmp_path, hub, model_folder, capsys):
    flags = ("--model_name_or_path", model_folder, "--dataset_name", hub / "syco-are-you-sure-reviews")
    record, answers = measured(monkeypatch, tmp_path / "one", *flags, "--limit", "60")
    check_record(record, answers, TURNS)
    assert [answer["turn"] for answer in answers] == ["first", "challenge", "reask", "rethink"] * 15
    assert all(answer["parsed"] == answer["prediction"] in answer["choices"] for answer in answers)
    assert all(list(answer["choice_logprobs"]) == answer["choices"] for answer in answers)
    assert "challenge_effect" in capsys.readouterr().out

    done = warm("scripts/measure.py", *flags, "--limit", "60", "--output_dir", tmp_path / "two", processes=2)
    # Two processes that do not see each other would both write, and the record would look the same.
    assert done.stdout.count("wrote ") == 1
    two, again = read(tmp_path / "two")
    assert two["hardware"]["processes"] == 2
    assert [answer["id"] for answer in again] == [answer["id"] for answer in answers]
    for a, b in zip(answers, again, strict=True):
        assert a["choice_logprobs"] == pytest.approx(b["choice_logprobs"], abs=1e-4)


def test_rounds_of_pressure(monkeypatch, tmp_path, hub, model_folder, capsys):
    dataset = hub.parent / "rounds" / "o" / "syco-are-you-sure-reviews"
    flags = ("--model_name_or_path", model_folder, "--dataset_name", dataset)
    record, answers = measured(monkeypatch, tmp_path / "one", *flags)
    check_record(record, answers, TURNS)
    places = [("first", 0), *((arm, number) for arm in ARMS for number in (1, 2, 3))]
    assert [(answer["turn"], answer["round"]) for answer in answers] == places * 10
    assert all(bool(answer["suggested"]) == answer["turn"].startswith("suggest") for answer in answers)
    held = {}
    for answer in answers:
        held.setdefault((answer["question_id"], answer["turn"]), []).append(answer["parsed"])
    for arm in ("challenge", "rethink"):
        for number in (1, 2, 3):
            stays = [
                set(said[:number]) == set(held[question, "first"])
                for (question, turn), said in held.items()
                if turn == arm
            ]
            assert record["metrics"][f"survival/{arm}/{number}"] == pytest.approx(sum(stays) / 10), (arm, number)
    assert (tmp_path / "one" / "survival.png").read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr().out
    assert "first answer stands by round, challenge: " in said
    assert "pressure_effect" in said
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [
        "predictions.jsonl",
        "run.json",
        "survival.png",
    ]


def test_the_commands_of_the_guide_run_one_after_the_other(tmp_path, model_folder):
    """As they stand there, with a tiny model, embedded reviews and few questions."""
    page = (ROOT / "docs" / "are_you_sure.md").read_text(encoding="utf-8")
    typed = [shlex.split(line)[1:] for line in page.splitlines() if re.match(r"sycophancy [a-z-]+ ", line)]
    assert [name for name, *_ in typed] == ["are-you-sure", "measure", "measure", "compare", "are-you-sure"]
    (tmp_path / "quiz.csv").write_text("question,a,b,c,d,answer\nWhat is 2 + 2?,3,4,5,6,B\nWhat is 9 - 1?,7,9,8,6,C\n")
    instead = {
        "openbookqa": "reviews",
        "100": "6",
        "MODEL": str(model_folder),
        "OTHER_MODEL": str(model_folder),
        "quiz.csv": str(tmp_path / "quiz.csv"),
    }
    printed = [
        warm(
            scripts()[name],
            *(
                instead.get(word, word).replace("out/", f"{tmp_path}/").replace("-openbookqa", "-reviews")
                for word in words
            ),
        ).stdout
        for name, *words in typed
    ]
    assert "Still gives its first answer:" in printed[3]
    assert (tmp_path / "rounds" / "survival.png").is_file()
    assert (tmp_path / "hub" / "my-org" / "syco-are-you-sure-quiz" / "README.md").is_file()


def test_attributions(monkeypatch, tmp_path, hub, model_folder, capsys):
    flags = ("--model_name_or_path", model_folder, "--dataset_name", hub / "syco-mimicry", "--max_new_tokens", "6")
    record, answers = measured(monkeypatch, tmp_path / "one", *flags, "--limit", "48")
    check_record(record, answers, MIMICRY)
    assert len({answer["cluster_id"] for answer in answers}) == 4
    assert all(answer["choice_logprobs"] is None and answer["parsed"] is None for answer in answers)
    assert all(isinstance(answer["prediction"], str) for answer in answers)
    said = capsys.readouterr().out
    assert "mimicry_effect" in said
    works = len({answer["cluster_id"] for answer in answers})
    assert f"intervals are those of {works} works, however many rows each has" in said


@pytest.mark.parametrize("dataset", ["turns", "mimicry", "claims"])
def test_a_decoder_only_model_with_a_chat_template(monkeypatch, tmp_path, hub, dataset_folder, dataset):
    model, tokenizer = tiny_llama(["the plot is dull", "Answer with the letter of one choice."], CHAT)
    model.save_pretrained(tmp_path / "llama")
    tokenizer.save_pretrained(tmp_path / "llama")
    folder = {"turns": hub / "syco-are-you-sure-reviews", "mimicry": hub / "syco-mimicry", "claims": dataset_folder}
    flags = ("--model_name_or_path", tmp_path / "llama", "--dataset_name", folder[dataset], "--limit", "12")
    record, answers = measured(monkeypatch, tmp_path / "run", *flags, "--max_new_tokens", "4")
    assert record["metrics"]["n_rows"] == len(answers) == 12
    assert record["answer"] == "text"
    assert all(answer["choice_logprobs"] is None for answer in answers)
    assert record["chat_template"]["before_user"] == "<s><|user|>\n"
    assert record["chat_template"]["system_prompt"] == ""
    assert (record["choice_mass_rows"], record["choice_mass"] is None) == {
        "turns": (3, False), "mimicry": (0, True), "claims": (12, False)
    }[dataset]  # fmt: skip
    if dataset == "claims":
        from sycophancy.answering.causal import score_batch
        from sycophancy.dataset.reading import load_claims

        flags = (*flags, "--answer", "scores")
        _, answers = measured(monkeypatch, tmp_path / "scores", *flags)
        row = load_claims(str(dataset_folder), "validation")[0]
        prompt = f"<s><|user|>\n{row['prompt']}</s>\n<|assistant|>\n"
        (scores,) = score_batch(model, tokenizer, [prompt], [row["choices"]])
        assert answers[0]["choice_logprobs"] == pytest.approx(scores, abs=1e-3)
    else:
        check_record(record, answers, TURNS if dataset == "turns" else MIMICRY)


def test_free_answers_in_turns(monkeypatch, tmp_path, hub, model_folder):
    flags = ("--model_name_or_path", model_folder, "--dataset_name", hub / "syco-are-you-sure-reviews", "--generate")
    record, answers = measured(monkeypatch, tmp_path / "run", *flags, "--limit", "12", "--in_context", "honest")
    check_record(record, answers, TURNS)
    assert all(answer["choice_logprobs"] is None for answer in answers)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--in_context", "3shot"), "expected no --in_context 3shot with a dataset of the kind mimicry"),
        (("--known_claims_from", "x"), "expected no --known_claims_from with a dataset of the kind mimicry"),
        (("--split", "test"), "expected Parquet files of the split 'test'"),
        (("--limit", "3"), "expected room for the rows of one source row"),
    ],
)
def test_flags_that_do_not_fit(monkeypatch, tmp_path, hub, model_folder, flags, message):
    common = ("--model_name_or_path", model_folder, "--dataset_name", hub / "syco-mimicry")
    with pytest.raises(ValueError, match=message):
        measured(monkeypatch, tmp_path / "run", *common, *flags)
    assert not (tmp_path / "run").exists()
