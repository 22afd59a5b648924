# SPDX-License-Identifier: Apache-2.0
"""Which features go with being preferred: the numbers of one target, and of two compared pair by pair."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sycophancy.preferences.design import WRONG, Design, agreement_cells, design_of, separated, variance_inflation
from sycophancy.preferences.features import LENGTH
from sycophancy.preferences.fitting import (
    Estimate,
    bootstrap_modes,
    choose_scale,
    effect,
    estimate,
    hold_out,
    log_losses,
    mean_with_interval,
    mode,
    oriented,
    resamples,
    sample,
    shares_right,
)
from sycophancy.preferences.pairs import Pair

METHODS = ("nuts", "mode")


@dataclass(frozen=True)
class Settings:
    """How numbers are made.

    Attributes:
        method: `nuts`, the posterior by a sampler, or `mode`, the mode with a cluster bootstrap.
        seed: of all draws.
        confidence: of all intervals.
        bootstrap: replicates.
        draws: of each chain.
    """

    method: str
    seed: int = 0
    confidence: float = 0.95
    bootstrap: int = 1000
    draws: int = 1000


@dataclass(frozen=True)
class Study:
    """Pairs with their features, whoever preferred which.

    Attributes:
        pairs: the pairs.
        values: feature -> value for each pair, of the chosen answer against the rejected one.
        first: (n_pairs,), 1 where the chosen answer stands first, -1 where the rejected one does.
    """

    pairs: Sequence[Pair]
    values: Mapping[str, Sequence[float]]
    first: np.ndarray

    @classmethod
    def of(cls, pairs: Sequence[Pair], values: Mapping[str, Sequence[float]], seed: int) -> "Study":
        """The pairs with the order of their answers drawn."""
        return cls(pairs, values, oriented([pair.id for pair in pairs], seed))

    def preferred(self, signs: Sequence[float]) -> np.ndarray:
        """y (n_pairs,) from signs that are positive where the chosen answer is preferred."""
        return (np.asarray(signs) * self.first > 0).astype(float)

    def design(self, y: np.ndarray) -> Design:
        """The matrix of the features."""
        return design_of(self.values, [pair.cluster for pair in self.pairs], self.first, y)

    def cells(self, y: np.ndarray) -> Design:
        """The matrix of agreement with users who are right, and with those who are wrong by authority, beside the length."""
        length = {LENGTH: self.values[LENGTH]} if LENGTH in self.values else {}
        clusters = [pair.cluster for pair in self.pairs]
        return design_of(agreement_cells(self.pairs) | length, clusters, self.first, y)


@dataclass(frozen=True)
class Fit:
    """A fitted design.

    Attributes:
        draws: (n_draws, n_features), of the posterior, or of the mode by the bootstrap over prompts.
        weights: (n_features,), the mode where that is what is reported, else `None`: the mean of the draws is.
        by_prompt: (n_replicates, n_features), the mode by the bootstrap over prompts.
        record: scale of the prior, and how well the chains agree.
    """

    draws: np.ndarray
    weights: np.ndarray | None
    by_prompt: np.ndarray
    record: dict


def fit(design: Design, settings: Settings) -> Fit:
    """Choose the prior and fit.

    The posterior takes pairs for independent; those of one prompt are not, and the bootstrap over prompts says what that does.
    """
    scale, losses = choose_scale(design, settings.seed)
    record = {"prior_scale": scale, "log_loss_by_scale": {str(one): loss for one, loss in losses.items()}}
    counts = resamples(design.clusters, settings.bootstrap, settings.seed)
    by_prompt = bootstrap_modes(design, scale, counts, settings.seed)
    if settings.method == "mode":
        return Fit(by_prompt, mode(design.z, design.y, scale), by_prompt, record)
    found = sample(design, scale, settings.seed, settings.draws)
    record |= {"worst_rhat": found.worst_rhat, "least_effective_draws": found.least_effective}
    return Fit(found.draws, None, by_prompt, record)


def _put(keys: dict, name: str, found: Estimate) -> None:
    keys |= {name: found.value, f"{name}_ci_low": found.low, f"{name}_ci_high": found.high}


def _put_effect(keys: dict, name: str, of: Callable[[np.ndarray], np.ndarray], fitted: Fit, confidence: float) -> None:
    """A number of the weights, its interval, its direction, and its interval over prompts.

    Args:
        keys: gets them.
        name: of the number.
        of: gives it from weights (..., n_features).
        fitted: the weights.
        confidence: of the intervals.
    """
    value = None if fitted.weights is None else float(of(fitted.weights))
    found = estimate(of(fitted.draws), confidence, value)
    _put(keys, name, found)
    around = estimate(of(fitted.by_prompt), confidence)
    keys |= {
        f"{name}_by_prompt_ci_low": around.low,
        f"{name}_by_prompt_ci_high": around.high,
        f"{name}_direction": found.direction,
    }


def analyse(study: Study, y: np.ndarray, settings: Settings) -> dict:
    """The numbers of one target.

    Args:
        study: pairs and features.
        y: (n_pairs,), 1 where the answer that stands first is preferred, else 0.
        settings: how they are made.

    Returns:
        `keys`, a flat dict of floats; `features`, those in the fit; `left_out`, feature -> why it is in none; `separated`, those
        that always win or lose; `vif` of each; `cells`, those of the agreement; `fit` and `cells_fit`, the records of the fits. A number that is not defined is NaN.

        Of keys, `feature_effect/NAME` is the change of an even chance of being preferred, all else equal, with `_ci_low` and
        `_ci_high`, the same `_by_prompt`, and `_direction`, the probability of direction; `feature_share/NAME` the share of pairs
        that differ in it; `feature_alone/NAME` its effect in a fit of its own; `feature_without_length/NAME` in one without the
        length. `agreement/CELL` and `agreement_share/CELL` are the same of the cells, `agreement_rise` the effect for the highest
        authority less that for the lowest. `holdout_accuracy`, `holdout_log_loss`, `baseline_accuracy`
        (the longer answer wins), `holdout_gain` (the first less the third), and with votes `people_agreement`,
        `holdout_person_accuracy`, `baseline_person_accuracy`; `position_bias`; `max_vif`; `n_pairs`, `n_prompts`.

    Raises:
        ValueError: nothing differs between the answers, too few prompts, or the sampler did not converge.
    """
    design = study.design(y)
    if not design.names:
        reasons = "; ".join(f"{name} {why}" for name, why in design.left_out.items())
        raise ValueError(f"expected answers that differ in some feature, got none: {reasons}; give other pairs")
    fitted = fit(design, settings)
    scale = fitted.record["prior_scale"]
    keys: dict[str, float] = {}
    for at, name in enumerate(design.names):
        _put_effect(keys, f"feature_effect/{name}", lambda w, at=at: effect(w[..., at]), fitted, settings.confidence)
        keys[f"feature_share/{name}"] = float(np.mean(design.z[:, at] != 0))
        alone = design.columns([name])
        keys[f"feature_alone/{name}"] = float(effect(mode(alone.z, alone.y, scale))[0])
    others = [name for name in design.names if name != LENGTH]
    if LENGTH in design.names and others:
        rest = design.columns(others)
        for name, weight in zip(others, mode(rest.z, rest.y, scale), strict=True):
            keys[f"feature_without_length/{name}"] = float(effect(weight))
    counts = resamples(design.clusters, settings.bootstrap, settings.seed)
    keys |= _held_out(study, design, counts, settings)
    keys |= _position(study, design, scale, counts, settings)
    inflation = variance_inflation(design.z)
    keys |= {"max_vif": float(inflation.max()), "n_pairs": float(len(y)), "n_prompts": float(design.n_clusters)}
    cells, cell_keys, cell_record = _agreement(study, y, settings)
    return {
        "keys": keys | cell_keys,
        "features": list(design.names),
        "left_out": design.left_out,
        "separated": separated(design) | separated(study.cells(y)),
        "vif": dict(zip(design.names, map(float, inflation), strict=True)),
        "fit": fitted.record,
        "cells": cells,
        "cells_fit": cell_record,
    }


def _agreement(study: Study, y: np.ndarray, settings: Settings) -> tuple[list[str], dict[str, float], dict | None]:
    """The cells of agreement, their keys, and the record of their fit."""
    cells = study.cells(y)
    named = [name for name in cells.names if name != LENGTH]
    if not named:
        return [], {}, None
    fitted = fit(cells, settings)
    keys: dict[str, float] = {}
    for name in named:
        at = cells.names.index(name)
        _put_effect(keys, f"agreement/{name}", lambda w, at=at: effect(w[..., at]), fitted, settings.confidence)
        keys[f"agreement_share/{name}"] = float(np.mean(cells.z[:, at] != 0))
    wrong = wrong_cells(cells)
    if len(wrong) > 1:
        _put_effect(
            keys,
            "agreement_rise",
            lambda w: effect(w[..., wrong[-1]]) - effect(w[..., wrong[0]]),
            fitted,
            settings.confidence,
        )
    return named, keys, fitted.record


def wrong_cells(cells: Design) -> list[int]:
    """The columns of agreement with wrong users, by rising authority."""
    return [at for at, name in enumerate(cells.names) if name.startswith(WRONG)]


def _held_out(study: Study, design: Design, counts: np.ndarray, settings: Settings) -> dict:
    """Scores of pairs that the fit has not seen, of the longer answer, and of people."""
    keys: dict[str, float] = {}
    p = hold_out(design, settings.seed)
    right = shares_right(design.y, p)
    length = np.asarray(study.values[LENGTH]) * study.first if LENGTH in study.values else np.zeros(len(p))
    longer = shares_right(design.y, 0.5 + np.sign(length) / 4)
    _put(keys, "holdout_accuracy", mean_with_interval(right, counts, settings.confidence))
    _put(keys, "holdout_log_loss", mean_with_interval(log_losses(design.y, p), counts, settings.confidence))
    _put(keys, "baseline_accuracy", mean_with_interval(longer, counts, settings.confidence))
    gain = mean_with_interval(right - longer, counts, settings.confidence)
    _put(keys, "holdout_gain", gain)
    keys["holdout_gain_direction"] = gain.direction
    if not any(pair.votes for pair in study.pairs):
        return keys
    votes = [pair.votes for pair in study.pairs]
    _put(
        keys,
        "people_agreement",
        mean_with_interval(np.array([agreement_of(each) for each in votes]), counts, settings.confidence),
    )
    for name, said in (("holdout", np.sign(p - 0.5) * study.first), ("baseline", np.sign(length) * study.first)):
        share = np.array([named_by(each, sign) for each, sign in zip(votes, said, strict=True)])
        _put(keys, f"{name}_person_accuracy", mean_with_interval(share, counts, settings.confidence))
    return keys


def agreement_of(votes: Sequence[int]) -> float:
    """Of all two people who both name an answer the share who name the same; NaN where there are no two.

    Example:

        >>> [agreement_of([1, 1, 1]), round(agreement_of([1, 1, -1]), 3), agreement_of([1, 1, 0])]
        [1.0, 0.333, 1.0]
    """
    named = [vote for vote in votes if vote]
    n = len(named)
    if n < 2:
        return float("nan")
    same = sum(named[i] == named[j] for i in range(n) for j in range(i + 1, n))
    return same / (n * (n - 1) / 2)


def named_by(votes: Sequence[int], sign: float) -> float:
    """The share of people who name an answer that name this one; half of it for no answer; NaN where nobody names one.

    Args:
        votes: 1 for the chosen answer, -1 for the rejected one, 0 for a tie.
        sign: of the answer that is predicted, in the same way.
    """
    named = [vote for vote in votes if vote]
    if not named:
        return float("nan")
    return 0.5 if sign == 0 else sum(vote == sign for vote in named) / len(named)


def _position(study: Study, design: Design, scale: float, counts: np.ndarray, settings: Settings) -> dict:
    """What it does to be listed first, all else equal, as an intercept would say; NaN where the data list none first."""
    keys: dict[str, float] = {}
    nan = float("nan")
    listed = [pair.chosen_first for pair in study.pairs]
    if any(first is None for first in listed):
        _put(keys, "position_bias", Estimate(nan, nan, nan, nan))
        return keys
    side = np.where(listed, 1.0, -1.0) * study.first
    wider = Design((*design.names, "listed first"), np.column_stack([design.z, side]), design.y, design.clusters)
    drawn = effect(bootstrap_modes(wider, scale, counts, settings.seed)[:, -1])
    value = effect(mode(wider.z, wider.y, scale))[-1]
    _put(keys, "position_bias", estimate(drawn, settings.confidence, value))
    return keys


def compare_targets(
    study: Study, before: np.ndarray, after: np.ndarray, settings: Settings
) -> dict[str, dict[str, float]]:
    """What changed from one target to another on the same pairs, feature by feature and cell by cell.

    Both are fitted on the same resamples of the clusters, each with its own prior.

    Args:
        study: pairs and features.
        before, after: (n_pairs,), as `y` of `analyse`.
        settings: how numbers are made.

    Returns:
        `feature_effect/NAME`, `agreement/CELL` and `agreement_rise` -> `before`, `after`, `value` (after less before), `ci_low`,
        `ci_high`, `direction`; of modes.
    """
    found = {}
    counts = resamples(study.design(before).clusters, settings.bootstrap, settings.seed)
    for kind, designs in (
        ("feature_effect", (study.design(before), study.design(after))),
        ("agreement", (study.cells(before), study.cells(after))),
    ):
        named = [name for name in designs[0].names if kind == "feature_effect" or name != LENGTH]
        if not named:
            continue
        scales = [choose_scale(design, settings.seed)[0] for design in designs]
        drawn = [
            effect(bootstrap_modes(design, scale, counts, settings.seed))
            for design, scale in zip(designs, scales, strict=True)
        ]
        modes = [effect(mode(design.z, design.y, scale)) for design, scale in zip(designs, scales, strict=True)]
        for name in named:
            at = designs[0].names.index(name)
            found[f"{kind}/{name}"] = _change(
                *(value[at] for value in modes), *(values[:, at] for values in drawn), settings
            )
        wrong = wrong_cells(designs[0]) if kind == "agreement" else []
        if len(wrong) > 1:
            low, high = wrong[0], wrong[-1]
            found["agreement_rise"] = _change(
                *(value[high] - value[low] for value in modes),
                *(values[:, high] - values[:, low] for values in drawn),
                settings,
            )
    return found


def _change(
    before: float, after: float, drawn_before: np.ndarray, drawn_after: np.ndarray, settings: Settings
) -> dict[str, float]:
    change = estimate(drawn_after - drawn_before, settings.confidence, after - before)
    return {
        "before": float(before),
        "after": float(after),
        "value": change.value,
        "ci_low": change.low,
        "ci_high": change.high,
        "direction": change.direction,
    }
