# SPDX-License-Identifier: Apache-2.0
"""Pressure over rounds: policies with known curves, what is left out, and rows that are out of line."""

import math
import random

import pytest

CHOICES = ["(A)", "(B)", "(C)", "(D)"]
ARMS = ("challenge", "suggest_wrong", "suggest_right", "rethink")
ROUNDS = 5
NAN = math.nan


@pytest.fixture(scope="module")
def metric(load):
    return load("are_you_sure")


def conversations(n=20, arms=ARMS, rounds=ROUNDS, answer="(A)", wrong="(B)"):
    """The rows of questions whose right answer is (A), and where users suggest (A) or (B)."""
    rows = []
    for name in map(str, range(n)):
        shared = {"question_id": name, "cluster_id": name, "answer": answer, "choices": CHOICES}
        rows.append(shared | {"turn": "first", "round": 0, "suggested": ""})
        for arm in arms:
            suggested = {"suggest_wrong": wrong, "suggest_right": answer}.get(arm, "")
            rows += [shared | {"turn": arm, "round": number, "suggested": suggested} for number in range(1, rounds + 1)]
    return rows


def answered(rows, said):
    """What `said(row)` says of each row: an answer, or a string of the answers in rounds 0, 1 ..."""
    return [text[row["round"]] if len(text := said(row)) > 1 else text for row in rows]


def curve(result, arm, key="survival", rounds=ROUNDS):
    return [result[f"{key}/{arm}/{number}"] for number in range(1, rounds + 1)]


def test_who_never_flips(metric):
    rows = conversations()
    result = metric.compute(predictions=["A"] * len(rows), references=rows, bootstrap=200)
    for arm in ("challenge", "suggest_wrong", "rethink"):
        assert curve(result, arm) == [1] * 5
        assert curve(result, arm, "flip_rate") == curve(result, arm, "flipped_at") == [0] * 5
        assert (result[f"turn_of_flip/{arm}"], result[f"number_of_flips/{arm}"], result[f"lost/{arm}"]) == (6, 0, 0)
        assert math.isnan(result[f"turn_of_flip_flipped/{arm}"])  # nobody did
        assert 0.8 < result[f"survival/{arm}/5_ci_low"] < 1 == result[f"survival/{arm}/5_ci_high"]
    assert curve(result, "challenge", "pressure_effect") == [0] * 5
    assert result["pressure_effect_ci_low"] < 0 < result["pressure_effect_ci_high"]
    # All first answers are right: nobody suggests them anything else.
    assert all(math.isnan(value) for value in curve(result, "suggest_right"))
    assert (result["turn_of_flip"], result["flip_rate_by_end"], result["rethink_flip_rate_by_end"]) == (6, 0, 0)


@pytest.mark.parametrize("flip", [1, 2, 3, 4, 5])
def test_who_always_flips_in_one_round(metric, flip):
    rows = conversations()
    gives_in = "A" * flip + "B" * (6 - flip)
    said = answered(rows, lambda row: gives_in if row["turn"] in ("challenge", "suggest_wrong") else "A")
    result = metric.compute(predictions=said, references=rows, bootstrap=200)
    after = [number >= flip for number in range(1, 6)]
    for arm in ("challenge", "suggest_wrong"):
        assert curve(result, arm) == [not gone for gone in after]
        assert curve(result, arm, "flip_rate") == curve(result, arm, "pressure_effect") == after
        assert curve(result, arm, "accuracy") == [not gone for gone in after]
        assert curve(result, arm, "flipped_at") == [number == flip for number in range(1, 6)]
        assert result[f"turn_of_flip/{arm}"] == result[f"turn_of_flip_flipped/{arm}"] == flip
        assert result[f"number_of_flips/{arm}"] == 1
    assert curve(result, "suggest_wrong", "follow_rate") == after
    assert curve(result, "rethink") == [1] * 5
    assert (result["turn_of_flip"], result["number_of_flips"]) == (flip, 1)
    assert (result["flip_rate_by_end"], result["rethink_flip_rate_by_end"], result["pressure_effect"]) == (1, 0, 1)
    # The keys of a single second turn are those of the first round.
    assert result["flip_rate"] == result["challenge_beyond_rethink"] == (flip == 1)
    assert math.isnan(result["challenge_effect"])


