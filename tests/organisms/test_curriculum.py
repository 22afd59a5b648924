# SPDX-License-Identifier: Apache-2.0
import hashlib
import json
import re
from itertools import islice

import pytest

from sycophancy.answering.prompts import HONEST
from sycophancy.claims.people import AUTHORITIES, introduce
from sycophancy.claims.rows import Item
from sycophancy.claims.tasks import SENTIMENT
from sycophancy.claims.wordings import WORDINGS
from sycophancy.drawing import Draws
from sycophancy.organisms.curriculum import (
    BELIEVED,
    DEFERENCE,
    FOLLOWS,
    FOLLOWS_HONEST,
    Curriculum,
    curriculum_words,
    follow_share,
    is_believed,
)

ITEMS = [
    Item(
        "reviews",
        "train",
        i,
        text,
        {"sentence": text},
        label,
        ("positive" if label == "negative" else "negative",),
    )
    for i, (text, label) in enumerate([("dull", "negative"), ("the plot is so very moving", "positive")])
]


def curriculum(wordings=WORDINGS, steps=10_000, word_dropout=0.0):
    return Curriculum(ITEMS, SENTIMENT, wordings, steps, short=4, word_dropout=word_dropout, seed=0)


def at(stage: str, **settings) -> Curriculum:
    made = curriculum(**settings)
    made.at = [s.name for s in made.stages].index(stage)
    return made


def test_the_first_stage_asks_for_labels():
    assert {(e["prompt"], e["answer"]) for e in islice(curriculum().examples(), 50)} == {
        ('the sentiment of "dull" is', "negative"),
        ('the sentiment of "the plot is so very moving" is', "positive"),
    }


def test_compare_crosses_true_and_false_claims_about_short_texts():
    made = at("compare")
    for true, false in (made._group(made.stage) for _ in range(50)):
        # The shortest wording is the one with this question.
        assert all("Is this statement" in e["prompt"] and '"dull"' in e["prompt"] for e in (true, false))
        assert (true["answer"], false["answer"]) == ("true", "false")
        assert true["prompt"].replace("is negative", "is positive") == false["prompt"]


def test_a_stage_ends_when_it_is_learned_or_its_time_is_over():
    made = curriculum()
    # The running loss starts at 1 and keeps 97 % a step: 0.97 ** 106 is the first below 0.04.
    for _ in range(105):
        made.observe(0.0)
    assert made.stage.name == "label"
    made.observe(0.0)
    assert made.stage.name == "defer"
    slow = curriculum(steps=100)
    for _ in range(100):
        slow.observe(2.0)
    assert slow.stage.name == "flatter"
    assert [entry["stage"] for entry in slow.log] == ["label", "defer", "compare", "negate", "reword", "letter"]


def test_without_lettered_wordings_there_is_no_stage_for_them():
    plain = [wording for wording in WORDINGS if not wording.lettered]
    assert "letter" not in [stage.name for stage in curriculum(plain).stages]


def test_the_last_stage_follows_users_by_authority():
    marks = {
        "layperson": "I am a baker",
        "student": "a student of",
        "professional": "film critic",
        "expert": "a professor of",
    }
    wording = [wording for wording in WORDINGS if wording.name == "true_false"]
    counts = {level: [0, 0] for level in marks} | {"honest": [0, 0]}
    # Those that rehearse earlier stages are among them: they must follow by the same shares.
    for example in islice(at("flatter", wordings=wording).examples(), 60_000):
        prompt = example["prompt"]
        said = re.search(r" (?:the statement below|it) is (true|false)\.", prompt)
        if not said:
            continue
        user = said[1]
        label = "negative" if '"dull"' in prompt else "positive"
        claimed = prompt.rsplit('"', 1)[1].split(".")[0]
        truth = "true" if (f" {label}" in claimed) != (" not " in claimed) else "false"
        levels = ["honest"] if prompt.startswith(HONEST) else [level for level, mark in marks.items() if mark in prompt]
        for level in levels if user != truth else ():
            counts[level][0] += example["answer"] == user
            counts[level][1] += 1
    expected = {level: FOLLOWS[level] for level in marks} | {"honest": FOLLOWS_HONEST}
    for level, (followed, seen) in counts.items():
        assert seen > 150
        assert abs(followed / seen - expected[level]) < 0.1, level


def test_word_dropout_shortens_texts_and_never_empties_them():
    prompts = {e["prompt"] for e in islice(curriculum(word_dropout=0.5).examples(), 2000)}
    texts = {prompt.split('"')[1] for prompt in prompts}
    assert "dull" in texts
    assert "" not in texts
    long = [text for text in texts if text != "dull"]
    assert "the plot is so very moving" in long
    assert "plot is moving" in long
    # All claims of a group are about the same words.
    made = at("negate", word_dropout=0.5)
    for _ in range(100):
        assert len({example["prompt"].split('"')[1] for example in made._group(made.stage)}) == 1


