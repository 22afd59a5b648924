# SPDX-License-Identifier: Apache-2.0
import json
import re

import pytest
from answer_checks import check_folder, rows_of
from commands import assert_refused, attempt, warm

BUILDER = "dataset_builders/suggested_answers.py"


def flags_for(folder, *flags):
    return ("--output_dir", folder, "--org", "my-org", *flags)


def build(folder, *flags):
    """In this process: its imports are paid for once."""
    done = attempt(BUILDER, *flags_for(folder, *flags))
    assert done.returncode == 0, done.stderr[-2000:]
    (built,) = (folder / "my-org").iterdir()
    return built


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_row_says_what_its_prompt_says(answers_folder):
    rows = check_folder(answers_folder, ["train", "validation", "test"])
    assert len(rows["train"]) == 90
    # Five rows of each question, four where the user is not introduced: of about every fifth.
    assert all(abs(len(rows[split]) - (90 * 4 + 72)) <= 2 for split in ("validation", "test"))
    held_out = {row["template"] for row in rows["test"]} - {row["template"] for row in rows["train"]}
    assert held_out == {"reply", "dialogue_choose", "quiz", "dialogue_lines"}


def test_the_folder_loads_as_users_load_it(answers_folder):
    from datasets import load_dataset

    from sycophancy.dataset.kinds import ANSWERS, load_rows
    from sycophancy.dataset.reading import ANSWER_FEATURES

    dataset = load_dataset(str(answers_folder))
    assert all(rows.features == ANSWER_FEATURES for rows in dataset.values())
    kind, rows = load_rows(str(answers_folder), "validation")
    assert kind is ANSWERS
    assert rows.column_names == list(ANSWER_FEATURES)
    pairs = load_dataset(str(answers_folder), "preference", split="train")
    opinions = [row for row in rows_of(answers_folder, "train") if row["user_answer"]]
    assert len(pairs) == 2 * len(opinions)
    assert {pair["condition"] for pair in pairs} == {"wrong_opinion", "right_opinion"}
    assert [re.sub("-[0-9a-f]{12}[.]", "-HASH.", name) for name in sorted(content(answers_folder))] == [
        "README.md", "data/test-00000-of-00001-HASH.parquet", "data/train-00000-of-00001-HASH.parquet",
        "data/validation-00000-of-00001-HASH.parquet", "preference/train-00000-of-00001-HASH.parquet",
    ]  # fmt: skip


def test_figures_of_the_card_are_those_of_the_rows(answers_folder):
    card, rows = (answers_folder / "README.md").read_text(), rows_of(answers_folder, "validation")
    counts = {split: len(rows_of(answers_folder, split)) for split in ("train", "validation", "test")}
    for split, count in counts.items():
        assert f"| {split} | 90 | {count} |" in card
    (mentions,) = re.findall(r"\| `mention` \| (\d+) \| (\d+) \| (\d+) \|", card)
    assert int(mentions[1]) == sum(row["condition"] == "mention" for row in rows) == 90
    assert f"~~~text\n{rows[0]['prompt']}\n~~~" in card
    from sycophancy.dataset.reading import ANSWER_FEATURES

    assert set(ANSWER_FEATURES) <= set(re.findall(r"^\| `(\w+)` \|", card, re.MULTILINE))


def test_the_same_seed_gives_the_same_bytes(tmp_path, answers_folder):
    first = content(answers_folder)
    assert content(build(tmp_path / "again", "--source", "reviews", "--limit", "90", "--num_proc", "2")) == first
    other = content(build(tmp_path / "other", "--source", "reviews", "--limit", "90", "--seed", "1"))
    assert not set(other.values()) & set(first.values())


def test_a_limit_takes_a_prefix(tmp_path, answers_folder):
    few = rows_of(build(tmp_path, "--source", "reviews", "--limit", "7"), "validation")
    assert few == rows_of(answers_folder, "validation")[: len(few)]


