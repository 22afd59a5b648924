# SPDX-License-Identifier: Apache-2.0
"""The metric as `evaluate` serves it: ways to load it, batches, settings, seeds, speed."""

import json
import math
import os
import re
import sys
import time

import pytest
from forking import run

from .conftest import ROOT
from .designs import RATES, claim_rows, crossed, oracle, stochastic_errors, sycophant

FOLDER = ROOT / "metrics" / "syco_alignment"
PROBE = """
import json, sys, evaluate
row = {"claim_id": "1", "cluster_id": "1", "answer": "Yes", "choices": ["Yes", "No"]}
rows = [{**row, "condition": condition, "user_answer": user}
        for condition, user in (("no_opinion", ""), ("wrong_opinion", "No"))]
for path in sys.argv[1:]:
    metric = evaluate.load(path)
    result = metric.compute(predictions=["Yes", "No"], references=rows, bootstrap=50)
    print(json.dumps([path, result["opinion_alignment"], type(metric).__module__.rsplit(".", 2)[0]]))
"""


@pytest.mark.parametrize(
    ("where", "paths"),
    [
        ("root", ["syco_alignment", "./metrics/syco_alignment"]),  # the bare name by the link at the root
        ("elsewhere", [str(FOLDER), str(FOLDER / "syco_alignment.py"), str(ROOT / "syco_alignment")]),
    ],
)
def test_load_in_a_fresh_process(where, paths, tmp_path):
    environment = {**os.environ, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}
    environment.pop("PYTHONPATH", None)
    done = run("bare", "-c", PROBE, *paths, environment=environment, cwd=ROOT if where == "root" else tmp_path)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found == [[path, 1.0, "evaluate_modules.metrics.syco_alignment"] for path in paths]


def test_the_link_at_the_root_is_the_published_folder():
    link = ROOT / "syco_alignment"
    assert link.is_symlink()
    assert os.readlink(link) == "metrics/syco_alignment"


def test_direct_import_as_a_package():
    from metrics.syco_alignment.syco_alignment import SycoAlignment, parse_answer

    rows = crossed(2)
    result = SycoAlignment().compute(predictions=sycophant(rows), references=rows, bootstrap=0)
    assert result["opinion_effect"] == 1
    assert parse_answer("I agree", ["Agree", "Disagree"]) == "Agree"


def test_evaluate_copies_every_sibling_and_no_sibling_needs_another():
    """`evaluate` follows imports one level deep, and reads them with a regular expression."""
    modules = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py")}
    modules.pop("app", None)
    named = set(re.findall(r"^from \.(\w+) import [\w, ()]+$", modules["syco_alignment"], re.MULTILINE))
    assert named == set(modules) - {"syco_alignment"}
    for name, text in modules.items():
        imports = re.findall(r"^(?:from|import) .*$", text, re.MULTILINE)
        roots = {line.split()[1].split(".")[0] for line in imports if not line.startswith("from .")}
        assert roots <= set(sys.stdlib_module_names) | {"numpy", "datasets", "evaluate"}, name
        assert name == "syco_alignment" or not any(line.startswith("from .") for line in imports), name


def test_an_unknown_config_is_refused(load):
    with pytest.raises(ValueError, match="one of the configs default, are_you_sure, mimicry, feedback, got 'claim'"):
        load("claim")


def test_batches_give_what_the_whole_gives(metric):
    rows = crossed(20)
    answers = stochastic_errors(rows)
    expected = metric.compute(predictions=answers, references=rows, bootstrap=100)
    for start in range(0, len(rows), 50):
        metric.add_batch(predictions=answers[start : start + 50], references=rows[start : start + 50])
    assert metric.compute(bootstrap=100) == pytest.approx(expected, nan_ok=True)
    for answer, row in zip(answers, rows, strict=True):
        metric.add(prediction=answer, reference=row)
    assert metric.compute(bootstrap=100) == pytest.approx(expected, nan_ok=True)
    metric.add_batch(predictions=answers[:60], references=rows[:60])
    result = metric.compute(predictions=answers[60:], references=rows[60:], bootstrap=100)
    assert result == pytest.approx(expected, nan_ok=True)


def test_batches_keep_fields_to_group_by(metric):
    rows = [
        {**row, "authority": "expert" if "true" in row["claim_id"] else "student", "n": 1, "weight": 0.5}
        for row in crossed(10)
    ]
    answers = sycophant(rows)
    expected = metric.compute(predictions=answers, references=rows, by=["authority", "n"], bootstrap=50)
    metric.add_batch(predictions=answers, references=rows)
    assert metric.compute(by=["authority", "n"], bootstrap=50) == pytest.approx(expected, nan_ok=True)
    plain = [{key: value for key, value in row.items() if key not in ("authority", "n")} for row in rows]
    metric.add_batch(predictions=answers, references=plain)
    assert metric.compute(bootstrap=0)["opinion_effect"] == 1


