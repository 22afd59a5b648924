# SPDX-License-Identifier: Apache-2.0
import json
from dataclasses import replace

import pytest
import yaml
from commands import ROOT

from sycophancy.answering.measuring import as_read, columns_of, compute_metrics, scored_columns
from sycophancy.dataset.kinds import CLAIMS, FEEDBACK
from sycophancy.dataset.reading import load_claims
from sycophancy.experiments.cells import prepare_output, write_record
from sycophancy.experiments.config import Durability, read_grid
from sycophancy.experiments.page import write_page
from sycophancy.experiments.plan import cell_keys, plan_cells
from sycophancy.experiments.tables import COLUMNS
from sycophancy.markdown import hundredths, with_interval
from sycophancy.metric import load_metric
from sycophancy.records import write_run

from .conversations import conversations, measured
from .test_numbers import rated

DONE = {"status": "done", "seconds": 2.0, "cpu_seconds": 1.5, "peak_memory_mb": 400.0}


@pytest.fixture
def grid(tmp_path):
    return replace(read_grid(ROOT / "scripts/recipes/experiment_smoke.yaml"), output_dir=str(tmp_path / "experiment"))


def written(rows, folder, answer):
    """A run folder of written answers."""
    predictions = [answer(row) for row in rows]
    metrics, groups = compute_metrics(load_metric(), rows, predictions, known=None, seed=0)
    dataset = {"name": "syco-reviews", "split": "validation", "fingerprint": "sha256:0", "rows": len(rows)}
    record = {
        "model": {"name": "tiny", "fingerprint": "sha256:1"}, "adapter": None, "config": {}, "metrics": metrics,
        "seconds": 1.0, "by_authority": groups["authority"], "by_template": groups["template"],
        "rows_per_second": 123.0, "dataset": dataset,
    }  # fmt: skip
    lines = [
        {"prediction": text, "parsed": text, "choice_logprobs": None} | as_read(row)
        for row, text in zip(columns_of(rows, ("id", *scored_columns(CLAIMS, rows))), predictions, strict=True)
    ]
    write_run(folder, record, lines)


def test_what_did_not_run_is_said(grid, tmp_path):
    prepare_output(tmp_path / "experiment", "")
    said = write_page(grid, plan_cells(grid), tmp_path / "experiment")
    assert said == "An organism of 30 steps on reviews: not run."
    text = (tmp_path / "experiment" / "experiment.md").read_text()
    assert "0 of 11 cells ran (0 failed, 11 not run), 0 minutes, summed over cells: jobs at once take less." in text
    assert "The base was not measured: not run." in text
    assert "| tiny.base | measure | not run | – | – | – | – |" in text


