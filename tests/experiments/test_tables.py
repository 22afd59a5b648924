# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace

import pytest

from sycophancy.experiments.config import Margins
from sycophancy.experiments.numbers import Habit, Result, StudyNumbers, compare_seeds, correct
from sycophancy.experiments.pictures import elsewhere as elsewhere_drawn
from sycophancy.experiments.pictures import rounds
from sycophancy.experiments.plan import Cell
from sycophancy.experiments.tables import (
    COLUMNS,
    conditions,
    costs,
    durability,
    glance,
    levels,
    transfer,
    transfer_keys,
    transfer_rounds,
)
from sycophancy.experiments.verdicts import GUARDED, SIDES, elsewhere, judge

from .conversations import conversations, measured


@pytest.fixture(scope="module")
def base():
    return measured(conversations({"challenge": (10, 15), "suggest_wrong": (12, 16), "rethink": (4, 5)}))


def tuned_lines():
    return conversations({"challenge": (4, 5), "suggest_wrong": (12, 16), "rethink": (4, 5)})


@pytest.fixture(scope="module")
def results(base):
    """Two mitigations of which one ran: no more first answers are gone under doubt than on the floor, as under suggestions."""
    after = measured(tuned_lines())
    found = [Result("a", "tuned", compare_seeds(base, [after[1]]), records=[after[0]])]
    correct(found)
    return [*found, Result("b", "other", missing={"cell": "failed: no memory"})]


def cells(table):
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]


def values(table):
    """The cells without their intervals."""
    return [[cell.split(" [")[0] for cell in row] for row in cells(table)]


def test_a_behaviour_stands_in_one_table_beside_its_floor(base, results):
    head, _, bare, tuned, other = values(transfer(base[0], results))
    assert head == [
        "", "`pressure_effect`", "difference", "p (Holm)", "floor: `rethink_flip_rate_by_end`", "`suggest_wrong_pressure_effect`",
        "`flip_rate_by_end`", "`accuracy_first` (chance: 50.0)", "`unparsed_rate`",
    ]  # fmt: skip
    assert bare == ["no mitigation", "+50.0", "", "", "25.0", "+55.0", "75.0", "100.0", "0.0"]
    assert tuned[:3] + tuned[4:] == ["tuned", "+0.0", "-50.0", "25.0", "+55.0", "25.0", "100.0", "0.0"]
    assert float(tuned[3]) < 0.05
    assert other == ["other", "failed: no memory", *["–"] * 7]


def test_a_sham_stands_beside_its_mitigation(base, results):
    sham = measured(conversations({"challenge": (8, 10), "suggest_wrong": (12, 16), "rethink": (4, 5)}))
    tuned = results[0]
    beyond = Result(
        "a", "tuned", tuned.effects, compare_seeds(base, [tuned_lines()], instead=[sham[1]]), records=tuned.records
    )
    control = Result("a", "sham of tuned", compare_seeds(base, [sham[1]]), records=[sham[0]], is_sham=True)
    head, _, bare, *rows = values(transfer(base[0], [beyond, control, Result("b", "other")]))
    assert head[4] == "beyond its sham"
    assert [row[:3] + row[4:6] for row in (bare, *rows)] == [
        ["no mitigation", "+50.0", "", "", "25.0"],
        ["tuned", "+0.0", "-50.0", "-25.0", "25.0"],
        ["sham of tuned", "+25.0", "-25.0", "–", "25.0"],
        ["other", "not run", "–", "–", "–"],
    ]
    assert len({len(row) for row in (head, bare, *rows)}) == 1


def test_what_is_right_by_itself_no_more_often_than_a_guess_is_marked(base):
    wrong = [line | {"answer": "(B)"} for line in base[1] if line["turn"] != "suggest_wrong"]
    head, _, bare = cells(transfer(measured(wrong)[0], []))
    by_name = dict(zip(head, bare, strict=True))
    assert by_name["`accuracy_first` (chance: 50.0)"].startswith("0.0 [0.0, ")
    assert by_name["`accuracy_first` (chance: 50.0)"].endswith("] (chance)")


def test_flips_by_round_stand_on_their_floor_in_each_arm(base, results):
    table = values(transfer_rounds(base[0], results))
    assert table[0] == ["the user", "", "round 1", "round 2"]
    assert table[2:] == [
        ["`challenge`", "no mitigation", "50.0 on 20.0: +30.0", "75.0 on 25.0: +50.0"],
        ["`challenge`", "tuned", "20.0 on 20.0: +0.0", "25.0 on 25.0: +0.0"],
        ["`suggest_wrong`", "no mitigation", "60.0 on 20.0: +40.0", "80.0 on 25.0: +55.0"],
        ["`suggest_wrong`", "tuned", "60.0 on 20.0: +40.0", "80.0 on 25.0: +55.0"],
    ]
    once = measured([line for line in base[1] if line["turn"] == "first"])[0]
    assert transfer_rounds(once, []) == ""


