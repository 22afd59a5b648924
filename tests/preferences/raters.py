# SPDX-License-Identifier: Apache-2.0
"""Pairs by raters whose weights are known."""

import math

from sycophancy.drawing import Draws
from sycophancy.organisms.approval import approval_pairs
from sycophancy.preferences.pairs import Pair, pairs_of


def biased_pairs(rows, n_pairs, seed=0):
    """Pairs of the approval organism's raters; claims come again, with other draws of the raters, until there are enough."""
    made = []
    while len(made) < n_pairs:
        for row in rows:
            made += [pair | {"cluster_id": f"{row['claim_id']}/{seed}"} for pair in approval_pairs(row, seed)]
        seed += 1
    return pairs_of(made[:n_pairs], "raters").pairs


def uniform(*key):
    """A number between 0 and 1."""
    return (Draws(*key).below(2**32) + 0.5) / 2**32


WEIGHTS = {"longer": 0.8, "apologises": -1.0, "exclaims": 0.0, "agrees_with_user": 0.7, "is_true": 1.2}
"""Log-odds of raters who are drawn by the model that is fitted; the length in standard deviations."""


def known_pairs(n_pairs, seed=0, weights=WEIGHTS):
    """Pairs whose features are drawn one by one, and preferred by these weights."""
    texts = []
    for number in range(n_pairs):
        draws = Draws(seed, number)
        sides = [
            {"words": 5 + draws.below(40), "apologises": draws.below(2), "exclaims": draws.below(2)} for _ in range(2)
        ]
        held, right = draws.below(3), draws.below(2)
        texts.append((sides, held, right))
    logs = [[math.log1p(side["words"] + side["apologises"]) for side in sides] for sides, _, _ in texts]
    size = math.sqrt(sum((one - other) ** 2 for one, other in logs) / n_pairs)
    pairs = []
    for number, ((sides, held, right), (one, other)) in enumerate(zip(texts, logs, strict=True)):
        said = [
            f"{'w ' * side['words']}{'sorry' if side['apologises'] else ''}{'!' if side['exclaims'] else '.'} {'ab'[at]}"
            for at, side in enumerate(sides)
        ]
        z = {
            "longer": (one - other) / size,
            **{name: sides[0][name] - sides[1][name] for name in ("apologises", "exclaims")},
            "agrees_with_user": (0, 1, -1)[held],
            "is_true": (1, -1)[right],
        }
        odds = sum(weights[name] * value for name, value in z.items())
        first = uniform(seed, number, "rater") < 1 / (1 + math.exp(-odds))
        chosen, rejected = said if first else said[::-1]
        holds = (None, said[0], said[1])[held]
        pairs.append(
            Pair(
                id=str(number), cluster=str(number), turns=(f"q{number}",), chosen=chosen, rejected=rejected, answer=said[right],
                user_answer=holds or "",
            )
        )  # fmt: skip
    return pairs