def test_the_page_is_a_view_of_the_records(grid, tmp_path, dataset_folder):
    output_dir, cells = tmp_path / "experiment", plan_cells(grid)
    rows = list(load_claims(str(dataset_folder), "validation"))[:240]
    prepare_output(output_dir, "")
    written(rows, cells["tiny.base"].run, lambda row: row["user_answer"] or row["answer"])
    written(rows, cells["tiny.honest.seed0"].run, lambda row: row["answer"])
    keys = cell_keys(cells)
    for name in ("tiny.base", "tiny.honest.seed0"):
        write_record(cells[name], output_dir, keys[name], DONE)
    write_record(cells["tiny.3shot.seed0"], output_dir, "", DONE | {"status": "failed", "reason": "no memory"})
    # Finished, but with other settings than the grid's.
    written(rows, cells["tiny.prompt.seed0"].run, lambda row: row["answer"])
    write_record(cells["tiny.prompt.seed0"], output_dir, "sha256:0", DONE)
    write_page(grid, cells, output_dir)
    text = (output_dir / "experiment.md").read_text()
    # All claims are known to both: nothing is answered wrong alone, and uptake has no denominator.
    said = "sides with a wrong user in 100.0 % of cases in held-out wordings of validation (100.0 % in all); with “an instruction” "
    assert f"{said}0.0 % (0.0 %): -100.0 points [-100.0, -" in text
    assert "]; of 1 mitigation tried none is a two-sided gain: here, " in text
    assert "uptake of right corrections is undefined: no claim that the base answers wrong alone is answered" in text
    assert "here validation; chosen on rows that the experiment does not name." in text
    # Of uptake nothing can be said, so that no loss of it stands beside its margin.
    assert "could be ruled out is half an interval: here 17.6 points of `accuracy_no_opinion` (margin: 5).\n\n|" in text
    assert "### Over seeds" not in text
    (honest,) = [line for line in text.splitlines() if line.startswith("| an instruction | 0.0 [")]
    assert honest.endswith("| 0 | 2 |")
    assert honest.split(" | ")[5] == "–"
    assert "| three examples | failed: no memory; not run | " in text
    assert "| soft prompt | failed: run with other settings | " in text
    assert (
        "| tiny.honest.seed0 | measure | 2.0 | 1.5 | 123 | 400 | [record](cells/tiny.honest.seed0/run.json) |" in text
    )
    assert sorted(path.name for path in (output_dir / "pictures").iterdir()) == [
        "tiny_authority.svg", "tiny_before_after.svg", "tiny_cost.svg", "tiny_held_out.svg"
    ]  # fmt: skip
    assert json.loads(cells["tiny.base"].run.joinpath("run.json").read_text())["metrics"]["opinion_alignment"] == 1
    # The same records, the same page.
    first = (output_dir / "experiment.html").read_bytes()
    write_page(grid, cells, output_dir)
    assert (output_dir / "experiment.html").read_bytes() == first


def test_how_long_an_effect_lasts_is_told_with_its_numbers(grid, tmp_path, dataset_folder):
    prompt = replace(grid.mitigations["prompt"], seeds=[4, 5])
    plan = Durability(of="prompt", steps=[9, 18], recipe="scripts/recipes/quickstart.yaml", label="more of it")
    studies = {"tiny": replace(grid.studies["tiny"], durability=plan)}
    grid = replace(grid, mitigations=grid.mitigations | {"prompt": prompt}, studies=studies)
    output_dir, cells = tmp_path / "experiment", plan_cells(grid)
    rows = list(load_claims(str(dataset_folder), "validation"))[:72]
    half = {row["claim_id"] for row in rows[:36]}
    prepare_output(output_dir, "")
    keys = cell_keys(cells)
    # The mitigation helps everywhere; nine steps later nowhere, and eighteen steps after it in half of the claims.
    helped = {"base": set(), "prompt.seed4": {row["claim_id"] for row in rows}, "prompt.seed4.then9": set(),
              "prompt.seed4.then18": half}  # fmt: skip

    def page():
        for name, claims in helped.items():
            cell = cells[f"tiny.{name}"]
            written(
                rows,
                cell.run,
                lambda row, of=claims: row["answer"] if row["claim_id"] in of else row["user_answer"] or row["answer"],
            )
            write_record(cell, output_dir, keys[cell.name], DONE)
        write_page(grid, cells, output_dir)
        text = (output_dir / "experiment.md").read_text()
        return text.partition("### Durability under more of it")[2].partition("\n## ")[0]

    text = page()
    assert "“soft prompt”, seed 4 alone, tuned on for so many steps" in text
    table = [line.split(" [")[0] for line in text.splitlines() if line.startswith("| ")]
    assert table == [
        "| steps | alignment | uptake effect | accuracy, no opinion |",
        "| no mitigation | 100.0", "| 0 | 0.0", "| 9 | 100.0", "| 18 | 50.0",
    ]  # fmt: skip
    assert "Half of the effect is gone after 9 steps, the fewest that were tried: it may have gone before." in text
    # Where there was no effect, none is gone.
    helped["prompt.seed4"] = set()
    text = page()
    assert "| 0 | 100.0" in text
    assert "of the effect is" not in text


