# SPDX-License-Identifier: Apache-2.0
"""The docs say what the code does."""

import importlib
import json
import re
import shlex
import sys
from dataclasses import fields
from functools import cache
from statistics import mean, stdev

import pytest
from commands import ROOT, python, warm

from sycophancy.markdown import hundredths, markdown_table, percent, points

README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = ROOT / "docs" / "results" / "quickstart"
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    line for kind, text in BLOCKS for line in text.splitlines() if re.match(r"(python|accelerate launch) ", line)
]


@cache
def help_of(script: str) -> str:
    """What a script's `--help` prints."""
    return python(script, "--help").stdout


def cells_of(line):
    """The cells of a line of a Markdown table."""
    return [cell.strip() for cell in line.strip("|").split("|")]


def changes():
    """Lines of CONTRIBUTING's table of where to begin."""
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("| I want to change |")[1].split("\n\n")[0]
    return [cells_of(line) for line in table.splitlines()[2:]]


def test_commands_were_found():
    assert len(COMMANDS) == 19


@pytest.mark.parametrize("command", COMMANDS)
def test_each_flag_of_a_command_exists(command):
    words = shlex.split(command)
    script = next(i for i, word in enumerate(words) if word.endswith(".py"))
    assert (ROOT / words[script]).is_file()
    known = help_of(words[script])
    if words[script].endswith("prompt_tune.py"):
        # Its help leaves the trainer's own arguments to the trainer's documentation.
        from transformers import Seq2SeqTrainingArguments

        known += " ".join(f"--{field.name}" for field in fields(Seq2SeqTrainingArguments))
    for flag in (word for word in words[script + 1 :] if word.startswith("--")):
        assert re.search(rf"{flag}\b", known) or flag == "--config", flag
    for path in (word for word in words if word.endswith(".yaml")):
        assert (ROOT / path).is_file()


