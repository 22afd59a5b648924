# SPDX-License-Identifier: Apache-2.0
import math

import pytest

from sycophancy.dataset.kinds import FEEDBACK, TURNS
from sycophancy.dataset.reading import load_claims
from sycophancy.experiments.numbers import KEYS, Result, compare_seeds, correct, wording_habits
from sycophancy.experiments.tables import transfer, transfer_keys
from sycophancy.metric import load_metric, references

RUN = {"dataset": {"kind": "default"}}


def answered(rows, answer):
    """Lines of a run in which each row is answered so."""
    return [row | {"prediction": answer(row), "parsed": answer(row)} for row in rows]


def parrot(row):
    return row["user_answer"] or row["answer"]


def honest(row):
    return row["answer"]


@pytest.fixture(scope="module")
def rows(dataset_folder):
    return list(load_claims(str(dataset_folder), "validation"))


def test_one_seed_is_the_metrics_own_comparison(rows):
    base, after = answered(rows, parrot), answered(rows, honest)
    found = compare_seeds((RUN, base), [after])["all"]
    expected = load_metric().compare(
        before=[a["prediction"] for a in base], after=[a["prediction"] for a in after], references=references(base),
        keys=list(KEYS), known="first",
    )  # fmt: skip
    for key in KEYS:
        same = ("before", "after", "value", "ci_low", "ci_high")
        assert {k: found[key][k] for k in same} == pytest.approx({k: expected[key][k] for k in same}, nan_ok=True)
        assert found[key]["p"] == pytest.approx(expected[key]["p"], nan_ok=True)
    alignment = found["opinion_alignment"]
    assert (alignment["before"], alignment["after"], alignment["value"]) == (1, 0, -1)
    assert alignment["before_low"] < 1 == alignment["before_high"]
    assert math.isnan(alignment["sd"])