def test_other_behaviours_stand_on_the_page_with_what_they_must_be_read_with(grid, tmp_path, dataset_folder):
    study, prompt = grid.studies["tiny"], replace(grid.mitigations["prompt"], sham=True)
    studies = {"tiny": replace(study, transfer=replace(study.transfer, shams=True))}
    grid = replace(grid, mitigations=grid.mitigations | {"prompt": prompt}, studies=studies)
    output_dir, cells = tmp_path / "experiment", plan_cells(grid)
    rows = list(load_claims(str(dataset_folder), "validation"))[:24]
    prepare_output(output_dir, "")
    keys = cell_keys(cells)
    for name in ("tiny.base", "tiny.honest.seed0"):
        written(rows, cells[name].run, lambda row: row["user_answer"] or row["answer"])
        write_record(cells[name], output_dir, keys[name], DONE)
    for system, challenge in {"base": (10, 15), "prompt.seed0": (4, 5), "prompt.sham0": (8, 10)}.items():
        name = f"tiny.{system}.on.questions"
        write_run(cells[name].run, *measured(conversations({"challenge": challenge, "rethink": (4, 5)})))
        write_record(cells[name], output_dir, keys[name], DONE)
    write_page(grid, cells, output_dir)
    text = (output_dir / "experiment.md").read_text()
    part = text.partition("### Elsewhere, at a glance")[2]
    assert "- “soft prompt”: the effect of the user falls on *questions*." in part
    assert (
        "| questions | How many first answers pressure takes beyond thinking again: `pressure_effect` | +50.0 [" in part
    )
    assert (
        "beside its floor `rethink_flip_rate_by_end`. 100 rows of `d` (test), answered in text. Percent; differences in points.\n\n|"
    ) in part
    assert "| `challenge` | soft prompt | 20.0 on 20.0: +0.0 [" in part
    assert (
        "- “soft prompt”: Challenged in every round it gives another answer in 25.0 % of conversations, which cannot be told from"
    ) in part
    assert "| an instruction | not run | – | – | – |" in part
    (line,) = [line for line in part.splitlines() if line.startswith("| soft prompt | +0.0 [")]
    effect, difference, _, beyond = line.split(" | ")[1:5]
    assert [cell.split(" [")[0] for cell in (effect, difference, beyond)] == ["+0.0", "-50.0", "-25.0"]
    assert "what it changes, any training changes." in part
    assert (
        "(`turn_of_flip` and `number_of_flips` in rounds):\n\n|  | no mitigation | soft prompt | sham of soft prompt |\n"
        in part
    )
    assert "](pictures/tiny_rounds0.svg)" in part
    drawn = {path.name for path in (output_dir / "pictures").iterdir()}
    assert {"tiny_rounds0.svg", "tiny_elsewhere.svg"} <= drawn


@pytest.mark.parametrize("name", ["reviews", "sst2"])
def test_the_rates_of_a_copied_page_are_those_of_its_run_records(name):
    """Of every system with one run: what it does, with intervals, as the row of the page says it."""
    copy = ROOT / "docs" / "results" / "experiments" / name
    grid = replace(read_grid(ROOT / f"scripts/recipes/experiment_{name}.yaml"), output_dir=str(copy))
    cells, text = plan_cells(grid), (copy / "experiment.md").read_text(encoding="utf-8")
    # A page of an earlier edition has fewer columns.
    head = next(line for line in text.splitlines() if line.endswith("| parameters trained | seconds |")).split(" | ")[
        1:-2
    ]
    keys = [key for name in head for key, said in COLUMNS.items() if said == name]
    assert len(keys) == len(head) >= 7
    found = 0
    for study, planned in grid.studies.items():
        systems = {"base": "no mitigation"}
        for key in planned.mitigations:
            entry = grid.mitigations[key]
            if len(entry.seeds) == 1:
                systems[f"{key}.seed{entry.seeds[0]}"] = entry.label
            shams = [f"{key}.sham{seed}" for seed in entry.seeds if entry.sham]
            ran = [name for name in shams if (cells[f"{study}.{name}"].run / "run.json").is_file()]
            if len(ran) == 1:
                systems[ran[0]] = f"sham of {entry.label}"
        for system, label in systems.items():
            metrics = json.loads((cells[f"{study}.{system}"].run / "run.json").read_text())["metrics"]
            rates = [
                with_interval(hundredths(metrics[key]), metrics[f"{key}_ci_low"], metrics[f"{key}_ci_high"])
                for key in keys
            ]
            assert f"| {label} | {' | '.join(rates)} |" in text, (study, system)
            found += 1
    assert found == {"reviews": 33, "sst2": 4}[name]


