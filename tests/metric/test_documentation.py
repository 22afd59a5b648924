# SPDX-License-Identifier: Apache-2.0
"""The card and the docstrings: examples run, every key is there, nothing else is."""

import doctest
import re
import sys

import pytest
import yaml

from metrics.syco_alignment.turns import TURNS

from .conftest import ROOT
from .designs import crossed, oracle
from .test_feedback import pairs
from .test_mimicry import poem
from .test_turns import question

CARD = ROOT / "metrics" / "syco_alignment" / "README.md"
SECTIONS = {
    "default": "### Default config: claims",
    "are_you_sure": "### Config `are_you_sure`",
    "mimicry": "### Config `mimicry`",
    "feedback": "### Config `feedback`",
}


def section(heading):
    text = CARD.read_text(encoding="utf-8").split(heading, 1)[1]
    return re.split(r"^##+ ", text, maxsplit=1, flags=re.MULTILINE)[0]


def keys_of(text):
    return set(re.findall(r"^\| `([^`]+)` \| (?:count|real|-?\d)", text, re.MULTILINE))


def inputs(config):
    if config == "are_you_sure":
        rows = question("1", turns=TURNS[:-1]) + question("2", turns=TURNS[:-1])
        rows = [{**row, "round": 0} for row in rows] + question("2", turns=("round",), round=1)
        for turn in ("challenge", "rethink", "suggest_right"):
            rows += question("3", turns=(turn,), round=1) + question("3", turns=(turn,), round=2)
        rows = [{"suggested": "", **row} for row in rows + question("3", turns=("first",), round=0)]
        return rows, ["A"] * len(rows), {}
    if config == "mimicry":
        return poem("1") + poem("2"), ["Keats"] * 6, {}
    if config == "feedback":
        rows = [row | {"flaw": "x" * (row["quality"] == "flawed")} for row in pairs(2)]
        return rows, ["I would say it is 4."] * len(rows), {}
    rows = crossed(2)
    return rows, oracle(rows), {"choice_logprobs": [{"Agree": -0.5, "Disagree": -1.0}] * len(rows)}


@pytest.mark.parametrize("config", SECTIONS)
def test_the_card_lists_every_key_and_no_other(load, config):
    rows, answers, settings = inputs(config)
    result = load(config).compute(predictions=answers, references=rows, bootstrap=50, **settings)
    found = {re.sub("_ci_(low|high)$", "", key) for key in result}
    found = {re.sub(r"^(choice_rate/position/)\d+$", r"\1<n>", key) for key in found}
    found = {re.sub("^(choice_rate/label/).+$", r"\1<choice>", key) for key in found}
    arm = "<turn>" if config == "are_you_sure" else "<condition>"
    by_arm = "^((?:unparsed_rate|rating|rating_shift|discrimination|flaw_named)/)[^/]+$"
    found = {re.sub(by_arm, rf"\1{arm}", key) for key in found}
    if config == "are_you_sure":
        found = {re.sub(r"/\d+$", "/<n>", key) for key in found}
        found = {re.sub(rf"/({'|'.join(TURNS[:-1])})(?=/|$)", "/<turn>", key) for key in found}
    assert keys_of(section(SECTIONS[config])) == found


@pytest.mark.parametrize("config", SECTIONS)
def test_rates_and_differences_have_intervals_and_counts_have_none(load, config):
    rows, answers, settings = inputs(config)
    result = load(config).compute(predictions=answers, references=rows, bootstrap=50, **settings)
    for key in result:
        fixed = key.startswith("n_") or key == "chance"
        plain = not fixed and not key.endswith(("_p", "_p_exact", "_p_mcnemar", "_ci_low", "_ci_high"))
        assert ({f"{key}_ci_low", f"{key}_ci_high"} <= set(result)) is plain, key


def test_the_card_lists_every_entry_of_compare_and_no_other(metric):
    rows = crossed(2)
    change = metric.compare(oracle(rows), oracle(rows), rows, bootstrap=50)["opinion_shift"]
    table = section("### Comparing two systems")
    named = {name for line in table.splitlines() if line.startswith("| `") for name in line.split("|")[1].split(",")}
    assert {name.strip(" `") for name in named} == set(change)


def test_the_card_lists_every_argument_and_no_other(metric):
    import inspect

    arguments = set(inspect.signature(metric._compute).parameters) - {"predictions", "references"}
    rows = re.findall(r"^\| `(\w+)` \| (?:0\.95|2000|0|True|False|none) \|", section("## Inputs"), re.MULTILINE)
    assert set(rows) == arguments


@pytest.mark.parametrize("config", SECTIONS)
def test_the_card_lists_every_field_and_no_other(load, config):
    name = config if config == "default" else f"`{config}`"
    (line,) = re.findall(rf"^\| {name} \| (.*) \|$", section("## Inputs"), re.MULTILINE)
    features = load(config).features
    most = features[-1] if isinstance(features, list) else features
    assert set(re.findall(r"`(\w+)`", line)) == set(most["references"])


def test_the_cards_head_is_that_of_a_gradio_space():
    head = yaml.safe_load(CARD.read_text(encoding="utf-8").split("---")[1])
    assert head["title"] == "syco_alignment"
    assert (head["sdk"], head["app_file"]) == ("gradio", "app.py")
    assert {"evaluate", "metric"} <= set(head["tags"])


def test_the_cards_examples(monkeypatch):
    monkeypatch.chdir(ROOT)
    done = doctest.testfile(str(CARD), module_relative=False)
    assert done.failed == 0
    assert done.attempted >= 15


def test_the_arguments_in_the_docstring_are_those_of_the_card(metric):
    named = set(re.findall(r"^    (\w+) \(`", metric.inputs_description, re.MULTILINE))
    table = re.findall(r"^\| `(\w+)` \| (?:0\.95|2000|0|True|False|none) \|", section("## Inputs"), re.MULTILINE)
    assert named == {"predictions", "references", *table}


def test_coverage_in_the_card_is_a_table_of_percentages():
    rows = [line.split("|")[1:-1] for line in section("## Intervals").splitlines() if re.match(r"\| [\d,]+ ", line)]
    assert len(rows) > 5
    assert all(50 < float(cell) <= 100 for row in rows for cell in row[3:])


def test_examples_in_the_docstrings(metric, monkeypatch):
    import evaluate

    monkeypatch.chdir(ROOT)
    module = sys.modules[type(metric).__module__]
    done = doctest.testmod(module, extraglobs={"evaluate": evaluate})
    assert done.failed == 0
    assert done.attempted >= 7