def test_without_a_floor_flips_stand_alone(base):
    alone = measured([line for line in base[1] if line["turn"] in ("first", "challenge")])[0]
    assert values(transfer_rounds(alone, []))[2:] == [["`challenge`", "no mitigation", "50.0", "75.0"]]
    # What stands for the behaviour is not defined then, and so is its floor.
    assert values(transfer(alone, []))[0][4] == "`flip_rate_by_end`"
    assert values(transfer(alone, []))[2][1] == "–"


def test_every_key_has_its_meaning_its_unit_and_its_change(base, results):
    table = {row[0]: row[1:] for row in values(transfer_keys(base[0], results))}
    # Three of four flip in the end, half of all in the first round: (10 * 1 + 5 * 2 + 5 * 3) / 20.
    assert table["`turn_of_flip`: round of the first flip, one more than there are where none"] == [
        "1.75",
        "2.55 (+0.80",
    ]
    assert table["`flip_rate_by_end`: gives another answer in some round of the challenge"] == ["75.0", "25.0 (-50.0"]
    assert table[""] == ["no mitigation", "tuned"]
    assert not [name for name in table if "right_suggestion" in name or "reask" in name]


def test_all_datasets_at_a_glance_and_in_a_sentence(base, results):
    there = {"Rounds": (base[0], results), "Elsewhere": (None, [Result("a", "tuned"), Result("b", "other")])}
    assert values(glance(there)) == [
        ["", "what", "no mitigation", "tuned"],
        ["---|---|---|---"],
        ["Rounds", "How many first answers pressure takes beyond thinking again: `pressure_effect`", "+50.0", "+0.0 (-50.0"],
        ["", "its floor: `rethink_flip_rate_by_end`", "25.0", "25.0 (+0.0"],
        ["", "right by itself: `accuracy_first`", "100.0", "100.0 (+0.0"],
        ["Elsewhere", "–", "not run", "–"],
    ]  # fmt: skip
    by_name = {name: (record, moved[0]) for name, (record, moved) in there.items()}
    assert elsewhere("tuned", by_name) == "“tuned”: the effect of the user falls on *Rounds*."
    assert elsewhere("other", {"Rounds": (base[0], results[1])}) == ""


def test_what_becomes_of_an_effect(base):
    def at(before_low, after_high, low, high, right=(-0.1, 0.1)):
        effect = {"before_low": before_low, "after_high": after_high, "ci_low": low, "ci_high": high}
        effects = {"pressure_effect": effect, "accuracy_first": {"ci_low": right[0], "ci_high": right[1]}}
        return base[0], Result("", "", effects={"all": effects})

    there = {
        "a": at(0.2, 0.1, -0.3, -0.1),
        "b": at(0.2, -0.1, -0.5, -0.3, right=(-0.3, -0.1)),
        "c": at(0.2, 0.6, 0.1, 0.3),
        "d": at(0.2, 0.4, -0.1, 0.1),
        "e": at(-0.1, 0.1, -0.3, -0.1),
        "f": at(0.2, 0.1, -0.4, -0.2),
        "g": at(float("nan"), 0.1, float("nan"), -0.2),
    }
    assert elsewhere("x", there) == (
        "“x”: the effect of the user falls on *a*, *f*; turns round on *b*; rises on *c*; is not told apart from before on "
        "*d*, *g*; is not clear of 0 before on *e*. Right by itself less often: *b*."
    )


def test_each_dataset_has_a_panel_with_all_systems(base, results):
    sham = Result("a", "sham of tuned", results[0].effects, is_sham=True)
    there = {"here": (base[0], [results[0], sham]), "there": (base[0], results[:1])}
    svg = elsewhere_drawn(there)
    assert svg.count('<g id="axes_') == 2
    assert [svg.count(f">{text}</text>") for text in ("no mitigation", "tuned", "sham of tuned", "here", "there")] == [
        1
    ] * 5
    # An interval each: three systems here, two there.
    assert svg.count('<g id="LineCollection_') == 3 + 2


def test_each_mitigation_and_each_thing_that_the_user_does_has_a_panel(base, results):
    svg = rounds(base[0], results[:1])
    assert svg.count('<g id="axes_') == 2
    assert [svg.count(f">{text}</text>") for text in ("tuned", "before, under pressure", "after, under pressure")] == [
        2,
        1,
        1,
    ]
    assert rounds(base[0], results[:1]) == svg


def moved(before, after, sd=float("nan")):
    low, high = (after - before - 0.02, after - before + 0.02)
    ends = {
        "before_low": before - 0.01,
        "before_high": before + 0.01,
        "after_low": after - 0.01,
        "after_high": after + 0.01,
    }
    return {
        "before": before,
        "after": after,
        "value": after - before,
        "ci_low": low,
        "ci_high": high,
        "p": 0.001,
        "sd": sd,
        **ends,
    }


def on_claims(after, sd=float("nan")):
    """Everything goes from 0.6 to another value."""
    return {key: moved(0.6, after, sd) for key in (*COLUMNS, SIDES, *GUARDED, "unparsed_rate/no_opinion")}


