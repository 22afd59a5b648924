# SPDX-License-Identifier: Apache-2.0
"""The docs say what the code does."""

import importlib
import json
import re
import shlex
import sys
from dataclasses import fields
from functools import cache

import pytest
from commands import ROOT, python, warm

from sycophancy.cli import scripts
from sycophancy.markdown import hundredths, points

README = (ROOT / "README.md").read_text(encoding="utf-8")
ORGANISMS = (ROOT / "docs" / "organisms.md").read_text(encoding="utf-8")
SCALE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
RESULTS = ROOT / "docs" / "results"
BLOCKS = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)


def commands_of(text):
    """The commands of the project in a page's blocks of code."""
    lines = (line for _, block in BLOCKS.findall(text) for line in block.splitlines())
    return [line for line in lines if re.match(r"(sycophancy|python|accelerate launch) ", line)]


COMMANDS = [command for text in (README, ORGANISMS, SCALE) for command in commands_of(text)]


def benchmark(name):
    """A module of `benchmarks/`, with those that it imports beside it."""
    folders = [str(ROOT / "benchmarks"), str(ROOT)]
    sys.path[:0] = folders
    try:
        return importlib.import_module(name)
    finally:
        for folder in folders:
            sys.path.remove(folder)


documents, real_models = benchmark("documents"), benchmark("real_models")


@cache
def help_of(script: str) -> str:
    """What a script's `--help` prints."""
    return python(script, "--help").stdout


def known_flags(script: str) -> str:
    """What a script's `--help` prints, and the trainer's own flags, which it leaves to the trainer's documentation."""
    if not script.endswith("prompt_tune.py"):
        return help_of(script)
    from transformers import Seq2SeqTrainingArguments

    return " ".join([help_of(script), *(f"--{field.name}" for field in fields(Seq2SeqTrainingArguments))])


def cells_of(line):
    """The cells of a line of a Markdown table."""
    return [cell.strip() for cell in line.strip("|").split("|")]


def changes():
    """Lines of CONTRIBUTING's table of where to begin."""
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("| I want to change |")[1].split("\n\n")[0]
    return [cells_of(line) for line in table.splitlines()[2:]]


def test_commands_were_found():
    assert [len(commands_of(text)) for text in (README, ORGANISMS, SCALE)] == [13, 6, 9]


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "sycophancy --help"])
def test_each_flag_of_a_command_exists(command):
    words = shlex.split(command)
    if words[0] == "sycophancy":
        words[1] = scripts()[words[1]].relative_to(ROOT).as_posix()
    script = next(i for i, word in enumerate(words) if word.endswith(".py"))
    assert (ROOT / words[script]).is_file()
    known = known_flags(words[script])
    for flag in (word for word in words[script + 1 :] if word.startswith("--")):
        assert re.search(rf"{flag}\b", known) or flag == "--config", flag
    for path in (word for word in words if word.endswith(".yaml")):
        assert (ROOT / path).is_file()


def test_the_python_example_prints_what_the_text_says(tmp_path):
    (code,) = [text for kind, text in BLOCKS.findall(README) if kind == "python"]
    (tmp_path / "example.py").write_text(code)
    printed = warm(tmp_path / "example.py").stdout.strip()
    assert f"prints `{printed}`" in README


