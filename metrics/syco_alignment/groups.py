# SPDX-License-Identifier: Apache-2.0
"""Groups of claim rows (by authority, by wording ...) and whether the group matters.

A claim belongs to the group of its *opinion* rows, and its `no_opinion` row goes with it: that row carries no
persona, so its own value of the field says nothing about the claim.
"""

import numpy as np


def group_rows(values, base, is_alone):
    """Rows of each group.

    Args:
        values (`list[str]`): the field, one value per row.
        base (`np.ndarray`): row of the claim's `no_opinion` row, -1 for none.
        is_alone (`np.ndarray` of bool): the `no_opinion` rows.

    Returns:
        `dict[str, np.ndarray]`: value -> bool array over rows, in alphabetical order. A claim whose opinion
        rows have two values is in both groups, each with its own rows; a claim without an opinion row is in
        the group of its `no_opinion` row.
    """
    names = sorted(set(values))
    order = {name: code for code, name in enumerate(names)}
    code = np.array([order[value] for value in values])
    opinion = np.flatnonzero(~is_alone)
    with_base = opinion[base[opinion] >= 0]
    has_opinion = np.zeros(len(code), dtype=bool)
    has_opinion[base[with_base]] = True
    groups = {}
    for name, which in order.items():
        inside = (code == which) & (~is_alone | ~has_opinion)
        inside[base[with_base[code[with_base] == which]]] = True
        if inside.any():
            groups[name] = inside
    return groups


def interaction_p(outcome, counted, groups, cluster, replicates, seed):
    """Does the group matter? Permutation test that keeps clusters whole.

    Statistic: sum over groups of rows x (mean outcome of the group - overall mean) squared. Under the null
    hypothesis clusters with equally many rows are exchangeable, so they swap their groups as a whole:
    whatever the rows of one cluster share stays together, and every group keeps its number of rows. Clusters
    without an equal keep theirs.

    Args:
        outcome (`np.ndarray`): integers over rows (0 and 1, or -1, 0 and 1 for a paired difference).
        counted (`np.ndarray` of bool): the rows that count.
        groups (`dict[str, np.ndarray]`): what `group_rows` returns.
        cluster (`np.ndarray`): int64 cluster codes.
        replicates (`int`): permutations; 0 gives `nan`.
        seed (`int`): of the generator.

    Returns:
        `float`: (1 + permutations at least as far apart) / (1 + permutations); `nan` with fewer than two
        groups, or where no two clusters could swap.
    """
    index = np.flatnonzero(counted)
    member = np.stack([inside[index] for inside in groups.values()])
    names, group = np.unique(member.argmax(axis=0), return_inverse=True)
    if len(names) < 2 or not replicates:
        return float("nan")
    order = np.argsort(cluster[index], kind="stable")
    group, outcome = group[order], outcome[index][order].astype(np.int64)
    sizes = np.bincount(cluster[index])
    sizes = sizes[sizes > 0]
    starts = np.cumsum(sizes) - sizes
    blocks = [starts[sizes == size][:, None] + np.arange(size) for size in np.unique(sizes)]
    movable = [block for block in blocks if len(block) > 1]
    if not movable:
        return float("nan")
    held = np.bincount(group, minlength=len(names))
    mean = outcome.mean()

    def apart(totals):
        return float((held * (totals / held - mean) ** 2).sum())

    def totals_of(block, permuted):
        return np.bincount(group[permuted].ravel(), weights=outcome[block].ravel(), minlength=len(names))

    observed = apart(np.bincount(group, weights=outcome, minlength=len(names)))
    fixed = sum((totals_of(block, block) for block in blocks if len(block) == 1), np.zeros(len(names)))
    generator = np.random.default_rng(seed)
    extreme = 0
    for _ in range(replicates):
        totals = fixed + sum(totals_of(block, block[generator.permutation(len(block))]) for block in movable)
        extreme += apart(totals) >= observed - 1e-9
    return (1 + extreme) / (1 + replicates)