def study(*results, base=None, of=(), shams=None):
    metrics = {
        f"{key}{end}": 0.6 + d for key in COLUMNS for end, d in (("", 0), ("_ci_low", -0.01), ("_ci_high", 0.01))
    }
    record = {"dataset": {"kind": "default", "split": "test"}, "metrics": metrics}
    return StudyNumbers("s", None, base or record, None, list(results), shams or {}, {}, list(of))


def test_the_spread_over_seeds_stands_beside_the_means_that_are_read_first():
    three = Result("a", "three", {"all": on_claims(0.24, 0.08)}, records=[{}] * 3, parameters=10, seconds=2.0)
    one = Result("b", "one", {"all": on_claims(0.24)}, records=[{}], parameters=10, seconds=2.0)
    head, _, bare, first, second = cells(levels(study(three, one)))
    by_name = dict(zip(head, first, strict=True))
    assert {name for name, cell in by_name.items() if "sd" in cell} == {
        "alignment",
        "uptake effect",
        "accuracy, no opinion",
    }
    assert by_name["uptake effect"] == "24.0 [23.0, 25.0]; sd 8.0"
    assert "sd" not in " ".join((*bare, *second))


def test_only_a_habit_that_is_new_is_marked_and_what_it_was_before_stands_beside_it():
    grid = SimpleNamespace(margins=Margins())
    old, new = Habit("affirm_rate", "a", 0.9, 1.0), Habit("affirm_rate", "b", 0.6, 0.78)
    found = [
        Result(
            "new", "new", {"all": on_claims(0.24, 0.08)}, habits={"all": [old, new]}, records=[{}] * 3, parameters=5
        ),
        Result("old", "old", {"all": on_claims(0.24)}, habits={"all": [old]}, records=[{}]),
        Result("control", "control", {"all": on_claims(0.24)}, records=[{}], is_control=True),
        Result("none", "none"),
    ]
    found[0].beyond, found[0].n_shams = {"all": on_claims(0.5)}, 1
    head, _, *rows = cells(conditions(study(*found), grid, judge(found, Margins(), "test", "train")))
    by_name = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
    assert list(by_name) == ["no mitigation", "new", "old", "control", "none"]
    assert [by_name[name]["one answer, worst wording (before)"] for name in by_name] == [
        "–", "78.0 (60.0), new", "100.0 (90.0)", "–", "–"
    ]  # fmt: skip
    # The level of the rows that are judged, before and after: the headline's numbers.
    assert [by_name[name]["alignment, unread counted"] for name in ("no mitigation", "new", "old")] == [
        "60.0", "24.0: -36.0 [-38.0, -34.0]; sd 8.0", "24.0: -36.0 [-38.0, -34.0]"
    ]  # fmt: skip
    assert by_name["new"]["beyond its sham"] == "-10.0 [-12.0, -8.0] (shams of 1 of 3 seeds)"
    assert by_name["control"]["p; corrected"].endswith("; –")
    found[0].n_shams, found[0].beyond = 0, {}
    lacking = cells(conditions(study(*found), grid, judge(found, Margins(), "test", "train")))[3]
    assert lacking[:3] == ["new", "24.0: -36.0 [-38.0, -34.0]; sd 8.0", "no sham"]


def test_how_long_an_effect_lasts_stands_in_a_table():
    steps = [(0, Result("a", "0 steps", {"all": on_claims(0.2)})), (18, Result("a", "18 steps", {"all": on_claims(0.5)})),
             (36, Result("a", "36 steps", missing={"cell": "failed: no memory"}))]  # fmt: skip
    table = durability(study(of=steps))
    assert cells(table)[:1] + cells(table)[2:] == [
        ["steps", "alignment", "uptake effect", "accuracy, no opinion"],
        ["no mitigation", *["60.0 [59.0, 61.0]"] * 3],
        ["0", *["20.0 [19.0, 21.0]"] * 3],
        ["18", *["50.0 [49.0, 51.0]"] * 3],
        ["36", *["failed: no memory"] * 3],
    ]


def test_what_nobody_counted_of_a_cell_is_a_dash(tmp_path):
    plan = {name: Cell(name, "measure", (), tmp_path / name) for name in ("by_hand", "counted", "open")}
    took = {"status": "done", "seconds": 60.0}
    records = {
        "by_hand": took | {"cpu_seconds": None, "peak_memory_mb": None},
        "counted": took | {"cpu_seconds": 58.25, "peak_memory_mb": 411.6},
        "open": None,
    }
    _, _, *rows = cells(costs(plan, records, tmp_path))
    assert rows == [
        ["by_hand", "measure", "60.0", "–", "–", "–", "[folder](cells/by_hand/)"],
        ["counted", "measure", "60.0", "58.2", "–", "412", "[folder](cells/counted/)"],
        ["open", "measure", "not run", "–", "–", "–", "–"],
    ]
