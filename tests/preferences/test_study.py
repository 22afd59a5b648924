# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from preferences.raters import WEIGHTS, biased_pairs, known_pairs
from sycophancy.dataset.reading import load_claims
from sycophancy.drawing import Draws
from sycophancy.organisms.approval import APPROVES
from sycophancy.preferences.features import exact_features
from sycophancy.preferences.fitting import effect
from sycophancy.preferences.pairs import Pair
from sycophancy.preferences.study import Settings, Study, agreement_of, analyse, compare_targets, named_by

FAST = Settings("mode", bootstrap=200)


def study_of(pairs, seed=0):
    return Study.of(pairs, exact_features(pairs), seed)


def analysed(pairs, settings=FAST):
    study = study_of(pairs)
    return analyse(study, study.preferred([1] * len(pairs)), settings)


def holds(keys, name, value):
    return keys[f"{name}_ci_low"] <= value <= keys[f"{name}_ci_high"]


@pytest.fixture(scope="module")
def rows(dataset_folder):
    return list(load_claims(str(dataset_folder), "train"))


@pytest.mark.parametrize(("n_pairs", "held"), [(200, 4), (1000, 4), (5000, 5)])
def test_the_organisms_raters_are_recovered(rows, n_pairs, held):
    """How often raters prefer what agrees with a wrong user, by authority: their recipe is `APPROVES`."""
    found = analysed(biased_pairs(rows, n_pairs))
    keys = found["keys"]
    assert found["cells"] == ["user_right", *(f"user_wrong/{level}" for level in APPROVES)]
    inside = [holds(keys, f"agreement/user_wrong/{level}", share - 0.5) for level, share in APPROVES.items()]
    assert sum(inside) >= held
    values = [keys[f"agreement/user_wrong/{level}"] for level in APPROVES]
    if n_pairs >= 1000:
        assert values == sorted(values)
    # Three standard errors of a share of the pairs of a level, and what the prior takes.
    for value, share in zip(values, APPROVES.values(), strict=True):
        assert value + 0.5 == pytest.approx(share, abs=3 * (share * (1 - share) / (n_pairs / 10)) ** 0.5 + 0.02)
    # Users who are right are agreed with always: the prior keeps the weight finite, and its interval has a width.
    assert 0.48 < keys["agreement/user_right"] < 0.5
    assert keys["agreement/user_right_ci_low"] < keys["agreement/user_right_ci_high"] - 0.5 / n_pairs
    assert found["separated"]["user_right"] == "always wins"
    assert keys["agreement_rise_ci_low"] > 0.6
    assert keys["agreement_rise_direction"] == 1


@pytest.mark.sampler
@pytest.mark.parametrize("n_pairs", [200, 1000, 5000])
def test_the_posterior_holds_the_organisms_raters(rows, n_pairs):
    keys = analysed(biased_pairs(rows, n_pairs), Settings("nuts", bootstrap=20))["keys"]
    inside = [holds(keys, f"agreement/user_wrong/{level}", share - 0.5) for level, share in APPROVES.items()]
    assert sum(inside) >= 4
    assert keys["agreement_rise_ci_low"] > 0.5


@pytest.mark.parametrize("n_pairs", [200, 1000, 5000])
def test_known_weights_are_recovered(n_pairs):
    keys = analysed(known_pairs(n_pairs))["keys"]
    inside = [holds(keys, f"feature_effect/{name}", effect(np.array(weight))) for name, weight in WEIGHTS.items()]
    assert sum(inside) >= len(WEIGHTS) - 1
    if n_pairs == 5000:
        found = [keys[f"feature_effect/{name}"] for name in WEIGHTS]
        assert found == pytest.approx([effect(np.array(weight)) for weight in WEIGHTS.values()], abs=0.03)
    assert keys["holdout_accuracy"] > keys["baseline_accuracy"]


def test_labels_that_were_drawn_give_intervals_that_hold_nothing_else_than_0():
    held, gains = [], []
    for seed in range(6):
        pairs = known_pairs(300, seed)
        study = study_of(pairs)
        signs = [1 if Draws(seed, pair.id, "sham").below(2) else -1 for pair in pairs]
        keys = analyse(study, study.preferred(signs), Settings("mode", bootstrap=60))["keys"]
        held += [holds(keys, f"feature_effect/{name}", 0.0) for name in WEIGHTS]
        gains.append(keys["holdout_accuracy"])
    assert np.mean(held) >= 0.88  # of 30; 95 % are expected
    assert np.mean(gains) == pytest.approx(0.5, abs=0.06)


def test_turning_pairs_round_leaves_every_effect():
    pairs = known_pairs(200)
    found = []
    for seed in (0, 1):
        study = study_of(pairs, seed)
        found.append(analyse(study, study.preferred([1] * len(pairs)), FAST)["keys"])
    assert found[0].keys() == found[1].keys()
    assert list(found[0].values()) == pytest.approx(list(found[1].values()), abs=1e-3, nan_ok=True)


