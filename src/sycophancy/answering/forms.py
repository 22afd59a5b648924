# SPDX-License-Identifier: Apache-2.0
"""How an answer follows a prompt of a decoder-only model, token by token: the ways to write each choice."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from sycophancy.answering.prompts import model_turn, render_conversation


class Asked(NamedTuple):
    """One prompt and its possible answers as token ids.

    Attributes:
        context: tokens that the model has read before it answers; at least one.
        answers: tokens of each answer, each at least one.
        choices: the choice that each answer stands for; several answers may be forms of one choice.
    """

    context: list[int]
    answers: list[list[int]]
    choices: list[str]


_LETTERED = re.compile(r"(?:\(([A-Z])\)|([A-Z])(?:[).:]|$))(?:\s.*)?", re.DOTALL)


def forms_of(choice: str, lettered: bool) -> list[str]:
    """The ways to write a choice that are the same answer; as it is comes first.

    Args:
        choice: the choice.
        lettered: whether each choice of its question carries a letter of its own, which then names it.
    """
    forms = [choice, choice[:1].upper() + choice[1:]]
    letter = _LETTERED.fullmatch(choice)
    if lettered and letter:
        name = letter[1] or letter[2]
        forms += [name, f"({name})", f"{name}.", f"{name})"]
    if len(choice) > 1:  # "a" is an article
        forms.append(choice.lower())
    return list(dict.fromkeys(forms))


class _Place(NamedTuple):
    """Where the answer to a prompt begins.

    Attributes:
        head: tokens of what stands before the tail, the same whatever is answered.
        tail: the text after them up to the answer, with which answers are tokenized.
        alone: how much of the tail is the prompt's alone.
        special: whether the tokenizer is to add the special tokens of a text.
    """

    head: list[int]
    tail: str
    alone: str
    special: bool

    def tokens(self, tokenizer, answers: Sequence[str]) -> tuple[int, list[list[int]]]:
        """Of each answer after the tail the tokens, the tail's included, and how many of them are the prompt's."""
        texts = [self.alone, *(self.tail + answer for answer in answers)]
        alone, *encoded = tokenizer(texts, add_special_tokens=self.special)["input_ids"]
        start = 0
        for tokens in zip(alone, *encoded, strict=False):
            if len(set(tokens)) > 1:
                break
            start += 1
        return start, encoded


def _places(tokenizer, prompts: Sequence[str]) -> list[_Place]:
    """Where the answers to the prompts begin.

    What stands before the last token that is no text is tokenized once, whatever follows.
    """
    if not tokenizer.chat_template:
        return [_Place([], prompt if prompt[-1:].isspace() else f"{prompt} ", prompt, True) for prompt in prompts]
    turn = model_turn(tokenizer, tokenizer.get_chat_template())
    names = sorted(filter(None, {tokenizer.eos_token, tokenizer.bos_token, *tokenizer.get_added_vocab()}))
    cuts, heads = [], []
    for prompt in prompts:
        opening, alone = turn.opening(prompt)
        at = max((alone.rfind(name) for name in names), default=-1)
        cuts.append((max(at, 0), opening, alone))
        heads.append(opening[: max(at, 0)])
    encoded = tokenizer(heads, add_special_tokens=False)["input_ids"] if heads else []
    splits: dict[str, bool] = {}
    places = []
    for (at, opening, alone), head in zip(cuts, encoded, strict=True):
        tail = opening[at:]
        if tail not in splits:  # a token may take the space before it along
            apart, together = tokenizer([tail, opening], add_special_tokens=False)["input_ids"]
            splits[tail] = head + apart == together
        places.append(_Place(head, tail, alone[at:], False) if splits[tail] else _Place([], opening, alone, False))
    return places


def encode_questions(tokenizer, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Asked]:
    """Prompts of a decoder-only model and the forms of their choices as token ids.

    Prompt and answer are tokenized together, as a model sees them, and a token that is not the prompt's alone belongs to
    the answer. With a chat template an answer stands where the template itself writes the model's words; without one, a
    space after the prompt. A form that goes on from another form of its choice is left out, as the same event; one that
    begins a form of another choice is followed by the end of the turn, so that no event counts for two choices.

    Args:
        tokenizer: its tokenizer.
        prompts: what the model reads (`as_asked`).
        choices: the choices of each prompt.

    Raises:
        ValueError: nothing stands before the answer.
    """
    found: dict[tuple, tuple[list[int], list[list[int]], list[str]]] = {}
    asked = []
    for prompt, place, options in zip(prompts, _places(tokenizer, prompts), choices, strict=True):
        key = (place.tail, place.alone, tuple(options))
        if key not in found:
            found[key] = _answers(tokenizer, place, options)
        before, answers, named = found[key]
        _check_begun(place.head + before, prompt)
        asked.append(Asked(place.head + before, answers, named))
    return asked


def _answers(tokenizer, place: _Place, options: Sequence[str]) -> tuple[list[int], list[list[int]], list[str]]:
    """The tokens of the place's tail before all answers; those of each form of each choice; and whose form each is."""
    lettered = all(_LETTERED.fullmatch(choice) for choice in options)
    # A model may write the space itself, where there is none before its words.
    spaces = ("", " ") if tokenizer.chat_template and not place.tail.endswith(" ") else ("",)
    forms = [(choice, space + form) for choice in options for space in spaces for form in forms_of(choice, lettered)]
    start, encoded = place.tokens(tokenizer, [form for _, form in forms])
    written: dict[str, dict[tuple[int, ...], str]] = {choice: {} for choice in options}
    for (choice, form), tokens in zip(forms, encoded, strict=True):
        # A form that the vocabulary lacks is any word.
        if form == choice or tokenizer.unk_token_id not in tokens[start:]:
            written[choice].setdefault(tuple(tokens[start:]), form)
    answers, named = [], []
    for choice, own in written.items():
        others = [answer for other in options if other != choice for answer in written[other]]
        # What could be either choice is neither's, but for the choice as it is.
        mine = {answer: form for answer, form in own.items() if form == choice or answer not in others}
        open_ended = [answer for answer in mine if any(_begins(answer, other) for other in others)]
        closed = dict(
            zip(open_ended, _closed(tokenizer, place, [mine[answer] for answer in open_ended], start), strict=True)
        )
        ways = [closed.get(answer, list(answer)) for answer in mine]
        kept = [way for way in ways if not any(_begins(other, way) for other in ways)]
        answers += kept
        named += [choice] * len(kept)
    return encoded[0][:start], answers, named


