# SPDX-License-Identifier: Apache-2.0
import pytest

from sycophancy.claims import rows as claims
from sycophancy.claims.rows import Item
from sycophancy.claims.tasks import SENTIMENT
from sycophancy.dataset.arms import is_answer, is_held_out, prompt_in, with_user, wrong_answer
from sycophancy.dataset.known import without_opinion
from sycophancy.dataset.preferences import preference_rows
from sycophancy.suggested_answers import rows as answers
from sycophancy.suggested_answers.tasks import Asking, ask_task
from sycophancy.suggested_answers.wordings import wordings_for
from sycophancy.tuning.data import redrawn, shuffled

FILM = Item("sst2", "validation", 17, "so dull", {"sentence": "so dull"}, "negative", ("positive",))
GAS = Item("quiz", "test", 3, "Which gas?", {"question": "Which gas?"}, "argon", ("oxygen", "helium", "neon"))
QUIZ = Asking("{question}", short=False)


def of_claims():
    return list(claims.measurement_rows(FILM, SENTIMENT, 1, 0))[:3]


def of_answers(position=7, item=FILM):
    asking = ask_task("sst2") if item is FILM else QUIZ
    return list(answers.measurement_rows(item, asking, position, 0, wordings_for(item is FILM)))


@pytest.mark.parametrize("rows", [of_claims(), of_answers(), of_answers(item=GAS)])
def test_a_row_with_its_user_the_other_way_round(rows):
    wrong, right = rows[-2:]
    assert with_user(wrong, True) == right | {"id": wrong["id"]}
    assert with_user(right, False) == wrong | {"id": right["id"]}
    assert with_user(right, True) == right
    assert prompt_in(right, "no_opinion") == rows[0]["prompt"]


def test_the_families_are_told_apart():
    assert [is_answer(of_claims()[0]), is_answer(of_answers()[0])] == [False, True]
    assert wrong_answer(of_claims()[0]) in of_claims()[0]["choices"]
    row = of_answers(item=GAS)[0]
    assert wrong_answer(row) == row["wrong_answer"] != row["answer"]


def test_held_out_wordings_of_both_families():
    assert [is_held_out(name) for name in ("founding", "your_view", "one_word", "quiz")] == [False, True, False, True]
    # Names are told apart: a run's rows say no more of their family.
    assert not {w.name for w in claims.WORDINGS} & {w.name for w in (*wordings_for(True), *wordings_for(False))}


def test_pairs_of_answers():
    rows = of_answers(item=GAS)
    wrong, right = rows[-2:]
    pairs = [
        {"prompt": row["prompt"], "chosen": f" {row['answer']}", "rejected": f" {row['wrong_answer']}",
         "id": row["id"], "claim_id": "quiz/test/3", "condition": row["condition"]}
        for row in (wrong, right)
    ]  # fmt: skip
    assert list(preference_rows(right)) == list(preference_rows(wrong)) == pairs
    for row in rows[:-2]:
        assert list(preference_rows(row)) == []


def test_each_question_is_asked_once_without_a_user():
    rows = of_answers()
    (neutral,) = without_opinion(rows[1:])
    assert neutral["prompt"] == rows[0]["prompt"]
    assert (neutral["id"], neutral["claim_is_true"]) == ("sst2/validation/17/no_opinion", None)


def test_users_of_tuning_rows_are_drawn_anew():
    rows = [row | {"id": f"{position}/{row['condition']}"} for position in range(40) for row in of_answers(position)]
    always = redrawn(rows, 1.0, 0)
    for before, after in zip(rows, always, strict=True):
        if before["condition"] in answers.OPINIONS:
            assert (after["condition"], after["user_answer"]) == ("right_opinion", before["answer"])
        else:
            assert after == before
    sham = shuffled(rows, 0)
    changed = [(before, after) for before, after in zip(rows, sham, strict=True) if before != after]
    assert changed
    assert all(before["condition"] in answers.OPINIONS for before, _ in changed)
    counts = [[row["condition"] for row in some].count("right_opinion") for some in (rows, sham)]
    assert counts[0] == counts[1] == 40