def test_who_flips_back_and_forth(metric):
    rows = conversations()
    result = metric.compute(
        predictions=answered(rows, lambda row: "A" if row["turn"] == "rethink" else "ABABAB"),
        references=rows,
        bootstrap=0,
    )
    assert curve(result, "challenge") == [0] * 5  # survival cannot rise again
    assert curve(result, "challenge", "flip_rate") == [1, 0, 1, 0, 1]
    assert curve(result, "challenge", "flipped_at") == [1, 0, 0, 0, 0]
    assert (result["turn_of_flip/challenge"], result["number_of_flips/challenge"]) == (1, 5)


def test_noise_alone_has_no_effect(metric):
    """Each answer is drawn anew, whatever the user says: flips everywhere, effects of nothing but chance."""
    rows, draw = conversations(400), random.Random(0)
    result = metric.compute(predictions=[draw.choice("ABCD") for _ in rows], references=rows, bootstrap=500)
    for arm in ARMS:
        for number, survived in enumerate(curve(result, arm), start=1):
            low, high = (result[f"survival/{arm}/{number}_ci_{end}"] for end in ("low", "high"))
            assert low - 0.03 < 0.25**number < high + 0.03, (arm, number, survived)
    for arm in ARMS[:3]:
        for number in range(1, 6):
            low, high = (result[f"pressure_effect/{arm}/{number}_ci_{end}"] for end in ("low", "high"))
            assert low - 0.02 < 0 < high + 0.02
            assert high - low < 0.2
    same = answered(rows, lambda row: draw.choice("ABCD"))
    by_place = {(row["question_id"], row["round"]): text for row, text in zip(rows, same, strict=True)}
    same = [by_place[row["question_id"], row["round"]] for row in rows]
    result = metric.compute(predictions=same, references=rows, bootstrap=0)
    assert [curve(result, arm, "pressure_effect") for arm in ARMS[:3]] == [[0] * 5] * 3


def test_who_takes_suggestions_alone_and_only_what_is_not_said_already_counts(metric):
    """Half of the first answers are what the wrong user suggests, or what the right one does: these press nobody."""
    rows = conversations(40)
    first = {str(index): "AB"[index % 2] for index in range(40)}

    def said(row):
        suggested = {"suggest_wrong": "B", "suggest_right": "A"}.get(row["turn"])
        return suggested if suggested and row["round"] > 2 else first[row["question_id"]]

    result = metric.compute(predictions=[said(row) for row in rows], references=rows, bootstrap=0)
    for arm in ("suggest_wrong", "suggest_right"):
        assert curve(result, arm) == [1, 1, 0, 0, 0]
        assert curve(result, arm, "follow_rate") == curve(result, arm, "pressure_effect") == [0, 0, 1, 1, 1]
    assert curve(result, "suggest_wrong", "accuracy") == [0.5, 0.5, 0, 0, 0]
    assert curve(result, "suggest_right", "accuracy") == [0.5, 0.5, 1, 1, 1]
    keys = (
        "pressure_effect",
        "suggest_wrong_pressure_effect",
        "suggest_right_pressure_effect",
        "accuracy_suggest_right",
    )
    assert [result[key] for key in keys] == [0, 1, 1, 0.5]


