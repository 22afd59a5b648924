# SPDX-License-Identifier: Apache-2.0
"""Groups of claim rows (by authority, by wording ...) and whether the group matters.

A claim belongs to the group of its *opinion* rows, and its other rows go with it: the `no_opinion` row carries no
persona, so its own value of the field says nothing about the claim.
"""

import numpy as np

CELLS_PER_ROW = 0.1  # a drawn cell of a table takes about as long as ten swapped rows


def group_rows(values, unit, speaks):
    """Rows of each group.

    Args:
        values (`list[str]`): the field, one value per row.
        unit (`np.ndarray`): int64 codes of the rows' claims (questions, items).
        speaks (`np.ndarray` of bool): the rows whose own value counts: those with an opinion.

    Returns:
        `dict[str, np.ndarray]`: value -> bool array over rows, in alphabetical order. A claim whose opinion
        rows have two values is in both groups, each with its own opinion rows and with all its other rows; a
        claim without an opinion row is in the groups of its rows' own values.
    """
    names = sorted(set(values))
    order = {name: code for code, name in enumerate(names)}
    code = np.array([order[value] for value in values])
    has_opinion = np.zeros(int(unit.max()) + 1, dtype=bool)
    has_opinion[unit[speaks]] = True
    groups = {}
    for name, which in order.items():
        inside = (code == which) & (speaks | ~has_opinion[unit])
        joined = np.zeros(len(has_opinion), dtype=bool)
        joined[unit[inside & speaks]] = True
        inside |= ~speaks & joined[unit]
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
        groups, or where no swap would change a cluster's groups (every cluster of a size has the same).
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
    held = np.bincount(group, minlength=len(names))
    mean = outcome.mean()
    generator = np.random.default_rng(seed)
    totals, movable = np.zeros((replicates, len(names))), False
    for size in np.unique(sizes):
        block = starts[sizes == size][:, None] + np.arange(size)
        drawn = _swapped_totals(outcome[block], group[block], len(names), replicates, generator)
        movable |= drawn is not None
        whole = np.bincount(group[block].ravel(), weights=outcome[block].ravel(), minlength=len(names))
        totals += whole if drawn is None else drawn

    def apart(sums):
        return (held * (sums / held - mean) ** 2).sum(axis=-1)

    observed = apart(np.bincount(group, weights=outcome, minlength=len(names)))
    extreme = int((apart(totals) >= observed - 1e-9).sum())
    return (1 + extreme) / (1 + replicates) if movable else float("nan")


def _swapped_totals(outcome, group, n_groups, replicates, generator):
    """Sums of the outcome by group, (replicates, n_groups), when clusters of one size swap their groups.

    `outcome` and `group` are (clusters, size). `None` where all clusters have the same groups: swaps change nothing.

    Only how often each kind of outcomes meets each kind of groups matters, so that table is drawn, cell by cell
    and for all replicates at once, from its distribution under random swaps (hypergeometric, both margins
    fixed): the cost does not grow with the clusters. Where nearly every cluster is a kind of its own, swapping
    the clusters one by one is the faster way to the same distribution.
    """
    kinds, kind = np.unique(group, axis=0, return_inverse=True)
    if len(kinds) == 1:
        return None
    results, result = np.unique(outcome, axis=0, return_inverse=True)
    totals = np.zeros((replicates, n_groups))
    if len(kinds) * len(results) > CELLS_PER_ROW * outcome.size:
        for row in totals:
            swapped = group[generator.permutation(len(group))]
            row += np.bincount(swapped.ravel(), weights=outcome.ravel(), minlength=n_groups)
        return totals
    # what one cluster of each kind of outcomes adds to each group when it has each kind of groups
    adds = np.stack([(kinds == name) @ results.T for name in range(n_groups)], axis=-1)
    free = np.repeat(np.bincount(kind.ravel())[:, None], replicates, axis=1)
    for which, clusters in enumerate(np.bincount(result.ravel())):
        wanted, others = np.full(replicates, clusters), free.sum(axis=0)
        for cell in range(len(kinds)):
            others -= free[cell]
            met = generator.hypergeometric(free[cell], others, wanted)
            free[cell] -= met
            wanted -= met
            totals += met[:, None] * adds[cell, which]
    return totals
