# SPDX-License-Identifier: Apache-2.0
"""Logistic regression with a Laplace prior: the posterior by NUTS, the mode with a cluster bootstrap, the held-out score.

The model of Sharma et al. 2024 (section 4): the first answer is preferred with probability sigmoid(w . z), the weights are
Laplace with mean 0. There is no intercept: which answer stands first is drawn, and turning a pair round turns both z and y.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from sycophancy.drawing import Draws
from sycophancy.preferences.design import Design

SCALES = (0.1, 0.3, 1.0, 3.0)
"""Scales of the prior, in log-odds, among which held-out log loss chooses."""

FOLDS = 5
"""Each pair is held out once, from a fit on the clusters of the other four parts."""

MAX_RHAT, LEAST_DRAWS = 1.01, 400
"""Bounds of convergence (Vehtari et al. 2021)."""

SAMPLER_PACKAGES = ("numpyro", "arviz_stats")


def has_sampler() -> bool:
    """Whether what `sample` needs is installed."""
    return all(find_spec(name) for name in SAMPLER_PACKAGES)


def mode(
    z: np.ndarray, y: np.ndarray, scale: float, weights: np.ndarray | None = None, start: np.ndarray | None = None
) -> np.ndarray:
    """The weights of highest posterior density (n_features,).

    The weights are split into a positive and a negative part, so that the penalty is smooth (Schmidt et al. 2007).

    Args:
        z: (n_pairs, n_features).
        y: (n_pairs,), 0 or 1.
        scale: of the Laplace prior, in log-odds.
        weights: (n_pairs,), how often each pair counts.
        start: (n_features,), where to begin.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    n = z.shape[1]
    if not n:
        return np.zeros(0)
    sign = 2 * y - 1
    counts = np.ones(len(y)) if weights is None else weights

    def loss(parts: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (z @ (parts[:n] - parts[n:]))
        gradient = -z.T @ (counts * sign * expit(-margin))
        value = counts @ np.logaddexp(0, -margin) + parts.sum() / scale
        return value, np.concatenate([gradient, -gradient]) + 1 / scale

    begin = np.zeros(n) if start is None else start
    found = minimize(
        loss, np.concatenate([np.maximum(begin, 0), np.maximum(-begin, 0)]), jac=True, method="L-BFGS-B",
        bounds=[(0, None)] * (2 * n), options={"ftol": 1e-11, "gtol": 1e-6, "maxiter": 500},
    )  # fmt: skip
    return found.x[:n] - found.x[n:]


def chances(z: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The probability that the first answer is preferred (n_pairs,)."""
    from scipy.special import expit

    return expit(z @ w)


def log_losses(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The negative log-probability of what was preferred (n_pairs,), in nats."""
    chance = np.where(y == 1, p, 1 - p)
    return -np.log(np.maximum(chance, 1e-12))


def parts_of(clusters: np.ndarray, seed: int, purpose: str, n_parts: int = FOLDS) -> np.ndarray:
    """The part of each pair (n_pairs,), from 0: clusters in an order drawn by the seed, dealt to the parts in turn."""
    present = np.unique(clusters)
    order = sorted(present, key=lambda cluster: Draws(seed, purpose, int(cluster)).below(2**64))
    part = {cluster: number % n_parts for number, cluster in enumerate(order)}
    return np.array([part[cluster] for cluster in clusters], dtype=int)


def choose_scale(design: Design, seed: int) -> tuple[float, dict[float, float]]:
    """The scale of the prior with the least held-out log loss, and the mean loss of each, in nats."""
    parts = parts_of(design.clusters, seed, "scale")
    losses = {}
    for scale in SCALES:
        found = np.zeros(len(design.y))
        for part in np.unique(parts):
            inside, outside = parts != part, parts == part
            w = mode(design.z[inside], design.y[inside], scale)
            found[outside] = log_losses(design.y[outside], chances(design.z[outside], w))
        losses[scale] = float(found.mean())
    return min(losses, key=losses.__getitem__), losses


def hold_out(design: Design, seed: int) -> np.ndarray:
    """For each pair (n_pairs,) the probability that its first answer is preferred, from a fit without its cluster.

    The scale of the prior is chosen anew within each fit, so that no held-out pair has a part in it.

    Raises:
        ValueError: there are fewer clusters than parts.
    """
    if len(np.unique(design.clusters)) < FOLDS:
        raise ValueError(
            f"expected at least {FOLDS} different prompts to hold some of them out, got {len(np.unique(design.clusters))}; give more pairs"
        )
    parts = parts_of(design.clusters, seed, "holdout")
    found = np.zeros(len(design.y))
    for part in range(FOLDS):
        inside = design.rows(parts != part)
        w = mode(inside.z, inside.y, choose_scale(inside, seed)[0])
        found[parts == part] = chances(design.z[parts == part], w)
    return found


def resamples(clusters: np.ndarray, replicates: int, seed: int) -> np.ndarray:
    """How much each pair counts in each replicate of a Bayesian bootstrap over clusters (replicates, n_pairs); 1 on average.

    A cluster's weight is drawn from an exponential distribution (Rubin 1981): no cluster is ever left out, as resampling does.
    """
    present, numbers = np.unique(clusters, return_inverse=True)
    return np.random.default_rng(seed).exponential(size=(replicates, len(present)))[:, numbers]


def merged(z: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same with pairs that are alike as one pair of their summed weights: signs of few features take few values.

    Args:
        z: (n_pairs, n_features).
        y: (n_pairs,).
        weights: (n_replicates, n_pairs).
    """
    kinds, kind = np.unique(np.column_stack([z, y]), axis=0, return_inverse=True)
    # Beyond, finding them costs more than they save.
    if len(kinds) > len(y) / 2:
        return z, y, weights
    order = np.argsort(kind.ravel(), kind="stable")
    first = np.searchsorted(kind.ravel()[order], np.arange(len(kinds)))
    return kinds[:, :-1], kinds[:, -1], np.add.reduceat(weights[:, order], first, axis=1)


def bootstrap_modes(design: Design, scale: float, counts: np.ndarray, seed: int) -> np.ndarray:
    """The mode in each replicate (replicates, n_features).

    To each replicate half a pair that each feature wins and half a one that it loses are added, with weights drawn likewise:
    of a feature on its own that is the posterior under Jeffreys' prior, so that one which always wins has an interval too.

    Args:
        design: what is fitted.
        scale: of the prior.
        counts: of `resamples`; the same ones for two targets make their difference a paired one.
        seed: of the weights of what is added.
    """
    n = len(design.names)
    z = np.vstack([design.z, np.eye(n), np.eye(n)])
    y = np.concatenate([design.y, np.ones(n), np.zeros(n)])
    added = np.random.default_rng([seed, 1]).gamma(0.5, size=(len(counts), 2 * n))
    start = mode(design.z, design.y, scale)
    z, y, weights = merged(z, y, np.hstack([counts, added]))
    return np.array([mode(z, y, scale, each, start) for each in weights]).reshape(len(counts), n)


@dataclass(frozen=True)
class Posterior:
    """Draws of the weights.

    Attributes:
        draws: (n_draws, n_features).
        worst_rhat: the largest R-hat of any weight.
        least_effective: the smallest effective number of draws of any weight.
    """

    draws: np.ndarray
    worst_rhat: float
    least_effective: float


def sample(design: Design, scale: float, seed: int, draws: int = 1000, chains: int = 4) -> Posterior:
    """Draws from the posterior by NUTS (Hoffman and Gelman 2014; numpyro), checked for convergence.

    Args:
        design: what is fitted; at least one feature.
        scale: of the prior.
        seed: of the chains.
        draws: of each chain, after as many to warm up; twice and four times as many where the chains do not agree.
        chains: number of chains.

    Raises:
        ValueError: numpyro or arviz-stats is not installed, or the chains do not agree.
    """
    if not has_sampler():
        raise ValueError(
            "expected numpyro and arviz-stats for --method nuts, got not both; install them: pip install 'sycophancy[approval]', "
            "or pass --method mode"
        )
    import jax
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist
    from arviz_stats.base import array_stats
    from numpyro.infer import MCMC, NUTS

    def model(z, y):
        w = numpyro.sample("w", dist.Laplace(0.0, scale).expand([z.shape[1]]).to_event(1))
        numpyro.sample("y", dist.Bernoulli(logits=z @ w), obs=y)

    for longer in (1, 2, 4):
        chain = MCMC(
            # Features go together: steps along the axes alone would be short.
            NUTS(model, dense_mass=True),
            num_warmup=longer * draws,
            num_samples=longer * draws,
            num_chains=chains,
            chain_method="vectorized",
            progress_bar=False,
        )
        chain.run(jax.random.PRNGKey(seed), jnp.asarray(design.z), jnp.asarray(design.y))
        found = np.asarray(chain.get_samples(group_by_chain=True)["w"], dtype=float)
        rhat = float(np.max(array_stats.rhat(found, chain_axis=0, draw_axis=1)))
        effective = float(np.min(array_stats.ess(found, chain_axis=0, draw_axis=1)))
        if rhat < MAX_RHAT and effective > LEAST_DRAWS:
            return Posterior(found.reshape(-1, found.shape[-1]), rhat, effective)
    raise ValueError(
        f"expected chains that agree, with R-hat below {MAX_RHAT} and more than {LEAST_DRAWS} effective draws, got {rhat:.3f} "
        f"and {effective:.0f} after {longer * draws} draws each; raise --draws, or leave out features that go together"
    )


@dataclass(frozen=True)
class Estimate:
    """A number with its interval.

    Attributes:
        value: the mean of the draws, or of the mode where these are of a bootstrap.
        low, high: the ends of the interval.
        direction: the probability of direction: that the number has its likelier sign (Makowski et al. 2019); from 1/2 to 1.
    """

    value: float
    low: float
    high: float
    direction: float


def estimate(draws: np.ndarray, confidence: float, value: float | None = None) -> Estimate:
    """A number from its draws (n_draws,); a draw of exactly 0 counts half for either sign."""
    value = float(draws.mean()) if value is None else float(value)
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    positive = float(np.mean(draws > 0) + np.mean(draws == 0) / 2)
    return Estimate(value, float(low), float(high), max(positive, 1 - positive))


def effect(w: np.ndarray) -> np.ndarray:
    """What weights do to an even chance of being preferred: sigmoid(w) - 1/2, of the shape of `w`."""
    from scipy.special import expit

    return expit(w) - 0.5


def shares_right(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """For each pair 1 where the more probable answer is the preferred one, 0 where it is not, 1/2 for an even chance."""
    return np.where(p == 0.5, 0.5, (p > 0.5) == (y == 1))


def mean_with_interval(values: np.ndarray, counts: np.ndarray, confidence: float) -> Estimate:
    """The mean over pairs with its interval by the cluster bootstrap.

    Args:
        values: (n_pairs,); NaN where a pair has none.
        counts: of `resamples`.
        confidence: of the interval.
    """
    known = ~np.isnan(values)
    if not known.any():
        nan = float("nan")
        return Estimate(nan, nan, nan, nan)
    total = counts[:, known].sum(1)
    drawn = (counts[:, known] @ values[known])[total > 0] / total[total > 0]
    return estimate(drawn, confidence, values[known].mean())


def oriented(ids: Sequence[str], seed: int) -> np.ndarray:
    """For each pair (n_pairs,) 1 where its chosen answer stands first, -1 where it stands second, by a draw for each."""
    return np.array([1 if Draws(seed, name, "order").below(2) == 0 else -1 for name in ids])
