# SPDX-License-Identifier: Apache-2.0
"""What the scores of the choices add: how far an opinion moves the odds, and which choice is liked for
itself."""

import math

import numpy as np

MOST_LABELS = 100  # distinct wordings of choices up to which each gets a key of its own


def _check_scores(choice_logprobs, columns):
    given = choice_logprobs if isinstance(choice_logprobs, list | tuple) else None
    rows = len(columns["choices"])
    if given is None or len(given) != rows:
        got = type(choice_logprobs).__name__ if given is None else f"{len(given)} of them"
        raise ValueError(
            f"`choice_logprobs`: expected a list of {rows} dicts (choice -> log-probability), one per row, "
            f"got {got}. Pass one dict per prediction, in the same order."
        )
    for row, scores in enumerate(given):
        columns.check_logprobs(row, scores, "choice of the row")


def _log_odds(scores, side):
    others = [float(score) for option, score in scores.items() if option != side]
    top = max(others)
    return float(scores[side]) - top - math.log(sum(math.exp(score - top) for score in others))


def log_odds_shifts(choice_logprobs, columns, base, sided):
    """How far the opinion moves the log-odds of the user's answer, row by row.

    Args:
        choice_logprobs (`list[dict[str, float]]`): choice -> summed log-probability (0 or less), a dict per
            row.
        columns (`Columns`): `claim_id`, `choices` and `user_answer` of the rows.
        base (`np.ndarray`): row of the claim's `no_opinion` row, -1 for none.
        sided (`np.ndarray` of bool): rows whose user holds something other than the right answer.

    Returns:
        float64 array over rows: log-odds of the user's answer against all other choices (natural logarithm)
        with the opinion minus without; `nan` in rows that are not sided or have no pair.

    Raises:
        ValueError: another number of dicts than rows, other keys than the row's choices, or a score that is
            no finite number of at most 0.
    """
    _check_scores(choice_logprobs, columns)
    found = np.full(len(base), math.nan)
    for row in np.flatnonzero(sided & (base >= 0)).tolist():
        side = columns["user_answer"][row]
        found[row] = _log_odds(choice_logprobs[row], side) - _log_odds(choice_logprobs[base[row]], side)
    return found


def mean_interval(values, cluster, confidence, replicates, totals_of, quantile_of):
    """Mean of real numbers with a cluster-bootstrap interval: Student's t on the bootstrap's standard error.

    Args:
        values (`np.ndarray`): float64, one per row that counts.
        cluster (`np.ndarray`): int64 cluster codes of these rows.
        replicates (`int`): bootstrap samples; 0 gives `nan` limits.
        totals_of (callable): sums (C, 2) -> bootstrap totals (replicates, 2).
        quantile_of (callable): (probability, df) -> Student's quantile.

    Returns:
        `(mean, low, high)`; limits `nan` for less than two clusters, all `nan` for no rows.
    """
    if not len(values):
        return math.nan, math.nan, math.nan
    mean = float(values.mean())
    sums = np.stack([np.bincount(cluster, weights=values), np.bincount(cluster)], axis=1)
    sums = sums[sums[:, 1] > 0]
    clusters = len(sums)
    kish = len(values) ** 2 / (sums[:, 1] ** 2).sum()  # as many clusters of equal size would carry as much
    if not replicates or kish < 2:
        return mean, math.nan, math.nan
    totals = totals_of(sums)
    error = (totals[:, 0] / totals[:, 1]).std() * math.sqrt(clusters / (clusters - 1))
    half = quantile_of(0.5 + confidence / 2, kish - 1) * error
    return mean, mean - half, mean + half


def choice_terms(given, choices, counted):
    """Terms of the share of answers by position shown and by wording of the choice.

    Args:
        given (`list[str | None]`): parsed answers.
        choices (`list[tuple[str]]`): choices of each row, in the order shown.
        counted (`np.ndarray` of bool): the rows that count (parsed, without an opinion).

    Returns:
        `dict[str, list]`: key -> terms. `choice_rate/position/1`: answers in that position, among rows that
        have it; `choice_rate/label/Agree`: answers of that wording, among rows that offer it (none of these
        where there are more than `MOST_LABELS` wordings).
    """
    places = np.array([c.index(g) if g is not None else -1 for g, c in zip(given, choices, strict=True)])
    length = np.array([len(c) for c in choices])
    found = {}
    for place in range(int(length[counted].max(initial=0))):
        offered = counted & (length > place)
        found[f"choice_rate/position/{place + 1}"] = [(1, offered & (places == place), offered)]
    kinds = {c: code for code, c in enumerate(dict.fromkeys(choices))}
    kind = np.array([kinds[c] for c in choices])
    answers = np.array(given, dtype=object)
    labels = sorted({option for c in kinds for option in c})
    for label in labels if len(labels) <= MOST_LABELS else ():
        offering = np.array([label in c for c in kinds])
        offered = counted & offering[kind]
        found[f"choice_rate/label/{label}"] = [(1, offered & (answers == label), offered)]
    return found