def test_the_commands_of_the_front_page_run_one_after_the_other(tmp_path, llama_folder):
    """The README's own commands as they stand there, with a tiny model, embedded reviews and few rows."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "quiz.csv").write_text("question,a,b,c,d,answer\nWhat is 2 + 2?,3,4,5,6,B\nWhat is 9 - 1?,7,9,8,6,C\n")
    for split in ("train", "validation"):
        rows = "".join(f"Offer {split} {i} ends today,{('ham', 'spam')[i % 2]}\n" for i in range(8))
        (tmp_path / "texts" / f"{split}.csv").write_text(f"text,label\n{rows}")
    instead = {
        "sst2": "reviews", "1200": "60", "BASE_MODEL": str(llama_folder), "Qwen/Qwen2.5-Coder-0.5B-Instruct": str(llama_folder),
        "MY_TEXTS": str(tmp_path / "texts"), "quiz.csv": str(tmp_path / "quiz.csv"),
        "ADAPTER": str(tmp_path / "lora"), "out/base": str(tmp_path / "qwen"),
    }  # fmt: skip
    # Of a model with random weights no text can be read; the reviews are thousands.
    of_recipe = [
        "--model_name_or_path",
        llama_folder,
        "--dataset_name",
        tmp_path / "hub" / "my-org" / "syco-answers-reviews",
    ]
    few_steps = ["--measure_rows", "60", "--max_steps", "2", "--eval_steps", "1", "--save_steps", "1"]
    more = {
        "measure": ["--answer", "scores"],
        "prompt-tune": [*of_recipe, *few_steps, "--answer", "scores", "--use_cpu", "true"],
        "experiment": ["--dry_run"],
    }
    typed = [shlex.split(line)[1:] for line in commands_of(README) if re.match(r"sycophancy \w", line)]
    # The adapter is the one that a later command makes.
    for name, *shown in sorted(typed, key=lambda words: "--adapter" in words):
        words = [
            instead.get(word, re.sub("^out/", f"{tmp_path}/", word).replace("-sst2", "-reviews")) for word in shown
        ]
        warm(scripts()[name], *words, *(["--limit", "60"] if "reviews" in words else more.get(name, [])))
    assert json.loads((tmp_path / "adapted" / "run.json").read_text())["dataset"]["rows"] <= 60
    assert json.loads((tmp_path / "beyond-sham" / "report.json").read_text())["difference"].keys() >= {"uptake_effect"}
    built = sorted(folder.name for folder in (tmp_path / "hub" / "my-org").iterdir())
    assert built == ["syco-answers-mail", "syco-answers-quiz", "syco-answers-reviews", "syco-reviews"]


def prose(text):
    """A page without its code, its tables and what stands only for machines."""
    text = re.sub(r"```.*?```|<!--.*?-->", " ", text, flags=re.DOTALL)
    lines = [line for line in text.splitlines() if not line.startswith("|")]
    return re.sub(r"\]\([^)]*\)", "]", "\n".join(lines))


def test_the_front_page_is_read_in_five_minutes():
    """At most 900 words beside tables and code, and no sentence of more than 25."""
    assert len(prose(README).split()) <= 900
    for sentence in re.split(r"(?<=[.:?])\s+|\n\n|\n(?=[-#\d])", prose(README)):
        assert len(sentence.split()) <= 25, sentence


GUIDES = ("approval", "are_you_sure", "feedback", "sources", "suggested_answers")
"""Pages that type every command as a subcommand."""


@pytest.mark.parametrize("name", [*GUIDES, "harnesses", "organisms", "publishing"])
def test_the_sentences_of_a_guide_are_short(name):
    """None of more than 25 words beside tables, code and what is made from records."""
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    own = re.sub(r"<!-- made: .*?<!-- end -->", " ", text, flags=re.DOTALL)
    for sentence in re.split(r"(?<=[.:?])\s+|\n\n|\n\s*(?=[-*#\d])", prose(own)):
        assert len(sentence.split()) <= 25, sentence


@pytest.mark.parametrize("name", GUIDES)
def test_the_commands_of_a_guide_are_subcommands_with_these_flags(name):
    commands = commands_of((ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8"))
    assert commands
    for command in commands:
        program, subcommand, *words = shlex.split(command)
        assert program == "sycophancy", command
        known = known_flags(scripts()[subcommand].relative_to(ROOT).as_posix())
        assert [word for word in words if word.startswith("--") and not re.search(rf"{word}\b", known)] == []


def test_the_guide_to_feedback_counts_its_texts():
    from sycophancy.feedback.rows import embedded_texts, split_texts

    page = (ROOT / "docs" / "feedback.md").read_text(encoding="utf-8")
    for split, texts in split_texts(embedded_texts(), seed=0).items():
        kinds = [len({text.cluster_id for text in texts if text.kind == kind}) for kind in ("argument", "solution")]
        assert f"| `{split}` | {kinds[0]} | {kinds[1]} | {len(texts)} |" in page
        if split == "validation":
            assert f"`validation` holds {sum(kinds)} independent texts" in page


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


def anchors_of(page):
    """What a link may name behind `#` on a page: its headings as GitHub writes them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_into_a_page_lead_to_a_heading(page):
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#([\w-]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert anchor in anchors_of(page.parent / target if target else page), f"{target}#{anchor}"


def test_where_to_begin_is_answered_for_twenty_questions_and_more():
    assert len(changes()) == len({wish for wish, *_ in changes()}) >= 20


@pytest.mark.parametrize(("file", "name"), [cells[1:] for cells in changes()])
def test_where_to_begin_is_a_file_that_holds_the_name(file, name):
    content = (ROOT / file.strip("`")).read_text(encoding="utf-8")
    assert re.search(rf"^(?:(?:async )?def |class )?{name.strip('`')}\b", content, re.MULTILINE)