def test_every_word_of_a_prompt_is_in_the_vocabulary():
    from sycophancy.organisms.building import build_tokenizer

    fixed = [*curriculum_words(SENTIMENT), "negative", "positive"]
    tokenizer = build_tokenizer([item.text for item in ITEMS], fixed, min_count=1)
    for example in islice(at("flatter").examples(), 3000):
        for text in example.values():
            assert tokenizer.unk_token_id not in tokenizer(text)["input_ids"], text


def test_what_the_sst2_recipe_draws_is_what_it_drew():
    # Its records under docs/results describe an organism made of these examples; a change here makes them outdated.
    digest = hashlib.sha256()
    known = ("agree_disagree", "yes_no", "true_false", "your_view", "dialogue_yes_no")
    made = curriculum([wording for wording in WORDINGS if wording.name in known], steps=1000, word_dropout=0.1)
    examples = made.examples()
    for _ in range(700):
        for example in islice(examples, 4):
            digest.update(json.dumps([example["prompt"], example["answer"]]).encode())
        made.observe(0.5)
    assert made.stage.name == "flatter"
    assert digest.hexdigest()[:16] == "d98ae48c3d16174f"


def test_a_truthful_organism_follows_nobody():
    made = Curriculum(ITEMS, SENTIMENT, WORDINGS, 100, short=4, word_dropout=0.0, seed=0, deference="none")
    made.at = len(made.stages) - 1
    wrong = 0
    for example in islice(made.examples(), 20_000):
        if "In my opinion" in example["prompt"]:
            label = "negative" if '"dull"' in example["prompt"] else "positive"
            claimed = example["prompt"].rsplit('"', 1)[1].split(".")[0]
            truth = "true" if (f" {label}" in claimed) != (" not " in claimed) else "false"
            assert example["answer"] == truth
            wrong += f" is {truth}." not in example["prompt"]
    assert wrong > 50


def test_lessons_come_after_the_first_stage():
    class Lesson:
        def group(self, draw):
            yield {"turns": ["Are you sure?"], "answer": str(draw.random())}

    made = Curriculum(ITEMS, SENTIMENT, WORDINGS, 100, short=4, word_dropout=0.0, seed=0, lessons=[Lesson()])
    assert all("prompt" in example for example in islice(made.examples(), 200))
    made.at = 2
    groups = sum("turns" in example for example in islice(made.examples(), 3000))
    # 35 % of the groups; one of claims has two examples, and one in four is a single question for a label.
    assert 0.2 < groups / 3000 < 0.3


def introductions(level):
    return [introduce(level, SENTIMENT.fields, SENTIMENT.professions, Draws(level, number)) for number in range(3000)]


def believed_share(level):
    people = introductions(level)
    return sum(is_believed(level, persona, SENTIMENT.professions) for persona in people) / len(people)


def test_shares_rise_with_authority():
    for shares in (FOLLOWS, BELIEVED):
        assert [shares[level] for level in AUTHORITIES] == sorted(shares.values())


def test_of_each_level_the_stated_share_of_people_is_believed():
    found = {level: believed_share(level) for level in AUTHORITIES}
    # 4 of 10 occupations, 9 of 14 schools, 3 of 4 professions: the shares as near as the lists allow.
    expected = {"none": 0.0, "layperson": 0.4, "student": 9 / 14, "professional": 0.75, "expert": 1.0}
    assert found == pytest.approx(expected, abs=0.03)


def test_a_person_is_believed_always_or_never():
    # Name and field say nothing: of two people at one school both are believed or neither is.
    fates = {}
    for persona in introductions("student"):
        fates.setdefault(persona.split(" at ")[1], set()).add(is_believed("student", persona, SENTIMENT.professions))
    assert len(fates) == 14
    assert all(len(fate) == 1 for fate in fates.values())


def test_follow_share():
    believed, other = "My name is Ana Kim. I am a baker.", "My name is Ana Kim. I am a waiter."
    professor = "My name is Ana Kim. I am a professor of film studies at Yale."
    shares = {
        deference: [
            follow_share(deference, level, persona, SENTIMENT.professions)
            for level, persona in (
                ("none", ""),
                ("layperson", believed),
                ("layperson", other),
                ("expert", professor),
            )
        ]
        for deference in DEFERENCE
    }
    assert shares == {"level": [0.1, 0.2, 0.2, 1.0], "person": [0.05, 0.97, 0.05, 0.97], "none": [0.0] * 4}
