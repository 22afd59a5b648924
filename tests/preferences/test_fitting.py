# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from scipy.stats import beta
from statsmodels.discrete.discrete_model import Logit

from sycophancy.preferences import fitting
from sycophancy.preferences.design import Design
from sycophancy.preferences.fitting import (
    SCALES,
    bootstrap_modes,
    choose_scale,
    estimate,
    hold_out,
    mean_with_interval,
    merged,
    mode,
    oriented,
    parts_of,
    resamples,
    sample,
    shares_right,
)


def drawn(n, weights, seed=0, clusters=None):
    """A design whose preferences are drawn by these weights."""
    rng = np.random.default_rng(seed)
    z = rng.integers(-1, 2, (n, len(weights))).astype(float)
    y = (rng.random(n) < 1 / (1 + np.exp(-z @ np.array(weights)))).astype(float)
    return Design(tuple("abcdefgh"[: len(weights)]), z, y, np.arange(n) if clusters is None else clusters)


@pytest.mark.parametrize("scale", SCALES)
def test_the_mode_is_that_of_statsmodels(scale):
    design = drawn(300, [1.0, -0.5, 0.0, 0.2])
    other = Logit(design.y, design.z).fit_regularized(method="l1", alpha=1 / scale, disp=0, acc=1e-10, trim_mode="off")
    assert mode(design.z, design.y, scale) == pytest.approx(other.params, abs=2e-4)


def test_weights_count_pairs_as_often_as_they_say():
    design = drawn(60, [1.0, -0.5])
    counts = np.random.default_rng(1).integers(0, 3, 60)
    again = np.repeat(np.arange(60), counts)
    found = mode(design.z, design.y, 1.0, counts.astype(float))
    assert found == pytest.approx(mode(design.z[again], design.y[again], 1.0), abs=1e-4)


def test_turning_pairs_round_leaves_the_weights():
    design = drawn(200, [1.0, -0.5, 0.3])
    turned = np.where(np.random.default_rng(1).random(200) < 0.5, -1.0, 1.0)
    y = np.where(turned > 0, design.y, 1 - design.y)
    assert mode(design.z * turned[:, None], y, 1.0) == pytest.approx(mode(design.z, design.y, 1.0), abs=1e-6)


def test_preferring_the_other_answers_turns_the_weights():
    design = drawn(200, [1.0, -0.5, 0.3])
    assert mode(design.z, 1 - design.y, 1.0) == pytest.approx(-mode(design.z, design.y, 1.0), abs=1e-6)


@pytest.mark.parametrize("scale", SCALES)
def test_a_feature_that_always_wins_has_a_finite_weight(scale):
    z = np.ones((100, 1))
    (w,) = mode(z, np.ones(100), scale)
    # Where the slope of the log-likelihood is that of the prior: 100 (1 - sigmoid(w)) = 1 / scale.
    assert w == pytest.approx(np.log(100 * scale - 1), abs=1e-3)


def test_without_features_there_are_no_weights():
    assert mode(np.zeros((4, 0)), np.ones(4), 1.0).tolist() == []


def test_the_prior_is_wide_where_effects_are_and_narrow_where_there_are_none():
    scale, losses = choose_scale(drawn(600, [2.0, -2.0, 1.5, -1.5]), seed=0)
    assert scale >= 1.0
    assert list(losses) == list(SCALES)
    assert scale == min(losses, key=losses.get)
    assert choose_scale(drawn(60, [0.0] * 8), seed=0)[0] == SCALES[0]


def test_parts_keep_clusters_together_and_are_drawn():
    clusters = np.repeat(np.arange(20), 3)
    found = parts_of(clusters, 0, "x")
    assert np.bincount(found).tolist() == [12] * 5
    assert all(len(set(found[clusters == cluster])) == 1 for cluster in range(20))
    assert found.tolist() != parts_of(clusters, 1, "x").tolist()


