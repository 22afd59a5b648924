# SPDX-License-Identifier: Apache-2.0
import random
import threading

import pytest
from datasets import Dataset

from sycophancy.answering.batches import (
    RenderedPrompts,
    Shared,
    ahead,
    batches_by_length,
    check_bounds,
    dealt,
    distinct_questions,
    in_parts,
    shared_prefixes,
    sorted_by_beginning,
    together,
    window_of,
)


@pytest.mark.parametrize(
    ("batch_size", "batch_tokens", "expected"),
    [
        (2, None, [[1, 3], [2, 0], [4]]),
        (None, 18, [[1, 3], [2, 0, 4]]),
        (2, 18, [[1, 3], [2, 0], [4]]),
        (None, 10, [[1], [3], [2, 0], [4]]),
        (None, 1, [[1], [3], [2], [0], [4]]),  # a longer prompt is a batch of its own
        (64, None, [[1, 3, 2, 0, 4]]),
    ],
)
def test_batches_hold_every_row_once_longest_first(batch_size, batch_tokens, expected):
    assert list(batches_by_length([3, 9, 5, 9, 1], batch_size, batch_tokens)) == expected


def test_batches_in_a_given_order():
    assert list(batches_by_length([3, 9, 5], 2, None, [0, 2, 1])) == [[0, 2], [1]]
    assert list(batches_by_length([], 2)) == []


def test_prompts_that_begin_alike_stand_together():
    head = list(range(20))
    contexts = [[*head, 1, 2], [7] * 40, [*head, 3], [8] * 21, [*head, 1]]
    assert together(contexts) == [1, 3, 0, 2, 4]


def test_a_prompt_is_asked_once_with_all_choices_that_some_row_offers():
    assert distinct_questions(["p", "q", "p"], [["a", "b"], ["c"], ["b", "d"]]) == (
        ["p", "q"],
        [["a", "b", "d"], ["c"]],
        [[0, 2], [1]],
    )


def test_prompts_are_rendered_when_they_are_asked_for():
    rows = [{"prompt": str(number)} for number in range(7)]
    seen = []

    def render(some):
        seen.append(len(some))
        return [f"<{row['prompt']}>" for row in some]

    for source in (rows, Dataset.from_list(rows)):
        prompts = RenderedPrompts(source, render)
        assert len(prompts) == 7
        assert seen == []
        assert prompts[4:9] == ["<4>", "<5>", "<6>"]
        assert (prompts[0], prompts[-1]) == ("<0>", "<6>")
        assert seen == [3, 1, 1]
        seen.clear()
        assert window_of(source, 5, 9) == rows[5:]


def test_the_next_item_is_made_while_one_is_worked_on():
    made = threading.Event()

    def items():
        yield 1
        made.set()
        yield 2
        raise OSError("third")

    got = ahead(items())
    assert next(got) == 1
    assert made.wait(timeout=20)
    assert next(got) == 2
    with pytest.raises(OSError, match="third"):
        next(got)


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ((0, None), "--batch_size: expected 1 or more, got 0"),
        ((4, -1), "--batch_tokens: expected 1 or more, got -1"),
    ],
)
def test_batches_without_room(bounds, message):
    with pytest.raises(ValueError, match=message):
        check_bounds(*bounds)


@pytest.mark.parametrize(
    ("least", "expected"),
    [
        (1, [[[1, 2]], [[3]], [[4, 5]], [[6]]]),
        (3, [[[1, 2], [3]], [[4, 5], [6]]]),
        (4, [[[1, 2], [3], [4, 5]], [[6]]]),
    ],
)
def test_consecutive_batches_are_brought_together(least, expected):
    assert list(in_parts([[1, 2], [3], [4, 5], [6]], least)) == expected


def test_every_item_is_dealt_once_and_the_large_ones_to_all():
    assert [dealt([9, 8, 7, 6, 5, 4, 3], hand, 3) for hand in range(3)] == [[9, 4, 3], [8, 5], [7, 6]]
    assert dealt([3, 2, 1], 0, 1) == [3, 2, 1]


HEAD = list(range(20))


@pytest.mark.parametrize(
    ("contexts", "expected"),
    [
        ([], []),
        ([HEAD], []),
        ([[*HEAD, 1], [*HEAD, 2]], [Shared([0, 1], 20)]),
        ([HEAD, HEAD], [Shared([0, 1], 19)]),  # each keeps its last token
        ([[*HEAD, 5], HEAD], [Shared([1, 0], 19)]),
        ([[*HEAD, *[1] * 30], [*HEAD, 2]], []),  # less than half of the longer one
        ([[1, 2, 3], [1, 2, 4]], []),  # too short to be worth it
        ([[*HEAD, 1], [9] * 30, [*HEAD, 2], [*[9] * 29, 1]], [Shared([0, 2], 20), Shared([3, 1], 29)]),
    ],
)
def test_groups(contexts, expected):
    assert shared_prefixes(contexts) == expected


def test_prompts_that_begin_alike_are_neighbours():
    assert sorted_by_beginning([[2, 1], [1, 2, 3], [1], [1, 2], [1, 2, 3]]) == [2, 3, 1, 4, 0]


def test_whatever_the_prompts_a_group_has_its_beginning_in_common():
    draw = random.Random(0)
    for _ in range(200):
        contexts = [[draw.randrange(2) for _ in range(draw.randint(1, 30))] for _ in range(draw.randint(1, 40))]
        groups = shared_prefixes(contexts)
        members = [member for group in groups for member in group.members]
        assert len(members) == len(set(members))
        for group in groups:
            assert len({tuple(contexts[member][: group.length]) for member in group.members}) == 1
            assert all(8 <= group.length < len(contexts[member]) for member in group.members)
            assert all(2 * group.length >= len(contexts[member]) for member in group.members)