def test_the_python_example_prints_what_the_text_says(tmp_path):
    (code,) = [text for kind, text in BLOCKS if kind == "python"]
    (tmp_path / "example.py").write_text(code)
    printed = warm(tmp_path / "example.py").stdout.strip()
    assert f"prints `{printed}`" in README


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FOLDERS = "src|scripts|docs|metrics|tests|benchmarks|dataset_builders|accelerate_configs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_paths_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for shown, target in re.findall(r"\[([^\]]*)\]\(([^)#\s]+)[^)]*\)", text):
        if target.startswith("http"):
            continue
        assert (page.parent / target).exists(), target
        if re.fullmatch(r"`[\w.]+\.\w+`", shown):
            assert shown.strip("`") == target.rpartition("/")[2]
    # The log is of its day; files have other names since.
    if page.name != "log.md":
        for path in re.findall(rf"(?<![\w/.])((?:{FOLDERS})/[\w/.-]*\w)(?![\w/<{{*]*[<{{*])", text):
            assert (ROOT / path).exists(), path


def test_where_to_begin_is_answered_for_twenty_questions_and_more():
    assert len(changes()) == len({wish for wish, *_ in changes()}) >= 20


@pytest.mark.parametrize(("file", "name"), [cells[1:] for cells in changes()])
def test_where_to_begin_is_a_file_that_holds_the_name(file, name):
    content = (ROOT / file.strip("`")).read_text(encoding="utf-8")
    assert re.search(rf"^(?:(?:async )?def |class )?{name.strip('`')}\b", content, re.MULTILINE)


def test_the_numbers_of_the_readme_are_those_of_the_record():
    from sycophancy.reporting import by_authority_table, dropped_sentence

    report = json.loads((RESULTS / "report.json").read_text(encoding="utf-8"))
    assert by_authority_table(report) in README
    assert dropped_sentence(report) in README
    assert (RESULTS / "report.png").is_file()


def test_the_table_of_seeds_is_that_of_the_records():
    from sycophancy.claims.people import AUTHORITIES

    folder = ROOT / "docs" / "results" / "sst2_organism"
    reports = {
        seed: json.loads((folder / f"seed{seed}" / "report.json").read_text(encoding="utf-8")) for seed in range(3)
    }
    assert seeds_table(reports) in README
    before = json.loads((folder / "before_run.json").read_text())
    assert f"right on {percent(before['metrics']['accuracy_no_opinion'])} of the claims" in README
    levels = (f"{level} {percent(before['by_authority'][level]['opinion_alignment'])}" for level in AUTHORITIES)
    assert ", ".join(levels) in README
    assert f"{json.loads((folder / 'organism.json').read_text())['parameters']:,} parameters" in README


def seeds_table(reports: dict) -> str:
    """Markdown: one row per training seed, and the mean over seeds with its standard deviation (n - 1).

    Args:
        reports: training seed -> what `compare_runs` gave, all with the same run before.
    """
    keys = ("opinion_alignment", "accuracy_no_opinion")
    rows = [
        (seed, *(cell for key in keys for cell in _change(report["difference"][key])))
        for seed, report in reports.items()
    ]
    values = [[report["difference"][key]["value"] for report in reports.values()] for key in keys]
    means = [f"{hundredths(mean(of), signed=True)} (sd {hundredths(stdev(of))})" for of in values]
    head = [cell for key in keys for cell in (f"`{key}` before", "after", "points [95 %]")]
    return markdown_table(("seed", *head), [*rows, ("mean", "", "", means[0], "", "", means[1])])


def _change(found: dict) -> tuple[str, str, str]:
    return percent(found["before"]), percent(found["after"]), points(found)


def test_the_rows_of_experiments_are_those_of_their_pages():
    """Every row of the section's tables, cell by cell, is in a row of a page with the same label."""
    section = README.split("## What helps, and at what price", 1)[1].split("\n## ", 1)[0]
    pages = ROOT / "docs" / "results" / "experiments" / "reviews" / "experiment.md"
    written = [cells_of(line) for line in pages.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    rows = [cells_of(line) for line in section.splitlines() if line.startswith("|")]
    rows = [row for row in rows if row[0].strip("-: ")]
    assert len(rows) > 15
    for label, *cells in rows:
        assert any(label == found[0] and set(cells) <= set(found) for found in written), label


def benchmark(name):
    """A module of `benchmarks/`."""
    sys.path.insert(0, str(ROOT))
    try:
        return importlib.import_module(f"benchmarks.{name}")
    finally:
        sys.path.remove(str(ROOT))


def test_the_table_of_speed_is_that_of_the_records():
    table = benchmark("table").table
    assert table(ROOT / "docs" / "results" / "benchmarks") in README


def test_the_tables_of_building_are_those_of_the_record():
    markdown = benchmark("building").markdown
    record = json.loads((ROOT / "docs" / "results" / "building" / "building.json").read_text())
    assert markdown(record) in (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")


def test_the_cards_table_of_coverage_is_that_of_the_record():
    record = json.loads((ROOT / "docs" / "results" / "intervals" / "coverage.json").read_text())
    card = (ROOT / "metrics" / "syco_alignment" / "README.md").read_text(encoding="utf-8")
    assert benchmark("interval_coverage").markdown(record) in card
    found = record["summary"]
    assert f"{found['within_93_97']} of {found['cells']} intervals cover 93 to 97 %" in card
    assert f"{found['below_93']} less (lowest: {found['lowest']} %)" in card


def test_the_cards_table_of_coverage_by_key_is_that_of_the_record():
    module = benchmark("interval_keys")
    record = json.loads((ROOT / "docs" / "results" / "intervals" / "keys.json").read_text())
    card = (ROOT / "metrics" / "syco_alignment" / "README.md").read_text(encoding="utf-8")
    assert module.markdown(record) in card
    cells = [line["coverage"] for line in record["table"]]
    assert len({(line["config"], line["clusters"], line["icc"]) for line in record["table"]}) == 12
    within = sum(93 <= cell <= 97 for cell in cells)
    assert f"{within} of {len(cells)} intervals cover 93 to 97 %, {sum(cell > 97 for cell in cells)} more" in card


def test_the_cards_table_of_null_data_is_that_of_the_record():
    record = json.loads((ROOT / "docs" / "results" / "intervals" / "null_systems.json").read_text())
    card = (ROOT / "metrics" / "syco_alignment" / "README.md").read_text(encoding="utf-8")
    assert all(table in card for table in benchmark("null_systems").markdown(record).split("\n\n"))
    assert all(4 <= line["opinion_shift_p"] <= 6 for line in record["shift"])


def test_the_tables_of_real_models_are_those_of_their_records():
    folder = ROOT / "docs" / "results" / "real_models"
    page, module = (folder / "README.md").read_text(encoding="utf-8"), benchmark("real_models")
    for table in (module.markdown, module.markdown_of_copying, module.markdown_of_factors):
        assert table(folder) in page
    for model in ("qwen", "smollm2"):
        found = json.loads((folder / f"agreement_{model}.json").read_text(encoding="utf-8"))
        assert f"{found['agree']} of {found['read']}" in page


def test_the_table_of_other_tasks_is_that_of_its_records():
    folder = ROOT / "docs" / "results" / "transfer"
    lines = [
        cells_of(line)
        for line in (folder / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    ][1:]
    assert len(lines) == 5
    for task, split, claims, accuracy, alignment, *changes in lines:
        record = json.loads((folder / task / "base_run.json").read_text())
        metrics = record["metrics"]
        assert (split, int(claims)) == (record["dataset"]["split"], metrics["n_claims"])
        shown = [hundredths(metrics[key]) for key in ("accuracy_no_opinion", "opinion_alignment")]
        assert [accuracy, alignment] == shown
        reports = [folder / task / f"{name}_report.json" for name in ("soft_prompt", "lora_users_mostly_right")]
        found = [json.loads(path.read_text())["difference"] for path in reports]
        assert changes == [points(of[key]) for of in found for key in ("opinion_alignment", "right_uptake")]


def test_the_makefile_has_what_the_readme_names():
    makefile = (ROOT / "Makefile").read_text()
    for target in ("quickstart", "test", "style"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert "make test" in (ROOT / ".ci" / "run").read_text()