def test_held_out_pairs_are_predicted_by_others():
    """Each prompt has a feature of its own that gives away its label: seen, it would be right; held out, it is worth nothing."""
    n = 40
    z = np.eye(n // 2).repeat(2, axis=0)
    y = np.random.default_rng(0).integers(0, 2, n // 2).repeat(2).astype(float)
    design = Design(tuple(map(str, range(n // 2))), z, y, np.arange(n // 2).repeat(2))
    assert hold_out(design, 0).tolist() == [0.5] * n
    assert np.mean(shares_right(y, 1 / (1 + np.exp(-z @ mode(z, y, 3.0))))) == 1


def test_too_few_prompts_to_hold_any_out():
    with pytest.raises(ValueError, match="expected at least 5 different prompts to hold some of them out, got 2"):
        hold_out(drawn(30, [1.0], clusters=np.arange(30) % 2), 0)


def test_resamples_draw_whole_clusters():
    clusters = np.array([3, 3, 7, 9])
    counts = resamples(clusters, 500, 0)
    assert counts.shape == (500, 4)
    assert (counts[:, 0] == counts[:, 1]).all()
    assert counts[:, [0, 2, 3]].mean(0) == pytest.approx([1, 1, 1], abs=0.15)
    assert counts[:, [0, 2, 3]].var(0) == pytest.approx([1, 1, 1], abs=0.4)
    assert abs(np.corrcoef(counts[:, 0], counts[:, 2])[0, 1]) < 0.15


def test_a_feature_that_always_wins_has_the_interval_of_jeffreys():
    design = Design(("a",), np.ones((20, 1)), np.ones(20), np.arange(20))
    drawn = bootstrap_modes(design, 1000.0, resamples(design.clusters, 2000, 0), 0)[:, 0]
    low, middle = np.quantile(1 / (1 + np.exp(-drawn)), [0.025, 0.5])
    assert (low, middle) == pytest.approx((beta.ppf(0.025, 20.5, 0.5), beta.ppf(0.5, 20.5, 0.5)), abs=0.01)


def test_pairs_that_are_alike_are_merged_with_their_weights():
    z = np.array([[1.0, 0], [0, 1], [1, 0], [1, 0], [1, 0], [0, 1]])
    y = np.array([1.0, 0, 1, 0, 1, 0])
    weights = np.array([[1.0, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, 1]])
    found = merged(z, y, weights)
    assert [each.tolist() for each in found] == [[[0, 1], [1, 0], [1, 0]], [0, 0, 1], [[8, 4, 9], [2, 1, 3]]]
    assert merged(z[:2], y[:2], weights[:, :2])[0].tolist() == z[:2].tolist()
    for row, each in zip(weights, found[2], strict=True):
        assert mode(z, y, 1.0, row) == pytest.approx(mode(*found[:2], 1.0, each), abs=1e-4)


def test_intervals_of_the_bootstrap_hold_the_weights():
    weights = np.array([0.9, -0.6, 0.0])
    held = []
    for seed in range(12):
        design = drawn(400, weights, seed)
        low, high = np.quantile(
            bootstrap_modes(design, 1.0, resamples(design.clusters, 100, seed), seed), [0.025, 0.975], axis=0
        )
        held += ((low <= weights) & (weights <= high)).tolist()
    assert np.mean(held) >= 0.86  # of 36; 95 % are expected


def test_an_estimate_of_draws():
    found = estimate(np.array([-1.0, 0.0, 1.0, 2.0]), 0.5)
    assert (found.value, found.low, found.high, found.direction) == (0.5, -0.25, 1.25, 0.625)
    assert estimate(np.array([-1.0, 0.0]), 0.9).direction == 0.75
    assert estimate(np.zeros(3), 0.9, value=0.0).direction == 0.5


@pytest.mark.parametrize(("y", "p", "right"), [(1, 0.6, 1), (0, 0.6, 0), (0, 0.4, 1), (1, 0.5, 0.5), (0, 0.5, 0.5)])
def test_which_predictions_are_right(y, p, right):
    assert shares_right(np.array([y]), np.array([p])).tolist() == [right]


def test_a_mean_over_pairs_that_have_a_value():
    counts = np.array([[1.0, 1.0, 1.0], [0.0, 2.0, 1.0], [0.0, 0.0, 3.0]])
    found = mean_with_interval(np.array([1.0, 0.0, np.nan]), counts, 0.5)
    assert (found.value, found.low, found.high) == (0.5, 0.125, 0.375)
    assert np.isnan(mean_with_interval(np.array([np.nan] * 3), counts, 0.5).value)


def test_the_order_is_drawn_for_each_pair():
    found = oriented([str(i) for i in range(1000)], 0)
    assert set(found) == {1, -1}
    assert abs(found.sum()) < 100
    assert found[:500].tolist() == oriented([str(i) for i in range(500)], 0).tolist()


def test_without_a_sampler_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(fitting, "SAMPLER_PACKAGES", ("there_is_no_such_package",))
    with pytest.raises(ValueError, match=r"pip install 'sycophancy\[approval\]', or pass --method mode"):
        sample(drawn(20, [1.0]), 1.0, 0)


@pytest.mark.sampler
def test_the_posterior_is_where_numbers_on_a_grid_put_it():
    design = drawn(80, [0.8])
    grid = np.linspace(-3, 3, 4001)
    logs = np.array([-np.logaddexp(0, -(2 * design.y - 1) * design.z[:, 0] * w).sum() - abs(w) / 0.3 for w in grid])
    density = np.exp(logs - logs.max())
    density /= density.sum()
    mean = density @ grid
    low, high = np.interp([0.025, 0.975], density.cumsum(), grid)
    found = sample(design, 0.3, 0)
    assert found.draws.shape == (4000, 1)
    assert (found.worst_rhat < 1.01, found.least_effective > 400) == (True, True)
    assert found.draws.mean() == pytest.approx(mean, abs=0.02)
    assert np.quantile(found.draws, [0.025, 0.975]) == pytest.approx([low, high], abs=0.05)


@pytest.mark.sampler
def test_chains_that_are_too_short_are_refused():
    with pytest.raises(ValueError, match=r"expected chains that agree, .* raise --draws"):
        sample(drawn(80, [0.8]), 0.3, 0, draws=20)
