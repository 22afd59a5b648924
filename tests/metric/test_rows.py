# SPDX-License-Identifier: Apache-2.0
"""Rows that come in: what passes as a list, as text, as choices, as settings, and how the rest is refused."""

import re

import numpy as np
import pytest

from metrics.syco_alignment.rows import check_settings, codes, read_columns, with_predictions

FIELDS = ("id", ("id", "kind"), ("note",), "choices")


def row(**change):
    return {"id": "r", "kind": "k", "note": "", "choices": ["x", "y"], **change}


def read(predictions, references, groups=()):
    return read_columns(predictions, references, *FIELDS, groups=groups)


def test_columns_of_good_rows():
    columns = read(["p", "q"], [row(), row(id="s", note="n", choices=("y", "z"), other=1)])
    assert columns == {
        "id": ["r", "s"],
        "kind": ["k", "k"],
        "note": ["", "n"],
        "predictions": ["p", "q"],
        "choices": [("x", "y"), ("y", "z")],
        "wording": ["", ""],
    }


def test_numpy_and_datasets_containers_are_read_alike():
    from datasets import Dataset

    expected = read(["p", "q"], [row(), row(id="s")])
    table = Dataset.from_list([{**row(), "p": "p"}, {**row(id="s"), "p": "q"}])
    assert read(table["p"], table) == expected
    assert read(np.array(["p", "q"]), (row(), row(id=np.str_("s"), choices=np.array(["x", "y"])))) == expected
    assert [type(value) for value in read(np.array(["p"]), [row(id=np.str_("s"))])["id"]] == [str]


def test_groups_are_written_out():
    rows = [row(level="a", n=1, flag=True), row(level="b", n=2, flag=False)]
    columns = read(["p", "p"], rows, ("level", "n", "flag"))
    assert [columns[name] for name in ("level", "n", "flag")] == [["a", "b"], ["1", "2"], ["True", "False"]]


BAD = {
    "no_rows": ([], [], "Expected at least one row, got none"),
    "lengths": (["p"], [row(), row()], "got 1 predictions and 2 references"),
    "text_for_predictions": ("p", [row()], "`predictions`: expected a list .*got str"),
    "none_for_predictions": (None, [row()], "`predictions`: expected a list .*got NoneType"),
    "dict_for_references": (["p"], row(), "`references`: expected a list .*got dict"),
    "row_is_text": (["p"], ["r"], r"Row 0 .*`references`: expected a dict, got 'r'"),
    "row_is_none": (["p", "p"], [row(), None], r"Row 1 .*`references`: expected a dict, got None"),
    "no_field": (["p"], [{"id": "r"}], r"Row 0 \(id 'r'\), field `kind`: .*got no such field\. Add `kind`"),
    "no_id": (["p"], [{"kind": "k"}], r"Row 0 \(id unknown\), field `id`: .*got no such field"),
    "null": (
        ["p"],
        [row(note=None)],
        r"Row 0 \(id 'r'\), field `note`: expected a string, got None\. Write \"\"",
    ),
    "empty": (["p"], [row(kind="")], r"field `kind`: expected a non-empty string, got ''\. Fill in `kind`"),
    "number": (["p", "p"], [row(), row(kind=3)], r"Row 1 \(id 'r'\), field `kind`: .*got 3\."),
    "prediction_none": (
        ["p", None],
        [row(), row(id="s")],
        r"Row 1 \(id 's'\), field `predictions`: .*got None",
    ),
    "prediction_number": ([3], [row()], r"field `predictions`: expected a string, got 3"),
    "no_choices": (["p"], [{"id": "r", "kind": "k", "note": ""}], r"field `choices`: .*got None"),
    "choices_text": (
        ["p"],
        [row(choices="xy")],
        r"field `choices`: expected a list of at least two .*got 'xy'",
    ),
    "one_choice": (["p"], [row(choices=["x"])], r"field `choices`: .*got \['x'\]"),
    "blank_choice": (["p"], [row(choices=["x", " "])], r"field `choices`: expected .*non-blank"),
    "null_choice": (["p"], [row(choices=["x", None])], r"field `choices`: .*None"),
    "listed_choice": (["p"], [row(choices=[["x"], "y"])], r"field `choices`: "),
    "same_choice": (["p"], [row(choices=["x", "x"])], r"field `choices`: expected choices that differ"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_rows_are_named(name):
    predictions, references, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        read(predictions, references)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((["a"], None), r"Row 0 .*`level`: expected the name of a group \(str\) in every row, got \['a'\]"),
        (("a", 1), r"Row 1 .*`level`: .*\(str\) in every row, got 1"),
        ((1, True), r"Row 1 .*`level`: .*\(int\) in every row, got True"),
        ((1.5, 1.5), r"Row 0 .*`level`: .*got 1\.5"),
    ],
)
def test_bad_groups_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        read(["p", "p"], [row(level=value) for value in values], ("level",))


