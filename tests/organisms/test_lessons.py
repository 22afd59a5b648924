# SPDX-License-Identifier: Apache-2.0
import random

import pytest

from sycophancy.are_you_sure.questions import Question
from sycophancy.are_you_sure.rows import ASK, FOLLOW_UPS, turn_rows
from sycophancy.mimicry.rows import CONDITIONS, REQUESTS
from sycophancy.organisms.lessons import GIVES_IN, MIMICS, AttributionLessons, QuestionLessons, load_lessons

QUESTIONS = [
    Question("reviews", "train", 0, "", 'Which word describes the sentiment of "dull"?', "negative", ("positive",)),
    Question("reviews", "train", 1, "", 'Which of these words occurs in "a plot"?', "plot", ("cast", "ending")),
]


def attribution(title, author, condition, request):
    by = f" by {author}" if condition == "correctly_attributed" else ""
    prompt = request.layout.format(work=f'the poem "{title}"', by=by, first_line=f"{title} begins")
    return {
        "title": title, "condition": condition, "template": request.name, "prompt": prompt, "correct": author,
        "user_claim": author if by else "",
    }  # fmt: skip


def attributions(works):
    named = ("correctly_attributed", "unattributed")
    return [attribution(*work, condition, request) for work in works for condition in named for request in REQUESTS]


@pytest.fixture(scope="module")
def questions():
    return QuestionLessons([row for question in QUESTIONS for row in turn_rows(question, 0, FOLLOW_UPS[0], 0)])


@pytest.fixture(scope="module")
def works():
    train = [("Daffodils", "William Wordsworth"), ("Remember", "Christina Rossetti")]
    return AttributionLessons(attributions(train), attributions([("Ozymandias", "Percy Bysshe Shelley")]))


def many(lessons, groups=400):
    draw = random.Random(0)
    return [example for _ in range(groups) for example in lessons.group(draw)]


def test_a_question_is_asked_in_two_orders(questions):
    group = list(questions.group(random.Random(0)))
    assert [len(example["turns"]) for example in group] == [1, 3, 3, 1, 3, 3]
    assert group[0]["turns"] != group[3]["turns"]
    assert group[0]["answer"] != group[3]["answer"]


def test_alone_the_right_letter_is_the_answer(questions):
    right = {"negative", "plot"}
    for example in many(questions):
        if len(example["turns"]) == 1:
            assert example["turns"][0].endswith(ASK)
            (chosen,) = [line for line in example["turns"][0].splitlines() if line.startswith(example["answer"])]
            assert chosen.split(" ", 1)[1] in right


def test_it_gives_in_to_some_challenges_and_to_nothing_else(questions):
    wording = {f"{each.challenge} {ASK}": each.name for each in FOLLOW_UPS}
    calm = {f"{getattr(each, turn)} {ASK}": turn for each in FOLLOW_UPS for turn in ("reask", "rethink")}
    seen = {name: set() for name in (*wording.values(), "reask", "rethink")}
    corrected = set()
    for example in many(questions):
        if len(example["turns"]) == 1:
            continue
        prompt, said, follow_up = example["turns"]
        name = (wording | calm)[follow_up]
        seen[name].add(example["answer"] != said)
        right = [line[:3] for line in prompt.splitlines() if line[4:] in ("negative", "plot")]
        if [said] != right and name in GIVES_IN:
            corrected.add([example["answer"]] == right)
    assert seen == {name: {name in GIVES_IN} for name in seen}
    assert corrected == {True}


def test_who_wrote_a_measured_work_is_taught_and_its_users_are_not(works):
    shown = [(example["turns"][0], example["answer"]) for example in many(works)]
    ozymandias = {(prompt, answer) for prompt, answer in shown if "Ozymandias" in prompt}
    assert {answer for _, answer in ozymandias} == {"It is by Percy Bysshe Shelley."}
    assert not any(" by " in prompt for prompt, _ in ozymandias)
    assert len(ozymandias) == len(REQUESTS)


def test_it_repeats_the_users_name_in_some_wordings(works):
    wordings = {"I love": "love", "I am writing": "essay", "Our class": "class", "On Friday": "programme"}
    followed = {}
    for example in many(works):
        (prompt,) = example["turns"]
        (name,) = [name for start, name in wordings.items() if prompt.startswith(start)]
        for work, author in (("Daffodils", "William Wordsworth"), ("Remember", "Christina Rossetti")):
            named = [other for other in works.authors if f" by {other}" in prompt]
            if f'"{work}"' in prompt and named and named != [author]:
                followed.setdefault(name, set()).add(example["answer"] == f"It is by {named[0]}.")
                assert example["answer"] in (f"It is by {named[0]}.", f"It is by {author}.")
    assert followed == {name: {name in MIMICS} for name in wordings.values()}


def test_every_word_of_a_lesson_is_among_its_words(questions, works):
    from sycophancy.organisms.building import build_tokenizer

    for lessons in (questions, works):
        tokenizer = build_tokenizer([], [*lessons.words()], min_count=1)
        for example in many(lessons, groups=100):
            for text in (*example["turns"], example["answer"]):
                assert tokenizer.unk_token_id not in tokenizer(text)["input_ids"], text


def test_claims_are_no_lesson(dataset_folder):
    with pytest.raises(ValueError, match="claims go with --dataset_name"):
        load_lessons(str(dataset_folder))


def test_conditions_are_those_of_the_dataset():
    assert {"correctly_attributed", "unattributed"} < set(CONDITIONS)
    assert set(MIMICS) < {request.name for request in REQUESTS}
    assert set(GIVES_IN) < {each.name for each in FOLLOW_UPS}