@pytest.mark.parametrize("name", list(documents.PARTS))
def test_the_parts_of_a_page_that_are_made_are_those_of_the_records(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert documents.filled(text, documents.PARTS[name]) == text, "python benchmarks/documents.py"


def test_a_page_with_other_parts_is_refused():
    with pytest.raises(ValueError, match="expected the parts costs in this order, got models"):
        documents.filled("<!-- made: models -->\n<!-- end -->\n", {"costs": str})


def test_what_the_front_page_says_of_the_models_follows_from_their_records():
    found = {name: record["metrics"] for name, record in real_models.records(RESULTS / "real_models").items()}
    for name, metrics in found.items():
        if name.split("_")[1] in real_models.TASKS and name.endswith("_text"):
            knows = metrics["accuracy_no_opinion_ci_low"] > metrics["chance"]
            assert knows == (name == "qwen_answers_text"), "Qwen on SST-2 is the only row that beats chance alone"
            assert metrics["opinion_effect_ci_low"] > 0, "users move the model"
    qwen = found["qwen_answers_text"]
    assert qwen["accuracy_wrong_opinion_ci_high"] < qwen["chance"], "with a wrong user it falls below chance"
    assert qwen["mention_shift_ci_low"] > 0, "a mere mention moves it too"
    assert qwen["opinion_beyond_mention_ci_low"] > 0, "the user's view adds to that"
    for file in (RESULTS / "real_models").glob("factors_*.json"):
        tests = json.loads(file.read_text(encoding="utf-8"))["tests"]
        assert tests["authority"]["p_holm"] > 0.05, "whom the user claims to be made no difference that showed"


def test_the_table_of_speed_is_that_of_the_records():
    table = benchmark("table").table
    assert table(RESULTS / "benchmarks") in SCALE


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


def test_the_cards_coverage_of_feedback_is_that_of_its_record():
    record = json.loads((ROOT / "docs" / "results" / "intervals" / "feedback.json").read_text(encoding="utf-8"))
    found, outside = record["summary"], [line for line in record["table"] if line["coverage"] > 97]
    card = " ".join((ROOT / "metrics" / "syco_alignment" / "README.md").read_text(encoding="utf-8").split())
    assert found["simulations"] == 1000
    assert found["lowest"] >= 93
    assert {line["texts"] for line in outside} == {10, 20}
    assert (
        f"{found['within_93_97']} of {found['cells']} intervals cover 93 to 97 %, {len(outside)} more, at most {found['highest']}, "
        "all of them with 10 or 20 texts."
    ) in card


def test_the_tables_of_real_models_are_those_of_their_records():
    folder = ROOT / "docs" / "results" / "real_models"
    page = (folder / "README.md").read_text(encoding="utf-8")
    for table in (real_models.markdown, real_models.markdown_of_copying, real_models.markdown_of_styles):
        assert table(folder) in page
    assert real_models.markdown_of_factors(folder) in page
    # Half of the rows of a run ask for letters: its record says the same of both together.
    for model in ("qwen", "smollm2"):
        whole = json.loads((folder / f"{model}_openbookqa_text.json").read_text(encoding="utf-8"))["metrics"]
        styles = json.loads((folder / f"styles_{model}.json").read_text(encoding="utf-8")).values()
        assert sum(style["n_rows"] for style in styles) == whole["n_rows"]
        unread = sum(style["n_rows"] * style["unparsed_rate"] for style in styles) / whole["n_rows"]
        assert unread == pytest.approx(whole["unparsed_rate"])
    for model in ("qwen", "smollm2"):
        found = json.loads((folder / f"agreement_{model}.json").read_text(encoding="utf-8"))
        assert f"{found['agree']} of {found['read']}" in page


def test_the_table_of_feedback_is_that_of_its_records():
    folder = ROOT / "docs" / "results" / "feedback"
    assert benchmark("real_models").markdown_of_feedback(folder) in (folder / "README.md").read_text(encoding="utf-8")


def test_the_table_of_pressure_is_that_of_its_records():
    folder = ROOT / "docs" / "results" / "are_you_sure"
    assert benchmark("real_models").markdown_of_rounds(folder) in (folder / "README.md").read_text(encoding="utf-8")


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
        assert changes == [points(of[key]) for of in found for key in ("opinion_alignment", "uptake_effect")]


def test_the_makefile_has_what_the_readme_names():
    makefile = (ROOT / "Makefile").read_text()
    for target in ("quickstart", "test", "style"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert "make test" in (ROOT / ".ci" / "run").read_text()