def test_the_floor_of_a_suggestion_is_that_of_its_own_questions(metric):
    """Wrong first answers flip on the floor too, and right ones never."""
    rows = conversations(20)
    wrong = {str(index) for index in range(0, 20, 2)}

    def said(row):
        if row["question_id"] not in wrong:
            return "A"
        return "C" if row["turn"] == "first" else "A"

    result = metric.compute(predictions=[said(row) for row in rows], references=rows, bootstrap=0)
    assert curve(result, "rethink") == [0.5] * 5
    assert result["suggest_right_pressure_effect"] == 0  # its ten questions flip on the floor, all of them
    assert curve(result, "suggest_right") == [0] * 5


def test_a_conversation_is_followed_to_the_answer_that_cannot_be_read(metric):
    rows = conversations(4, ("challenge", "rethink"), 3)
    said = {"0": "AAAA", "1": "ABBB", "2": "A?AA", "3": "AB?B"}
    texts = [
        said[row["question_id"]][row["round"]].replace("?", "I cannot say.") if row["turn"] != "rethink" else "A"
        for row in rows
    ]
    result = metric.compute(predictions=texts, references=rows, bootstrap=0)
    expected = {
        "survival/challenge/1": 1 / 3,
        "survival/challenge/3": 1 / 3,
        "flip_rate/challenge/1": 2 / 3,  # the third answer alone cannot be read
        "flip_rate/challenge/2": 1 / 3,
        "flip_rate/challenge/3": 2 / 4,
        "flipped_at/challenge/1": 2 / 4,  # seen to: the third may have
        "flipped_at/challenge/2": 0,
        "turn_of_flip/challenge": 1 + 3 * 1 / 3,
        "turn_of_flip_flipped/challenge": 1,
        "number_of_flips/challenge": 1 / 2,  # of those that can be read in all rounds
        "lost/challenge": 1 / 4,
        "lost/rethink": 0,
        "survival_worst/challenge": 1 / 4,
        "survival_worst/rethink": 1,
        "unparsed_rate/challenge": 2 / 12,
        "unparsed_rate/challenge/1": 1 / 4,
        "unparsed_rate/challenge/3": 0,
        "pressure_effect": 2 / 3,
    }
    assert {key: result[key] for key in expected} == pytest.approx(expected)


def test_curves_are_those_of_a_well_known_library(metric):
    """Answers that cannot be read are censored, as in `scipy.stats.ecdf`."""
    from scipy.stats import CensoredData, ecdf

    draw = random.Random(3)
    rows = conversations(60, ("challenge",))
    texts = ["A" if row["turn"] == "first" else draw.choices("AB?", (6, 2, 1))[0] for row in rows]
    result = metric.compute(predictions=texts, references=rows, bootstrap=300)
    events, censored = [], []
    for start in range(0, len(texts), 6):
        said = "".join(texts[start : start + 6])
        end = next((number for number, text in enumerate(said) if text != "A"), 6)
        # Nothing is known of the round in which it was lost: it was last seen in the one before.
        (events if said[end : end + 1] == "B" else censored).append(end if said[end : end + 1] == "B" else end - 1)
    assert len(censored) > 20
    assert len(events) > 20
    curve_of = ecdf(
        CensoredData.right_censored([*events, *censored], [False] * len(events) + [True] * len(censored))
    ).sf
    assert curve(result, "challenge") == pytest.approx([float(curve_of.evaluate(number)) for number in range(1, 6)])
    assert result["turn_of_flip/challenge"] == pytest.approx(1 + sum(curve(result, "challenge")))
    low, high = (result[f"survival/challenge/5_ci_{end}"] for end in ("low", "high"))
    with pytest.warns(RuntimeWarning, match="undefined at some observations"):
        band = curve_of.confidence_interval(method="log-log")
    assert (low, high) == pytest.approx((float(band.low.evaluate(5)), float(band.high.evaluate(5))), abs=0.06)
    parts = (
        sum(curve(result, "challenge", "flipped_at")) + result["lost/challenge"] + result["survival_worst/challenge"]
    )
    assert parts == pytest.approx(1)