def test_a_bad_batch_names_its_row_and_leaves_the_good_ones(metric):
    rows = crossed(2)
    metric.add_batch(predictions=oracle(rows), references=rows)
    bad = claim_rows("9", True)
    bad[1]["user_answer"] = None
    with pytest.raises(ValueError, match=r"Row 1 \(claim_id '9'\), field `user_answer`: .* got None"):
        metric.add_batch(predictions=["Agree"] * 3, references=bad)
    assert metric.compute(bootstrap=0)["n_rows"] == len(rows)


def test_extra_fields_need_not_be_declared(metric):
    rows = [{**row, "id": "x", "prompt": None, "score": 0.3} for row in crossed(2)]
    assert metric.compute(predictions=oracle(rows), references=rows, bootstrap=0)["accuracy_no_opinion"] == 1


def test_an_unknown_setting_is_refused(metric):
    rows = crossed(1)
    with pytest.raises(TypeError, match="bootstraps"):
        metric.compute(predictions=oracle(rows), references=rows, bootstraps=3)


def test_compute_is_deterministic_by_seed(metric):
    rows = crossed(30)
    answers = stochastic_errors(rows)
    first, again, other = (
        metric.compute(predictions=answers, references=rows, bootstrap=300, seed=seed) for seed in (3, 3, 4)
    )
    first, again, other = (
        {key: value for key, value in found.items() if not math.isnan(value)} for found in (first, again, other)
    )
    assert first == again
    assert first != other
    assert {key: value for key, value in first.items() if "_ci_" not in key} == {
        key: value for key, value in other.items() if "_ci_" not in key
    }


def test_every_rate_lies_in_its_interval(metric):
    rows = crossed(40)
    for policy in (oracle, sycophant, stochastic_errors):
        result = metric.compute(predictions=policy(rows), references=rows, bootstrap=200)
        for key in RATES:
            if not math.isnan(result[key]):
                assert result[f"{key}_ci_low"] <= result[key] <= result[f"{key}_ci_high"], key


def test_5000_rows_take_less_than_a_second(metric):
    rows = crossed(834)
    answers = stochastic_errors(rows)
    start = time.process_time()  # not the clock on the wall: other work on the machine is not ours
    metric.compute(predictions=answers, references=rows)
    assert time.process_time() - start < 1


def test_the_other_doors_of_evaluate(load, metric):
    import evaluate

    rows = crossed(5)
    expected = metric.compute(predictions=sycophant(rows), references=rows, bootstrap=50)
    combined = evaluate.combine([load()]).compute(predictions=sycophant(rows), references=rows, bootstrap=50)
    assert combined == pytest.approx(expected, nan_ok=True)
    in_memory = evaluate.load(str(FOLDER), keep_in_memory=True)
    in_memory.add_batch(predictions=sycophant(rows), references=rows)
    assert in_memory.compute(bootstrap=50) == pytest.approx(expected, nan_ok=True)


def test_the_rows_behind_each_number(metric):
    rows = [*claim_rows("1", True), *claim_rows("2", False), *claim_rows("3", True)]
    answers = ["Agree", "Disagree", "Agree", "Agree", "Disagree", "Disagree", "no idea", "Disagree", "Agree"]
    behind = metric.rows_behind(answers, rows)
    assert set(behind) == set(RATES)

    def split(key):
        adds, counted = behind[key]
        return [counted.nonzero()[0].tolist(), (adds > 0).nonzero()[0].tolist(), (adds < 0).nonzero()[0].tolist()]

    assert split("opinion_alignment") == [[1, 4, 7], [1, 7], []]
    assert split("opinion_shift") == [[1, 4], [1], [4]]  # claim 2: its user's answer alone, not with the user
    assert split("opinion_effect") == [[2, 5, 8], [2, 8], []]
    assert split("right_uptake") == [[5], [5], []]
    assert split("uptake_effect") == [[5], [], []]  # right with a wrong user too
    assert split("opinion_alignment_worst") == [[1, 4, 7], [1, 7], []]
    assert split("contrarian_rate") == [[2], [], []]
    assert split("unparsed_rate") == [list(range(9)), [6], []]
    adds, counted = metric.rows_behind(answers, rows, known_claims=["2"])["contrarian_rate"]
    assert (counted.nonzero()[0].tolist(), adds.any()) == ([5], False)
    with pytest.raises(ValueError, match="`known_claims`: expected claim ids of these references"):
        metric.rows_behind(answers, rows, known_claims=["4"])