@pytest.mark.parametrize("written", ["letter", "index", "text"])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_questions_of_ones_own_from_the_command_line(tmp_path, kind, written):
    """Three to six choices: in columns of a CSV file, or in a list; with letters that are taken off."""
    lines = ["question,a,b,c,d,e,f,answer"] if kind == "csv" else []
    for index in range(24):
        n, right = 3 + index % 4, index % 3
        choices = [f"{letter}) choice {letter}, of {index}" for letter in "ABCDEF"[:n]]
        answer = {"letter": "ABC"[right], "index": right, "text": f"choice {'ABC'[right]}, of {index}"}[written]
        if kind == "csv":
            quoted = [*(f'"{choice}"' for choice in choices), *[""] * (6 - n), f'"{answer}"']
            lines.append(f"What is {index}?,{','.join(quoted)}")
        else:
            lines.append(json.dumps({"question": f"What is {index}?", "choices": choices, "answer": answer}))
    file = tmp_path / f"quiz.{kind}"
    file.write_text("\n".join(lines))
    folder = build(
        tmp_path / "out", "--source", "custom", "--source_data", file, "--question_column", "question",
        "--choices_column", *("abcdef" if kind == "csv" else ["choices"]), "--answer_column", "answer", "--name", "quiz",
        "--license", "mit",
    )  # fmt: skip
    assert folder.name == "syco-answers-quiz"
    rows = check_folder(folder, ["validation"])["validation"]
    assert {len(row["choices"]) for row in rows} == {3, 4, 5, 6}
    assert len({row["claim_id"] for row in rows}) == 24
    for row in rows:
        index = int(row["question"][8:-1])
        assert row["source_label"] == f"choice {'ABC'[index % 3]}, of {index}"
        assert set(row["choice_texts"]) == {f"choice {letter}, of {index}" for letter in "ABCDEF"[: 3 + index % 4]}
    assert "license: mit" in (folder / "README.md").read_text()


def test_labelled_texts_of_ones_own(tmp_path):
    rows = [{"sentence": f"text {{{index}}}", "label": index % 3} for index in range(30)]
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder = build(
        tmp_path / "out", "--source", "custom", "--source_data", tmp_path, "--text_columns", "sentence", "--label_column",
        "label", "--label_names", "good,bad,neither of the two", "--question", 'What is "{sentence}"?', "--name", "mine",
    )  # fmt: skip
    built = check_folder(folder, ["test"])["test"]
    assert {row["question"] for row in built} == {f'What is "text {{{index}}}"?' for index in range(30)}


def test_choices_of_a_quiz_may_be_cut_down(tmp_path):
    folder = build(tmp_path, "--source", "addition", "--limit", "40", "--max_choices", "2")
    rows = check_folder(folder, ["train", "test"])["test"]
    assert {len(row["choices"]) for row in rows} == {2}
    assert {row["polarity"] for row in rows} == {"", "asserts", "denies"}


def test_the_metric_on_its_three_conditions(answers_folder):
    from sycophancy.metric import load_metric, references

    rows = [row for row in rows_of(answers_folder, "test") if row["condition"] not in ("persona", "mention")]
    parrot = [row["user_answer"] or row["answer"] for row in rows]
    found = load_metric().compute(predictions=parrot, references=references(rows), bootstrap=0)
    assert (found["opinion_alignment"], found["opinion_effect"], found["accuracy_no_opinion"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--source", "reviews", "--limit", "0"), "--limit: expected 1 or more, got 0"),
        (("--source", "reviews", "--max_choices", "1"), "--max_choices: expected 2 or more, got 1"),
        (("--source", "reviews", "--templates", "quiz"), "--templates: expected one of one_word, choices, dialogue, lettered"),
        (("--source", "reviews", "--name", "x"), "--name: expected with --source custom only, got --source reviews"),
        (("--source", "custom"), "--source custom: expected also --source_data, --question_column, --choices_column, --answer_column"),
        (("--source", "custom", "--question", "x"), "expected also --source_data, --text_columns, --label_column, --label_names"),
        (("--source", "custom", "--question", "x", "--answer_column", "y"), "expected flags for labelled texts or for choices, got"),
    ],
)  # fmt: skip
def test_bad_flags(tmp_path, flags, message):
    assert_refused(attempt(BUILDER, *flags_for(tmp_path, *flags)), message)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten_silently(tmp_path):
    build(tmp_path, "--source", "reviews", "--limit", "3")
    assert_refused(
        attempt(BUILDER, *flags_for(tmp_path, "--source", "reviews", "--limit", "3")), "holds an earlier result"
    )


def test_the_knowledge_filter_works_on_it(tmp_path, model_folder, answers_folder):
    done = warm(
        "scripts/filter_known.py", "--model_name_or_path", model_folder, "--dataset_name", answers_folder, "--output_dir", tmp_path,
        "--org", "o", "--name", "known",
    )  # fmt: skip
    assert re.search(r"train: kept \d+ of 90 questions", done.stdout)
    folder = tmp_path / "o" / "known"
    kept = check_folder(folder, ["train", "validation", "test"])["train"]
    assert 0 < len(kept) < 90
    card = (folder / "README.md").read_text()
    assert "`wrong_answer`" in card
    assert "| `source_label` | `train` questions before | kept | share |\n|---|---|---|---|\n" in card
    assert re.search(rf"\| all \| 90 \| {len(kept)} \| \d+\.\d % \|", card)
    # Nobody claims anything there: the word stands in the names of columns alone.
    said = re.sub(r"```.*?```|`[^`]*`|^\|.*$", "", card, flags=re.DOTALL | re.MULTILINE)
    assert not re.search(r"\bclaims?\b", said)
    assert "\n\n\n" not in card.split("---\n", 2)[2]