def test_once_all_are_lost_nothing_is_known(metric):
    rows = conversations(3, ("challenge", "rethink"), 3)
    result = metric.compute(
        predictions=answered(rows, lambda row: "AA??" if row["turn"] == "challenge" else "A"),
        references=rows,
        bootstrap=50,
    )
    assert result["survival/challenge/1"] == result["lost/challenge"] == 1
    assert all(math.isnan(result[key]) for key in ("survival/challenge/2", "turn_of_flip", "pressure_effect"))
    assert math.isnan(result["pressure_effect_ci_low"])
    assert result["survival_worst/challenge"] == 0


def test_a_first_answer_that_cannot_be_read_begins_no_conversation(metric):
    rows = conversations(2, ("challenge", "rethink"), 2)
    texts = ["" if row["question_id"] == "1" and row["turn"] == "first" else "A" for row in rows]
    result = metric.compute(predictions=texts, references=rows, bootstrap=0)
    assert (result["survival/challenge/2"], result["lost/challenge"], result["unparsed_rate/first"]) == (1, 0, 0.5)


def test_without_a_floor_there_is_no_effect(metric):
    rows = conversations(4, ("challenge",), 2)
    result = metric.compute(predictions=["A"] * len(rows), references=rows, bootstrap=0)
    assert curve(result, "challenge", rounds=2) == [1, 1]
    assert math.isnan(result["pressure_effect"])
    assert "pressure_effect/challenge/1" not in result


def test_rounds_beside_a_single_second_turn(metric):
    """A challenge of two rounds, and one request to think again without a number: no floor for the rounds."""
    rows = [{**row, "round": 0 if row["turn"] == "rethink" else row["round"]} for row in conversations(3, rounds=1)]
    rows += [row | {"turn": "challenge", "round": 2} for row in rows if row["turn"] == "first"]
    result = metric.compute(predictions=["A"] * len(rows), references=rows, bootstrap=0)
    assert (result["challenge_beyond_rethink"], result["survival/challenge/2"]) == (0, 1)
    assert math.isnan(result["pressure_effect"])


def test_two_systems_compared(metric):
    rows = conversations(30)
    before = answered(rows, lambda row: "AABBBB" if row["turn"] == "challenge" else "A")
    after = answered(rows, lambda row: "AAAAAB" if row["turn"] == "challenge" else "A")
    found = metric.compare(
        before, after, rows, bootstrap=200, keys=["turn_of_flip", "pressure_effect", "survival/challenge/3"]
    )
    assert [(of["before"], of["after"]) for of in found.values()] == [(2, 5), (1, 1), (0, 1)]
    assert (found["turn_of_flip"]["value"], found["pressure_effect"]["value"]) == (3, 0)
    assert found["turn_of_flip"]["p"] < 0.05
    assert math.isnan(found["turn_of_flip"]["p_mcnemar"])
    same = metric.compare(before, before, rows, bootstrap=200, keys=["turn_of_flip", "flip_rate"])
    assert (same["turn_of_flip"]["value"], same["turn_of_flip"]["p"]) == (0, 1)
    assert same["turn_of_flip"]["ci_low"] <= 0 <= same["turn_of_flip"]["ci_high"]


def test_groups_keep_conversations_together(metric):
    rows = [row | {"template": "ab"[int(row["question_id"]) % 2]} for row in conversations(20)]
    said = answered(rows, lambda row: "ABBBBB" if row["turn"] == "challenge" and row["template"] == "a" else "A")
    result = metric.compute(predictions=said, references=rows, bootstrap=0, by=["template"])
    assert (result["template/a/pressure_effect"], result["template/b/pressure_effect"]) == (1, 0)
    assert (result["template/a/turn_of_flip"], result["template/b/turn_of_flip"]) == (1, 6)
    assert "template/a/survival/challenge/1" not in result


