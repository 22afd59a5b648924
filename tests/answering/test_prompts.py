# SPDX-License-Identifier: Apache-2.0
import re
from collections import Counter

import pytest
from tiny_llama import CHAT, tiny_llama

from sycophancy.answering.prompts import (
    HONEST,
    context_of,
    describe_template,
    render_conversation,
    set_template_arguments,
    without_thought,
)
from sycophancy.dataset.reading import load_claims

ROWS = [{"prompt": f"question {i}", "claim_id": f"c{i}"} for i in range(400)]
SHOTS = [
    {"id": f"{condition}/{is_true}/{i}", "prompt": f"{condition} {is_true} {i}", "answer": "yes" if is_true else "no",
     "condition": condition, "claim_is_true": is_true}
    for condition in ("right_opinion", "wrong_opinion", "no_opinion")
    for is_true in (True, False)
    for i in range(9)
]  # fmt: skip


def with_context(rows, *settings, **named):
    """The prompts of the rows, and the ids of their examples."""
    in_context = context_of(*settings, **named)
    prompts, drawn = zip(*map(in_context, rows), strict=True)
    return list(prompts), list(drawn)


@pytest.fixture(scope="module")
def splits(dataset_folder):
    return {split: list(load_claims(str(dataset_folder), split)) for split in ("train", "validation")}


def test_nothing_and_the_instruction():
    assert with_context(ROWS[:1], "none") == (["question 0"], [[]])
    assert with_context(ROWS[:1], "honest") == ([f"{HONEST}question 0"], [[]])


def test_third_person_changes_the_users_words_and_nothing_else(splits):
    prompts, drawn = with_context(splits["validation"], "third_person")
    assert not any(drawn)
    opens = {row["template"]: set() for row in splits["validation"]}
    for row, prompt in zip(splits["validation"], prompts, strict=True):
        if row["condition"] == "no_opinion":
            assert prompt == row["prompt"]
            continue
        # In quotation marks, wherever the user speaks: before the claim, after it, or both.
        reported = re.findall(r'Someone wrote: "([A-Z].*?\.)"(?=[ \n])', prompt)
        assert (
            len(reported)
            == prompt.count("Someone wrote: ")
            == 1 + (row["opinion_place"] == "after" and bool(row["persona"]))
        )
        assert "".join(reported).startswith(row["persona"])
        for words in reported:
            prompt = prompt.replace(f'Someone wrote: "{words}"', words)
        assert prompt == row["prompt"]
        if row["opinion_place"] == "before":
            opens[row["template"]].add(row["prompt"].partition(reported[0])[0])
    # Where the user's words begin: after the speaker's name in the wordings that are dialogues.
    assert opens == {
        "agree_disagree": {""}, "founding": {""}, "yes_no": {""}, "true_false": {""}, "wei": {"Human: "}, "your_view": {""},
        "dialogue_yes_no": {"Human: "}, "lettered_true_false": {""},
    }  # fmt: skip


def test_a_row_that_is_not_what_its_columns_say_is_refused(splits):
    row = next(row for row in splits["validation"] if row["condition"] == "wrong_opinion")
    with pytest.raises(ValueError, match="expected the prompt of the template"):
        with_context([row | {"prompt": "other words"}], "third_person")


def test_examples_are_balanced_over_users_answers_and_places():
    prompts, drawn = with_context(ROWS, "3shot", SHOTS, seed=0)
    for place in range(3):
        cells = Counter(tuple(ids[place].split("/")[:2]) for ids in drawn)
        assert set(cells) == {
            (user, truth) for user in ("right_opinion", "wrong_opinion") for truth in ("True", "False")
        }
        # 400 rows over four cells: 100 each, and 30 are more than three standard deviations.
        assert all(abs(count - 100) < 30 for count in cells.values())
    # No cell twice in one prompt: neither the user nor the answer tells what comes next.
    assert all(len({tuple(i.split("/")[:2]) for i in ids}) == 3 for ids in drawn)
    shots = {shot["id"]: shot for shot in SHOTS}
    for row, prompt, ids in zip(ROWS, prompts, drawn, strict=True):
        solved = [f"{shots[i]['prompt']} {shots[i]['answer']}\n\n" for i in ids]
        assert prompt == "".join(solved) + row["prompt"]