def test_several_seeds_are_their_mean_and_no_more_items(rows):
    base = answered(rows, parrot)
    one, other = answered(rows, honest), answered(rows, parrot)
    found = compare_seeds((RUN, base), [one, other])["all"]["opinion_alignment"]
    assert (found["before"], found["after"], found["value"]) == (1, 0.5, -0.5)
    # Siding falls by 1 with the one and by 0 with the other.
    assert found["sd"] == pytest.approx(0.5**0.5)
    # The same run twice is no more than once: the items are drawn, not the rows.
    single, twice = (compare_seeds((RUN, base), runs)["all"]["opinion_effect"] for runs in ([one], [one, one]))
    assert twice["ci_high"] - twice["ci_low"] == pytest.approx(single["ci_high"] - single["ci_low"], rel=0.1, abs=1e-9)
    half = answered(
        rows, lambda row: honest(row) if row["claim_id"] < rows[len(rows) // 2]["claim_id"] else parrot(row)
    )
    single, twice = (compare_seeds((RUN, base), runs)["all"]["opinion_alignment"] for runs in ([half], [half, half]))
    assert twice["ci_high"] - twice["ci_low"] == pytest.approx(single["ci_high"] - single["ci_low"], rel=0.02)


def test_known_claims_are_those_of_the_base(rows):
    half = {row["claim_id"] for row in rows[::12]}
    base = answered(rows, lambda row: honest(row) if row["claim_id"] in half or row["user_answer"] else "neither")
    after = answered(rows, lambda row: parrot(row) if row["claim_id"] in half else honest(row))
    found = compare_seeds((RUN, base), [after, after])["all"]
    assert found["opinion_alignment_known"]["after"] == 1
    assert found["opinion_alignment"]["after"] == pytest.approx(sum(r["claim_id"] in half for r in rows) / len(rows))


def test_a_run_beside_its_sham_is_measured_on_the_bases_claims(rows):
    half = {row["claim_id"] for row in rows[::12]}
    base = answered(rows, lambda row: honest(row) if row["claim_id"] in half or row["user_answer"] else "neither")
    # To the sham no claim is known: by its own claims there would be nothing to measure.
    sham = answered(rows, lambda row: parrot(row) if row["user_answer"] else "neither")
    found = compare_seeds((RUN, base), [answered(rows, honest)], instead=[sham])["all"]["opinion_alignment_known"]
    assert (found["before"], found["after"], found["value"]) == (1, 0, -1)


def test_each_seed_stands_beside_the_sham_of_that_seed(rows):
    base, follows, holds = answered(rows, honest), answered(rows, parrot), answered(rows, honest)
    found = compare_seeds((RUN, base), [follows, holds], instead=[follows, holds])["all"]["opinion_alignment"]
    assert (found["before"], found["after"], found["value"], found["sd"]) == (0.5, 0.5, 0, 0)
    # Nothing moved in any item.
    assert found["p"] == 1


def test_what_cannot_be_read_is_compared_arm_by_arm(rows):
    after = answered(rows, lambda row: "It depends." if row["condition"] == "wrong_opinion" else honest(row))
    found = compare_seeds((RUN, answered(rows, parrot)), [after])["all"]
    arms = ("no_opinion", "wrong_opinion", "right_opinion")
    assert {arm: found[f"unparsed_rate/{arm}"]["value"] for arm in arms} == dict(zip(arms, (0, 1, 0), strict=True))
    # Silence is no cure: by the worse bound nothing fell.
    assert found["opinion_alignment_worst"]["value"] == 0


def test_habits_are_those_of_each_wording_and_the_highest_of_any_seed(rows):
    def affirms(row):
        other = next(choice for choice in row["choices"] if choice != row["answer"])
        return row["answer"] if row["claim_is_true"] else other

    def denies_in_one(row):
        right = row["answer"] if not row["claim_is_true"] else next(c for c in row["choices"] if c != row["answer"])
        return right if row["template"] == "yes_no" else honest(row)

    base = answered(rows, honest)
    found = wording_habits(base, [answered(rows, affirms), answered(rows, denies_in_one)])
    habits = {(habit.key, habit.template): (habit.before, habit.after) for habit in found["all"]}
    assert habits["affirm_rate", "yes_no"] == (0.5, 1)
    assert habits["modal_answer_rate", "yes_no"] == (0.5, 1)
    only = wording_habits(base, [answered(rows, denies_in_one)])
    habits = {(habit.key, habit.template): (habit.before, habit.after) for habit in only["seen"]}
    assert (habits["affirm_rate", "yes_no"], habits["modal_answer_rate", "yes_no"]) == ((0.5, 0), (0.5, 1))
    assert habits["modal_answer_rate", "true_false"] == (0.5, 0.5)
    assert {habit.template for habit in only["held_out"]} == {"your_view", "dialogue_yes_no", "lettered_true_false"}


def test_wordings_are_told_apart(rows):
    held_out = ("your_view", "dialogue_yes_no", "lettered_true_false")
    base = answered(rows, parrot)
    after = answered(rows, lambda row: parrot(row) if row["template"] in held_out else honest(row))
    found = compare_seeds((RUN, base), [after])
    assert {part: found[part]["opinion_alignment"]["value"] for part in ("seen", "held_out")} == {
        "seen": -1,
        "held_out": 0,
    }
    two = compare_seeds((RUN, base), [after, base])
    assert {part: two[part]["opinion_alignment"]["sd"] for part in ("seen", "held_out")} == {
        "seen": pytest.approx(0.5**0.5),
        "held_out": 0,
    }
    seen = [row for row in rows if row["template"] not in held_out]
    # Nothing is held out: "all" says it already.
    assert list(compare_seeds((RUN, answered(seen, parrot)), [answered(seen, honest)])) == ["all"]
    apart = [row for row in rows if row["template"] in held_out]
    found = compare_seeds((RUN, answered(apart, parrot)), [answered(apart, honest)])
    assert list(found) == ["all", "held_out"]
    assert found["held_out"] == found["all"]


def test_runs_on_other_rows_are_refused(rows):
    with pytest.raises(ValueError, match="expected runs on the same rows as the base's, got others"):
        compare_seeds((RUN, answered(rows, parrot)), [answered(rows[6:], parrot)])


def test_questions_in_turns_are_compared_by_their_keys():
    lines = [
        {"id": f"{i}/{turn}", "question_id": f"{i}", "cluster_id": f"{i}", "turn": turn, "answer": "(A)",
         "choices": ["(A)", "(B)"], "prediction": "(B)" if turn == "challenge" and i < 6 else "(A)"}
        for i in range(20) for turn in ("first", "challenge", "reask")
    ]  # fmt: skip
    after = [line | {"prediction": "(A)"} for line in lines]
    found = compare_seeds(({"dataset": {"kind": "are_you_sure"}}, lines), [after, after])
    assert list(found) == ["all"]
    assert list(found["all"]) == list(TURNS.meanings)
    assert found["all"]["challenge_effect"]["value"] == pytest.approx(-0.3)


def test_holm_goes_over_the_mitigations_key_by_key():
    def result(p, other):
        return Result("", "", effects={"all": {"a": {"p": p}, "b": {"p": other}}})

    results = [result(0.01, float("nan")), result(0.04, 0.5), result(0.03, 0.2), Result("", "")]
    correct(results)
    assert [r.effects["all"]["a"]["p_holm"] for r in results[:3]] == pytest.approx([0.03, 0.06, 0.06])
    assert [r.effects["all"]["b"].get("p_holm") for r in results[:3]] == [None, 0.5, 0.4]


def test_the_spread_over_seeds():
    result = Result("", "", seeds={"a": [0.1, 0.3], "b": [0.2], "c": [None, 0.2, 0.4]})
    assert [result.of_seeds(key) for key in "abcd"] == ["20.0 (sd 14.1, n = 2)", "", "30.0 (sd 14.1, n = 2)", ""]


def test_wordings_of_suggested_answers_are_told_apart(answers_folder):
    rows = list(load_claims(str(answers_folder), "validation"))
    held_out = ("reply", "dialogue_choose", "quiz", "dialogue_lines")
    after = answered(rows, lambda row: parrot(row) if row["template"] in held_out else honest(row))
    found = compare_seeds((RUN, answered(rows, parrot)), [after])
    assert {part: found[part]["opinion_alignment"]["value"] for part in ("seen", "held_out")} == {
        "seen": -1,
        "held_out": 0,
    }


SCALE = ["1", "2", "3", "4", "5"]


def rated(like: float, scored: bool):
    """Ratings of 12 texts, 3 where nothing is said; a user who likes the text gets so much more, by scores or in text."""
    lines = []
    for i in range(12):
        for condition in ("none", "like", "dislike", "wrote", "not_wrote", "mention"):
            rating = str(round(3 + like)) if condition == "like" else "3"
            more = {"1": -9.0, "2": -9.0, "4": -9.0, "5": -9.0, "3": -0.01}
            if condition == "like":
                # Half of the probability on each of two ratings: an expected rating between them.
                more = {"1": -9.0, "2": -9.0, "3": -0.7, "4": -0.7, "5": -9.0}
            lines.append(
                {"id": f"{i}/{condition}", "item_id": f"{i}", "cluster_id": f"{i}", "condition": condition, "template": "opening",
                 "quality": ("good", "flawed")[i % 2], "flaw": "", "choices": SCALE, "prediction": rating,
                 "choice_logprobs": more if scored else None}
            )  # fmt: skip
    return lines


@pytest.mark.parametrize(("scored", "bias"), [(False, 1), (True, 0.5)])
def test_ratings_are_compared_by_their_keys_and_shown_in_points_of_the_scale(scored, bias):
    base = {"dataset": {"kind": "feedback"}}
    before, after = rated(1, scored), [line | {"condition": line["condition"]} for line in rated(0, scored)]
    for line in after:
        if scored:
            line["choice_logprobs"] = before[0]["choice_logprobs"]
    found = compare_seeds((base, before), [after, after])
    assert list(found) == ["all"]
    assert list(found["all"]) == list(FEEDBACK.meanings)
    effect = found["all"]["feedback_bias"]
    assert (effect["before"], effect["after"], effect["value"]) == pytest.approx((bias, 0, -bias), abs=0.01)
    assert effect["sd"] == 0
    apart = compare_seeds((base, before), [before, after])["all"]["feedback_bias"]
    assert apart["sd"] == pytest.approx(bias * 0.5**0.5, abs=0.01)
    metrics = {f"{key}{end}": 0.25 for key in FEEDBACK.meanings for end in ("", "_ci_low", "_ci_high")}
    record = base | {"metrics": metrics}
    head, _, first, second = transfer(record, [Result("", "tuned", effects=found)]).splitlines()
    assert [cell.strip() for cell in head.split("|")[2:6]] == [
        "`feedback_bias`",
        "difference",
        "p (Holm)",
        "floor: `mention_shift`",
    ]
    assert first.startswith(f"| no mitigation | {bias:+.2f} [")
    assert f"| {-bias:+.2f} [" in second
    lines = transfer_keys(record, [Result("", "tuned", effects=found)]).splitlines()
    (line,) = [line for line in lines if line.startswith("| `discrimination/none`")]
    assert [cell.split(" [")[0] for cell in line.split(" | ")[1:]] == ["50.0", "50.0 (+0.0"]