def _begins(answer: Sequence[int], other: Sequence[int]) -> bool:
    """Whether the other answer goes on from the one."""
    return len(answer) < len(other) and tuple(other[: len(answer)]) == tuple(answer)


def _closed(tokenizer, place: _Place, answers: Sequence[str], start: int) -> list[list[int]]:
    """The tokens of answers with the end of the model's turn, without the first `start` tokens of the place's tail."""
    end = model_turn(tokenizer, tokenizer.get_chat_template()).end if tokenizer.chat_template else ""
    _, encoded = place.tokens(tokenizer, [answer + end for answer in answers]) if answers else (0, [])
    last = [] if end else [tokenizer.eos_token_id]
    return [tokens[start:] + (last if tokens[-1:] != last else []) for tokens in encoded]


def _check_begun(context: Sequence[int], prompt: str) -> None:
    """Raise `ValueError` where nothing stands before the answer."""
    if not context:
        raise ValueError(
            f"expected a token before the answer, got none in the prompt {prompt!r}; "
            "use a tokenizer that begins a text with a token of its own, or a prompt that is not empty"
        )


def conversation_tokens(
    tokenizer, prompt: str | Sequence[str], choices: Sequence[str]
) -> tuple[list[int], list[list[int]]]:
    """Token ids of what stands before a decoder-only model's answer, and of each choice as the answer: what is tuned on.

    Without the model, since a library that keeps what a function was called with would keep, or read, its weights.

    Args:
        tokenizer: the model's tokenizer; its chat template is used where it has one, and the end of the turn is then part of
            the answer.
        prompt: what the user says, or the turns of a conversation: user, model, user ...
        choices: the possible answers.
    """
    turns = [prompt] if isinstance(prompt, str) else list(prompt)
    chat = tokenizer if tokenizer.chat_template else None
    (place,) = _places(tokenizer, [render_conversation(turns, chat) if chat or len(turns) > 1 else turns[0]])
    start, encoded = place.tokens(tokenizer, choices)
    _check_begun(place.head + encoded[0][:start], prompt)
    whole = _closed(tokenizer, place, choices, start) if tokenizer.chat_template else [row[start:] for row in encoded]
    return place.head + encoded[0][:start], whole