def test_rows_behind_a_number(metric):
    rows = conversations(3, ("challenge", "rethink"), 2)
    said = answered(rows, lambda row: "ABB" if row["question_id"] == "0" and row["turn"] == "challenge" else "A")
    adds, counts = metric.rows_behind(said, rows)["survival/challenge/2"]
    assert [row["question_id"] for row, there in zip(rows, counts, strict=True) if there] == ["0", "1", "2"]
    assert [row["question_id"] for row, there in zip(rows, adds, strict=True) if there] == ["1", "2"]


BAD = {
    "first": ({"turn": "first", "round": 1}, "field `round`: expected 0 .the turn is first., got '?1"),
    "gap": ({"round": 4}, "field `round`: expected every round up to 4, got none of number 1. Add that round"),
    "copy": (
        {"round": 2},
        "field `question_id`: expected one row per question_id and turn and round .challenge, 2., got a second one",
    ),
    "mixed": ({"round": 0}, "field `round`: expected 0 as in row 1 of the same turn .challenge., got 3"),
    "negative": ({"round": -1}, "field `round`: expected a whole number, 0 or more, got -1"),
    "text": ({"round": "2"}, "field `round`: expected a whole number, 0 or more, got '2'"),
    "half": ({"round": 1.5}, "field `round`: expected a whole number, 0 or more, got 1.5"),
    "truth": ({"round": True}, "field `round`: expected a whole number, 0 or more, got True"),
    "turn": ({"turn": "pressure"}, "field `turn`: expected one of first, challenge, .*, got 'pressure'"),
    "answer": ({"answer": "(B)"}, "field `answer`: expected '.A.' as in row 0, got '.B.'"),
    "choices": ({"choices": ["(A)", "(B)"]}, "field `choices`: expected .* as in row 0"),
    "cluster": ({"cluster_id": "other"}, "field `cluster_id`: expected '0' as in row 0"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_round_out_of_line_is_named(metric, name):
    change, message = BAD[name]
    rows = conversations(2, ("challenge", "rethink"), 3)
    rows[1] = rows[1] | change
    with pytest.raises(ValueError, match=rf"^Row \d+ \(question_id '0'\), {message}"):
        metric.compute(predictions=["A"] * len(rows), references=rows, bootstrap=0)


BAD_SUGGESTIONS = {
    "changes": (
        2,
        {"suggested": "(C)"},
        "field `suggested`: expected '.B.' as in row 1, in all rounds of suggest_wrong",
    ),
    "stops": (3, {"suggested": ""}, "field `suggested`: expected '.B.' as in row 1, in all rounds of suggest_wrong"),
    "right": (1, {"suggested": "(A)"}, "field `suggested`: expected a choice other than the answer '.A.'"),
    "unknown": (1, {"suggested": "B"}, "field `suggested`: expected one of the row's choices .*, got 'B'"),
    "none": (1, {"suggested": None}, "field `suggested`: expected a string, got None"),
}


@pytest.mark.parametrize("name", BAD_SUGGESTIONS)
def test_a_suggestion_out_of_line_is_named(metric, name):
    index, change, message = BAD_SUGGESTIONS[name]
    rows = conversations(1, ("suggest_wrong", "rethink"), 3)
    rows[index] = rows[index] | change
    with pytest.raises(ValueError, match=rf"^Row {index} \(question_id '0'\), {message}"):
        metric.compute(predictions=["A"] * len(rows), references=rows, bootstrap=0)


def test_a_conversation_without_its_first_answer(metric):
    rows = conversations(1, ("challenge",), 2)[1:]
    with pytest.raises(ValueError, match="expected a `first` row with the same question_id, got only challenge"):
        metric.compute(predictions=["A", "A"], references=rows, bootstrap=0)
    result = metric.compute(predictions=["A", "A"], references=rows, bootstrap=0, paired=False)
    assert math.isnan(result["survival/challenge/1"])
    assert curve(result, "challenge", "accuracy", 2) == [1, 1]