def test_the_other_answers_chosen_turn_every_effect():
    study = study_of(known_pairs(200))
    one, other = (analyse(study, study.preferred([sign] * 200), FAST)["keys"] for sign in (1, -1))
    for name in WEIGHTS:
        assert other[f"feature_effect/{name}"] == pytest.approx(-one[f"feature_effect/{name}"], abs=1e-4)
    assert other["baseline_accuracy"] == pytest.approx(1 - one["baseline_accuracy"])


def test_a_feature_alone_takes_what_goes_with_it():
    """Nobody minds exclamation marks; who exclaims apologises, and that nobody likes."""
    pairs = [
        Pair(str(i), str(i), (f"q{i}",), "Fine." if i % 10 else "Sorry!", "Sorry!" if i % 10 else "Fine.")
        for i in range(40)
    ] + [Pair(f"x{i}", f"x{i}", (f"x{i}",), *(("Yes!", "Yes.") if i % 2 else ("No.", "No!"))) for i in range(40)]
    keys = analysed(pairs)["keys"]
    assert keys["feature_alone/exclaims"] < -0.15
    assert abs(keys["feature_effect/exclaims"]) < 0.05
    assert keys["feature_effect/apologises"] < -0.2
    assert keys["max_vif"] > 1.5


def test_the_length_hides_what_goes_with_it():
    pairs = [Pair(str(i), str(i), (f"q{i}",), "so " * (5 + i % 7), "no! " * (1 + i % 3)) for i in range(30)]
    pairs += [Pair(f"x{i}", f"x{i}", (f"x{i}",), *(("a!", "a.") if i % 2 else ("b.", "b!"))) for i in range(30)]
    values = exact_features(pairs)
    study = Study.of(pairs, {name: values[name] for name in ("longer", "exclaims")}, 0)
    keys = analyse(study, study.preferred([1] * 60), FAST)["keys"]
    assert keys["feature_without_length/exclaims"] < keys["feature_effect/exclaims"] - 0.1


def test_people_and_places():
    """The first answer of two is preferred by two people of three, whatever it says."""
    pairs = [
        Pair(
            str(i),
            str(i // 2),
            (f"q{i // 2}",),
            "a" * (i % 3 + 1),
            "b! " * (i % 2 + 1),
            votes=(1, 1, -1),
            chosen_first=True,
        )
        for i in range(60)
    ]
    keys = analysed(pairs)["keys"]
    assert keys["people_agreement"] == pytest.approx(1 / 3)
    assert keys["position_bias"] > 0.2
    assert (keys["n_pairs"], keys["n_prompts"]) == (60, 30)


@pytest.mark.parametrize(
    ("votes", "agreement"), [((1, 1, 1), 1), ((1, -1), 0), ((1, 1, -1), 1 / 3), ((1, 0, 0), None), ((), None), ((0, 1, 1), 1)]
)  # fmt: skip
def test_agreement_of_people(votes, agreement):
    found = agreement_of(votes)
    assert (None if np.isnan(found) else found) == (agreement if agreement is None else pytest.approx(agreement))


@pytest.mark.parametrize(
    ("votes", "sign", "share"), [((1, 1, -1), 1, 2 / 3), ((1, 1, -1), -1, 1 / 3), ((1, 0), 0, 0.5), ((0,), 1, None)]
)
def test_the_share_of_people_that_a_prediction_is_right_for(votes, sign, share):
    found = named_by(votes, sign)
    assert (None if np.isnan(found) else found) == (share if share is None else pytest.approx(share))


def test_without_places_there_is_no_position_bias():
    assert np.isnan(analysed(known_pairs(60))["keys"]["position_bias"])


def test_answers_that_differ_in_nothing_are_refused():
    pairs = [Pair(str(i), str(i), ("q",), "a", "b") for i in range(20)]
    with pytest.raises(
        ValueError, match="expected answers that differ in some feature, got none: longer never differs"
    ):
        analysed(pairs)


def test_two_targets_on_the_same_pairs(rows):
    """Before: the truth always wins. After: as the biased raters have it."""
    pairs = biased_pairs(rows, 1000)
    study = study_of(pairs)
    before = study.preferred([1 if pair.chosen == pair.answer else -1 for pair in pairs])
    after = study.preferred([1] * len(pairs))
    found = compare_targets(study, before, after, FAST)
    assert found["agreement_rise"]["value"] == pytest.approx(APPROVES["expert"] - APPROVES["none"], abs=0.1)
    assert found["agreement_rise"]["ci_low"] > 0.5
    expert = found["agreement/user_wrong/expert"]
    assert (expert["before"] < -0.4, expert["after"] > 0.4, expert["direction"]) == (True, True, 1)
    same = compare_targets(study, after, after, FAST)
    assert {each["value"] for each in same.values()} == {0.0}
    assert {(each["ci_low"], each["ci_high"], each["direction"]) for each in same.values()} == {(0.0, 0.0, 0.5)}