def test_a_group_that_a_row_lacks_is_named():
    with pytest.raises(ValueError, match=r"Row 1 .*`level`: .*got no such field.*leave it out of `by`"):
        read(["p", "p"], [row(level="a"), row()], ("level",))


def test_long_values_are_cut_in_messages():
    with pytest.raises(ValueError, match="field `kind`") as caught:
        read(["p"], [row(id="i" * 10_000, kind=["k"] * 10_000)])
    assert len(str(caught.value)) < 400


def test_with_predictions_keeps_the_rows():
    columns = read(["p", "q"], [row(), row(id="s")])
    assert with_predictions(columns, ["a", "b"]) == {**columns, "predictions": ["a", "b"]}
    assert columns["predictions"] == ["p", "q"]
    with pytest.raises(ValueError, match="got 1 and 2"):
        with_predictions(columns, ["a"])
    with pytest.raises(ValueError, match=r"Row 1 \(id 's'\), field `predictions`"):
        with_predictions(columns, ["a", None])


def test_codes_follow_first_appearance():
    numbers, names = codes(["b", "a", "b"])
    assert numbers.tolist() == [0, 1, 0]
    assert names == ["b", "a"]


GOOD = {"confidence": 0.95, "bootstrap": 2000, "seed": 0, "paired": True, "lists": {}}


@pytest.mark.parametrize(
    "change",
    [{}, {"bootstrap": 0}, {"bootstrap": np.int64(2)}, {"lists": {"by": None, "known_claims": {"a"}}}],
)
def test_good_settings_pass(change):
    check_settings(**{**GOOD, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"confidence": 95}, "`confidence`: expected a number between 0 and 1, got 95"),
        ({"confidence": 1.0}, "`confidence`"),
        ({"confidence": "0.95"}, "`confidence`"),
        ({"confidence": float("nan")}, "`confidence`"),
        ({"confidence": True}, "`confidence`"),
        ({"bootstrap": -1}, "`bootstrap`: expected 0 (no intervals) or at least 2 replicates, got -1"),
        ({"bootstrap": 1}, "`bootstrap`"),
        ({"bootstrap": 2000.0}, "`bootstrap`"),
        ({"bootstrap": None}, "`bootstrap`"),
        ({"seed": -1}, "`seed`: expected a whole number, 0 or more, got -1"),
        ({"seed": True}, "`seed`"),
        ({"paired": "no"}, "`paired`: expected True or False, got 'no'"),
        (
            {"lists": {"by": "authority"}},
            "`by`: expected a list of strings, got 'authority'. Put it in a list",
        ),
        ({"lists": {"by": ["authority", 3]}}, "`by`: expected a list of strings, got 3 in it"),
        ({"lists": {"known_claims": 7}}, "`known_claims`: expected a list of strings, got 7"),
        ({"lists": {"known_claims": {"a": 1}}}, "`known_claims`"),
        ({"lists": {"known_claims": iter(["a"])}}, "`known_claims`"),  # would be empty when it is used
    ],
)
def test_bad_settings_are_named(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        check_settings(**{**GOOD, **change})
