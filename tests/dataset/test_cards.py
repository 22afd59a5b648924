# SPDX-License-Identifier: Apache-2.0
import contextlib
import io
import re
from collections import Counter

import yaml
from datasets import load_dataset

from sycophancy.claims.people import AUTHORITIES
from sycophancy.claims.sources import SourceRows
from sycophancy.dataset.cards import describe_dropped, render_questions_card
from sycophancy.dataset.facts import turn_facts
from sycophancy.dataset.kinds import ATTRIBUTION_FEATURES, TURN_FEATURES
from sycophancy.dataset.meanings import ANSWER_MEANINGS, ATTRIBUTION_MEANINGS, COLUMN_MEANINGS, TURN_MEANINGS
from sycophancy.dataset.reading import ANSWER_FEATURES, FEATURES, load_claims


def test_figures_are_those_of_the_rows(dataset_folder):
    card = (dataset_folder / "README.md").read_text()
    for split in ("train", "validation", "test"):
        rows = load_claims(str(dataset_folder), split)
        assert f"| {split} | {len(set(rows['cluster_id']))} | {len(rows)} |" in card
    counts = [
        Counter(load_claims(str(dataset_folder), split)["authority"]) for split in ("train", "validation", "test")
    ]
    for level in AUTHORITIES:
        assert f"| `{level}` | {' | '.join(str(count[level]) for count in counts)} |" in card
    pairs = len(load_dataset(str(dataset_folder), "preference", split="train"))
    assert f"gives {pairs} pairs of answers for TRL's `DPOTrainer`, {pairs // 2} with a wrong user" in card
    first = load_claims(str(dataset_folder), "validation")[1]
    assert f"~~~text\n{first['prompt']}\n~~~" in card


def test_the_head_is_yaml_that_names_every_split(dataset_folder):
    head = yaml.safe_load((dataset_folder / "README.md").read_text().split("---")[1])
    claims, pairs = head["configs"]
    assert (claims["config_name"], claims["default"], pairs["config_name"]) == ("default", True, "preference")
    assert [file["split"] for file in claims["data_files"]] == ["train", "validation", "test"]
    assert [file["split"] for file in pairs["data_files"]] == ["train"]
    named = {file["path"] for config in head["configs"] for file in config["data_files"]}
    assert named == {str(path.relative_to(dataset_folder)) for path in dataset_folder.rglob("*.parquet")}
    assert (head["license"], head["language"], head["size_categories"]) == ("apache-2.0", ["en"], ["1K<n<10K"])


def test_a_row_stands_on_the_first_screen(dataset_folder):
    """Below the head, which the Hub does not show as text: a whole prompt, its answers, and the lines that load it."""
    card = (dataset_folder / "README.md").read_text()
    screen = "\n".join(card.split("---\n", 2)[2].strip().splitlines()[:22])
    wrong = next(row for row in load_claims(str(dataset_folder), "validation") if row["condition"] == "wrong_opinion")
    assert f"~~~text\n{wrong['prompt']}\n~~~" in screen
    assert (
        f"The honest answer is `{wrong['answer']}`; the answer that agrees with the user is `{wrong['user_answer']}`."
        in screen
    )
    (code,) = re.findall(r"```python\n(.*?)```", screen, re.DOTALL)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code.replace("my-org/syco-reviews", str(dataset_folder)), {})
    assert printed.getvalue() == f"{wrong['prompt']} {wrong['answer']} {wrong['user_answer']}\n"


def test_a_suggested_answer_stands_on_the_first_screen(answers_folder):
    card = (answers_folder / "README.md").read_text()
    screen = "\n".join(card.split("---\n", 2)[2].strip().splitlines()[:24])
    wrong = next(row for row in load_claims(str(answers_folder), "validation") if row["condition"] == "wrong_opinion")
    assert f"One row, where the user is wrong:\n\n~~~text\n{wrong['prompt']}\n~~~" in screen
    (code,) = re.findall(r"```python\n(.*?)```", screen, re.DOTALL)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code.replace("my-org/syco-answers-reviews", str(answers_folder)), {})
    assert printed.getvalue() == f"{wrong['prompt']} {wrong['answer']} {wrong['user_answer']}\n"
    for words in ("nobody has an opinion", "the user is right", "an answer is named that nobody holds"):
        assert f"Where {words} (`reviews/validation/0/" in card
    assert "\n\n\n" not in card.split("---\n", 2)[2]


def test_the_answers_that_users_hold_are_counted(answers_folder):
    card = (answers_folder / "README.md").read_text()
    rows = {split: load_claims(str(answers_folder), split) for split in ("train", "validation", "test")}
    for label in ("negative", "positive"):
        cells = []
        for of in rows.values():
            held = [row for row in of if row["user_answer"]]
            named = [row for row in held if row["choice_texts"][row["choices"].index(row["user_answer"])] == label]
            cells.append(f"{len(named)}, {sum(row['condition'] == 'right_opinion' for row in named)} right")
        assert f"| `{label}` | {' | '.join(cells)} |" in card
    assert "| 2 | 90 | 90 | 90 |" in card


def test_every_column_is_explained():
    assert list(COLUMN_MEANINGS) == list(FEATURES)
    assert list(ANSWER_MEANINGS) == list(ANSWER_FEATURES)
    assert list(TURN_MEANINGS) == list(TURN_FEATURES)
    assert list(ATTRIBUTION_MEANINGS) == list(ATTRIBUTION_FEATURES)


def test_dropped_rows():
    assert describe_dropped({"train": Counter()}) == "No row was dropped."
    assert describe_dropped({"train": Counter({"no label": 2})}) == (
        "| of | dropped because | rows |\n|---|---|---|\n| train | no label | 2 |"
    )


def test_a_dataset_of_which_no_row_can_be_shown_has_a_card_without_examples():
    facts = {"train": turn_facts()}
    list(facts["train"].watch([{"cluster_id": "a", "prompt": "TODO", "turn": "first", "template": "check", "choices": ["(A)"],
                                "answer": "(A)"}]))  # fmt: skip
    found = SourceRows({}, read_from="a folder")
    card = render_questions_card("my-org/q", "mine", found, (["`template`"], []), facts, 0, "build", "mit", "By me.")
    assert "TODO" not in card
    assert "One such exchange" not in card
    assert "other turns" not in card
    assert "\n\n\n" not in card
