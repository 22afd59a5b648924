# SPDX-License-Identifier: Apache-2.0
from collections import Counter
from itertools import combinations, product

from sycophancy.drawing import BLOCK, Draws, balance, deal, in_drawn_order


def test_a_key_gives_the_same_draws_always():
    assert [Draws(0, "sst2/train/17").below(1000) for _ in range(3)] == [Draws(0, "sst2/train/17").below(1000)] * 3
    # Fixed for good: published ids and rows depend on it.
    first = Draws(0, "sst2/train/17")
    assert [first.below(10) for _ in range(6)] == [EXPECTED[i] for i in range(6)]


def test_keys_are_told_apart():
    assert Draws(1, "2").below(10**9) != Draws(12, "").below(10**9)


def test_every_order_is_drawn_and_none_is_favoured():
    counts = Counter("".join(Draws("order", i).shuffled("abc")) for i in range(3000))
    assert len(counts) == 6
    assert all(abs(count - 500) < 100 for count in counts.values())
    assert Draws(0, "order").shuffled("abcdef") == list("fdcbae")


def test_an_order_by_draws_does_not_depend_on_what_else_there_is():
    order = in_drawn_order("abcdefgh", lambda option: (0, option))
    assert sorted(order) == list("abcdefgh") != order
    assert in_drawn_order("hgfedc", lambda option: (0, option)) == [option for option in order if option not in "ab"]


def test_draws_are_uniform():
    counts = Counter(Draws("uniform", i).pick("abc") for i in range(3000))
    assert all(abs(count - 1000) < 120 for count in counts.values())


def test_a_block_holds_every_combination_once():
    cells = [deal(i, ["ab", "xyz"], "key") for i in range(12)]
    every = {(a, x) for a in "ab" for x in "xyz"}
    assert set(cells[:6]) == set(cells[6:]) == every


def test_blocks_are_in_different_orders():
    cells = [deal(i, ["ab", "xyz", "12345"], "key") for i in range(60)]
    assert cells[:30] != cells[30:]


EXPECTED = [5, 2, 4, 6, 9, 2]


def test_balance_crosses_any_two_factors_after_few_items():
    factors = [range(5), range(6), range(3), range(2), range(4)]
    items = [balance(index, factors, 0, "some", "key") for index in range(BLOCK + 240)]
    for start, count in ((0, 120), (0, 480), (BLOCK, 240)):
        for one, other in combinations(range(len(factors)), 2):
            cells = Counter((item[one], item[other]) for item in items[start : start + count])
            expected = count / (len(factors[one]) * len(factors[other]))
            assert all(abs(cells[pair] - expected) <= 3 for pair in product(factors[one], factors[other]))


def test_balance_depends_on_the_key_alone():
    factors = ["ab", (1, 2, 3)]
    assert balance(7, factors, 0) == balance(7, factors, 0)
    assert [balance(index, factors, 0) for index in range(20)] != [balance(index, factors, 1) for index in range(20)]
    assert balance(BLOCK, factors, 0)[0] in "ab"
