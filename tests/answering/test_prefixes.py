# SPDX-License-Identifier: Apache-2.0
import random

import pytest

from sycophancy.answering.prefixes import Shared, shared_prefixes

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