def test_another_seed_draws_others_and_the_arms_of_a_claim_get_the_same():
    arms = [{"prompt": "a", "claim_id": "c"}, {"prompt": "b", "claim_id": "c"}]
    (first, second), (ids, same_ids) = with_context(arms, "3shot", SHOTS, seed=0)
    assert (first[:-1], ids) == (second[:-1], same_ids)
    assert with_context(arms, "3shot", SHOTS, seed=1)[1] != [ids, ids]


def test_the_control_has_the_same_examples_without_opinions(splits):
    rows, train = splits["validation"][:30], splits["train"]
    (told, drawn), (silent, same) = (with_context(rows, name, train, seed=3) for name in ("3shot", "3shot_no_opinion"))
    assert drawn == same
    by_id = {shot["id"]: shot for shot in train}
    for row, with_opinions, without, ids in zip(rows, told, silent, drawn, strict=True):
        assert without.endswith(row["prompt"])
        assert len(without) < len(with_opinions)
        for shot in (by_id[i] for i in ids):
            assert f"{shot['prompt']} {shot['answer']}\n\n" in with_opinions
            if shot["persona"]:
                assert shot["persona"] not in without.removesuffix(row["prompt"])


def test_examples_need_opinions():
    with pytest.raises(
        ValueError, match=r"expected right and wrong opinions .* got 0 of right_opinion on a true claim, 0"
    ):
        with_context(ROWS, "3shot", SHOTS[-9:])
    with pytest.raises(ValueError, match=r"expected --in_context among none, honest, third_person, .* got 'many'"):
        with_context(ROWS, "many")


def test_a_conversation_in_lines():
    assert render_conversation(["Is it?\n(A) x", "(A)", "Are you sure?"]) == (
        "Human: Is it?\n(A) x\nAssistant: (A)\nHuman: Are you sure?\nAssistant:"
    )


def test_a_conversation_by_the_chat_template():
    _, tokenizer = tiny_llama(["x"], CHAT)
    assert render_conversation(["Is it?", "(A)", "Sure?"], tokenizer) == (
        "<s><|user|>\nIs it?</s>\n<|assistant|>\n(A)</s>\n<|user|>\nSure?</s>\n<|assistant|>\n"
    )


def test_a_record_names_the_template_and_the_system_prompt_that_nobody_gave():
    template = (
        "{% if messages[0]['role'] != 'system' %}<|system|>\nYou are Tiny.{{ eos_token }}\n{% endif %}" + CHAT
    )  # fmt: skip
    _, tokenizer = tiny_llama(["x"], template)
    found = describe_template(tokenizer)
    assert found["before_user"] == "<|system|>\nYou are Tiny.</s>\n<s><|user|>\n"
    _, other = tiny_llama(["x"], CHAT)
    assert describe_template(other)["system_prompt"] == ""
    assert describe_template(other)["fingerprint"] != found["fingerprint"]
    same_place = CHAT.replace(
        "{{ bos_token }}",
        "{% if messages[0]['role'] != 'system' %}<|system|>\nYou are Tiny.{{ eos_token }}\n{% endif %}",
    )
    assert describe_template(tiny_llama(["x"], same_place)[1])["system_prompt"] == "You are Tiny."
    assert describe_template(None) is None


def test_arguments_of_the_template():
    thinking = "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}"
    template = CHAT.replace("<|assistant|>\n{% endif %}", "<|assistant|>\n" + thinking + "{% endif %}")
    _, tokenizer = tiny_llama(["x"], template)
    set_template_arguments(tokenizer, {})
    assert tokenizer.chat_template == template
    with pytest.raises(ValueError, match=r"what the chat template reads \(.*enable_thinking.*\), got 'thinking'"):
        set_template_arguments(tokenizer, {"thinking": False})
    assert not render_conversation(["Is it?"], tokenizer).endswith("</think>\n\n")
    set_template_arguments(tokenizer, {"enable_thinking": False})
    assert render_conversation(["Is it?"], tokenizer).endswith("<|assistant|>\n<think>\n\n</think>\n\n")
    with pytest.raises(
        ValueError, match="expected a model with a chat template for --chat_template_kwargs, got one with"
    ):
        set_template_arguments(tiny_llama(["x"])[1], {"enable_thinking": False})


def test_what_was_said_after_the_thoughts():
    assert without_thought("<think>peas</think>\n\nBeans") == "Beans"
    assert without_thought("Beans") == "Beans"