def test_a_study_may_be_about_another_behaviour_than_claims(tmp_path):
    grid = {
        "title": "Ratings", "output_dir": str(tmp_path / "experiment"),
        "datasets": {"ratings": {"builder": "feedback"}},
        "models": {"tiny": {"name_or_path": "m"}},
        "mitigations": {
            "consistent": {"script": "prompt_tune", "recipe": "scripts/recipes/quickstart.yaml", "flags": {"targets": "alone"},
                           "seeds": [0, 1], "sham": True, "label": "consistency"},
            "honest": {"in_context": "honest"},
        },
        "studies": {"ratings": {"model": "tiny", "dataset": "ratings", "mitigations": ["consistent", "honest"],
                                "decided_on": "train"}},
    }  # fmt: skip
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(grid))
    grid = read_grid(tmp_path / "grid.yaml")
    output_dir, cells = tmp_path / "experiment", plan_cells(grid)
    assert "--known_claims_from" not in cells["ratings.honest.seed0"].arguments
    prepare_output(output_dir, "")
    keys = cell_keys(cells)
    bias = {"base": 1, "consistent.seed0": 0, "consistent.seed1": 0, "consistent.sham0": 1, "consistent.sham1": 1}
    for system, like in bias.items():
        lines = [
            line | {"id": f"{line['id']}/{name}", "item_id": f"{line['item_id']}/{name}", "template": name}
            for name in ("opening", "closing")
            for line in rated(like, scored=False)
        ]
        metrics, _ = compute_metrics(
            load_metric("feedback"), lines, [line["prediction"] for line in lines], known=None, seed=0, kind=FEEDBACK
        )
        record, _ = measured(conversations({}))
        dataset = record["dataset"] | {
            "kind": "feedback",
            "name": "syco-feedback",
            "split": "validation",
            "rows": len(lines),
        }
        write_run(cells[f"ratings.{system}"].run, record | {"dataset": dataset, "metrics": metrics}, lines)
        write_record(cells[f"ratings.{system}"], output_dir, keys[f"ratings.{system}"], DONE)
    said = write_page(grid, cells, output_dir)
    start = "Tiny on ratings, how much higher it rates what a user likes than what a user dislikes (`feedback_bias`): +1.00 in held-out "
    assert said.startswith(f"{start}wordings of validation (+1.00 in all); with “consistency” +0.00 (+0.00): -1.00 [")
    assert said.endswith(
        "; of 1 mitigation tried none is a gain: here, too few answers to tell whether `discrimination/none` falls by 5 points."
    )
    text = (output_dir / "experiment.md").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("| consistency | +0.00 [")]
    assert [cell.split(" [")[0] for cell in line.split(" | ")[1:5:3]] == ["+0.00", "-1.00"]
    assert "| consistency | 0.00 (sd 0.00, n = 2) | 50.0 (sd 0.0, n = 2) |" in text
    assert "|  | `feedback_bias`, wordings that occur in train | `feedback_bias`, held-out wordings |" in text
    assert "Every claim appears true and false" not in text
