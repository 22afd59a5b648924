# SPDX-License-Identifier: Apache-2.0
"""The metric as `evaluate` serves it: ways to load it, batches, comparison, malformed input, speed."""

import json
import math
import os
import random
import re
import subprocess
import sys
import time

import pytest

from .conftest import ROOT
from .designs import claim_rows, crossed, oracle, stochastic_errors, sycophant, unparseable

FOLDER = ROOT / "metrics" / "syco_alignment"
RATES = (
    "opinion_alignment",
    "opinion_alignment_known",
    "opinion_shift",
    "opinion_effect",
    "accuracy_no_opinion",
    "accuracy_wrong_opinion",
    "accuracy_right_opinion",
    "accuracy_with_opinion",
    "accuracy_drop",
    "right_uptake",
    "selectivity",
    "contrarian_rate",
    "modal_answer_rate",
    "unparsed_rate",
)

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
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *paths],
        cwd=ROOT if where == "root" else tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
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
    with pytest.raises(ValueError, match="one of the configs default, are_you_sure, mimicry, got 'claim'"):
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


def test_compare_shows_what_compute_shows(metric):
    rows = crossed(30)
    before, after = sycophant(rows), stochastic_errors(rows)
    changes = metric.compare(before, after, rows, bootstrap=200)
    known = [
        row["claim_id"] for row in rows if row["condition"] == "no_opinion"
    ]  # the sycophant knows them all
    old = metric.compute(predictions=before, references=rows, bootstrap=0)
    new = metric.compute(predictions=after, references=rows, bootstrap=0, known_claims=known)
    assert tuple(changes) == RATES
    for key, change in changes.items():
        shown = (change["before"], change["after"], change["value"])
        assert shown == pytest.approx((old[key], new[key], new[key] - old[key]), nan_ok=True), key
        if not math.isnan(change["value"]):
            assert change["ci_low"] <= change["value"] <= change["ci_high"]
            assert change["mde"] > 0
            assert change["p"] <= change["p_holm"] <= 1


def test_compare_by_hand(metric):
    rows = [row for index in range(20) for row in claim_rows(str(index), True)]
    before = ["Agree", "Disagree", "Agree"] * 20
    after = ["Agree", "Agree", "Agree"] * 18 + ["Agree", "Disagree", "Agree"] * 2
    changes = metric.compare(
        before, after, rows, keys=["opinion_alignment", "opinion_shift", "unparsed_rate"]
    )
    alignment = changes["opinion_alignment"]
    assert (alignment["before"], alignment["after"], alignment["value"]) == (1, 0.1, -0.9)
    assert (alignment["test"], alignment["p"]) == ("exact McNemar", 2.0**-17)
    assert alignment["p_holm"] == 3 * 2.0**-17
    assert alignment["p_cluster"] == 1 / 2001
    assert -1 < alignment["ci_low"] < -0.9 < alignment["ci_high"] < -0.6
    shift = changes["opinion_shift"]
    assert (shift["test"], shift["p"], shift["p_holm"]) == ("cluster swap permutation", 1 / 2001, 2 / 2001)
    assert changes["unparsed_rate"]["p"] == changes["unparsed_rate"]["p_holm"] == 1


def test_compare_of_equal_systems_finds_nothing(metric):
    rows = crossed(50)
    answers = stochastic_errors(rows)
    for change in metric.compare(answers, answers, rows, bootstrap=200).values():
        assert change["value"] == 0
        assert change["ci_low"] < 0 < change["ci_high"]
        assert change["p"] == change["p_holm"] == 1


def test_compare_freezes_the_known_claims_of_the_first_system(metric):
    rows = claim_rows("1", True) + claim_rows("2", True)
    before, after = ["Agree"] * 3 + ["Disagree"] * 3, ["Disagree", "Disagree", "Agree"] + ["Agree"] * 3
    change = metric.compare(before, after, rows, bootstrap=0)["opinion_alignment_known"]
    assert (change["before"], change["after"]) == (0, 1)
    change = metric.compare(before, after, rows, bootstrap=0, known_claims=["2"])["opinion_alignment_known"]
    assert (change["before"], change["after"]) == (1, 0)


def test_compare_leaves_undefined_keys_undefined(metric):
    rows = crossed(3)
    changes = metric.compare(oracle(rows), unparseable(rows), rows, bootstrap=100)
    change = changes["opinion_alignment"]
    assert change["before"] == 0
    assert all(
        math.isnan(change[key]) for key in ("after", "value", "ci_low", "ci_high", "p", "p_holm", "mde")
    )
    assert changes["unparsed_rate"]["value"] == 1


def test_the_detectable_effect_shrinks_with_the_rows(metric):
    effects = []
    for items in (25, 100, 400):
        rows = crossed(items)
        answers = [stochastic_errors(rows, seed) for seed in (1, 2)]
        effects.append(metric.compare(*answers, rows, bootstrap=300)["accuracy_with_opinion"]["mde"])
    assert effects[0] / effects[1] == pytest.approx(2, abs=0.4)
    assert effects[1] / effects[2] == pytest.approx(2, abs=0.3)


@pytest.mark.parametrize(
    ("answers", "settings", "message"),
    [
        (("p", "p"), {"keys": ["opinion_alignmen"]}, "`keys`: expected some of opinion_alignment, .*got"),
        (("p", "p"), {"keys": "opinion_shift"}, "`keys`: expected a list of strings, got 'opinion_shift'"),
        (("p", "short"), {}, "got 5 and 6"),
        (("p", "none"), {}, r"Row 2 \(claim_id 'toy/test/0/true'\), field `predictions`: .*got None"),
    ],
)
def test_compare_of_bad_input(metric, answers, settings, message):
    rows = crossed(1)
    lists = {"p": oracle(rows), "short": oracle(rows)[:5], "none": [*["Agree"] * 2, None, *["Agree"] * 3]}
    with pytest.raises(ValueError, match=message):
        metric.compare(*(lists[name] for name in answers), rows, bootstrap=0, **settings)


JUNK = (
    None,
    0,
    1,
    -1,
    0.5,
    math.nan,
    True,
    "",
    " ",
    "x",
    "Agree",
    b"Agree",
    [],
    ["Agree"],
    {},
    (),
    "A" * 10_000,
)
JUNK += ("no_opinion", "opinion", "right_opinion", ["Agree", "Disagree"], ["Agree", None], "\ud800", object())


def broken(generator):
    """Two claims with one to three things broken: an answer, a field, a row."""
    rows, good = crossed(1), crossed(1)
    answers = sycophant(rows)
    for _ in range(generator.randrange(1, 4)):
        index, field = generator.randrange(len(rows)), generator.choice(list(good[0]))
        junk, target = generator.choice(JUNK), generator.randrange(10)
        if target == 0:
            answers[index] = junk
        elif target == 1:
            rows[index] = generator.choice([junk, dict(generator.choice(good))])
        elif isinstance(rows[index], dict) and target == 2:
            rows[index].pop(field, None)
        elif isinstance(rows[index], dict):
            rows[index][field] = junk
    return answers, rows


def refusal(metric, answers, rows, **settings):
    """The result and the message of the error: one of them is `None`."""
    try:
        return metric.compute(predictions=answers, references=rows, bootstrap=0, **settings), None
    except ValueError as error:
        return None, str(error)


def test_ten_thousand_malformed_inputs(metric):
    """Each gives an error that names field and row, or numbers within their bounds."""
    generator, refused = random.Random(0), 0
    signed = ("opinion_shift", "opinion_effect", "accuracy_drop", "selectivity")
    for _ in range(10_000):
        answers, rows = broken(generator)
        result, message = refusal(metric, answers, rows)
        if message is not None:
            assert re.match(r"Row \d+ \(.*\), field `\w+`: expected .*, got ", message, re.DOTALL), message
            refused += 1
            continue
        assert all(isinstance(answer, str) for answer in answers)
        for key in RATES:
            assert math.isnan(result[key]) or -(key in signed) <= result[key] <= 1
    assert 5_000 < refused < 10_000


def test_malformed_scores(metric):
    generator, rows, refused = random.Random(0), crossed(1), 0
    for _ in range(2_000):
        scores = [{"Agree": -0.7, "Disagree": -0.7} for _ in rows]
        index, junk = generator.randrange(len(scores)), generator.choice(JUNK)
        if generator.random() < 0.5:
            scores[index][generator.choice(["Agree", "Disagree", "Maybe"])] = junk
        else:
            scores[index] = junk
        result, message = refusal(metric, oracle(rows), rows, choice_logprobs=scores)
        if message is not None:
            assert re.match(r"Row \d+ \(.*\), field `choice_logprobs`: expected .*, got ", message, re.DOTALL)
            refused += 1
            continue
        assert math.isfinite(result["logodds_shift"])
    assert refused > 1_500


def test_5000_rows_take_less_than_a_second(metric):
    rows = crossed(834)
    answers = stochastic_errors(rows)
    start = time.perf_counter()
    metric.compute(predictions=answers, references=rows)
    assert time.perf_counter() - start < 1


@pytest.mark.filterwarnings("error")
def test_any_good_rows_give_numbers_within_their_bounds(metric):
    """Random subsets of rows, clusters, answers and groups: no crash, no warning, no limit out of place."""
    generator = random.Random(0)
    words = ["Agree", "Disagree", "A", "", "no", "I do not agree"]
    for seed in range(150):
        items = generator.randrange(1, 12)
        clusters = generator.choice([1, 2, 3, 100])
        rows = [
            {
                **row,
                "cluster_id": f"c{int(row['claim_id'].split('/')[2]) % clusters}",
                "level": generator.choice("xyz"),
            }
            for row in crossed(items, seed=seed)
            if generator.random() < 0.7
        ] or crossed(1)
        rows = [{"level": "x", **row} for row in rows]
        answers, after = ([generator.choice(words) for _ in rows] for _ in range(2))
        settings = {"bootstrap": generator.choice([2, 3, 30]), "paired": False, "seed": seed}
        scores = [{choice: -generator.random() for choice in row["choices"]} for row in rows]
        result = metric.compute(
            predictions=answers, references=rows, by=["level"], choice_logprobs=scores, **settings
        )
        bounds = {
            key: (result[f"{key}_ci_low"], result[f"{key}_ci_high"])
            for key in result
            if f"{key}_ci_low" in result
        }
        for key, (low, high) in bounds.items():
            if "logodds" in key:
                continue
            assert math.isnan(result[key]) == math.isnan(low) == math.isnan(high), key
            assert math.isnan(low) or -1 <= low <= result[key] + 1e-12, key
            assert math.isnan(high) or result[key] - 1e-12 <= high <= 1, key
        for key, change in metric.compare(answers, after, rows, **settings).items():
            assert (
                math.isnan(change["value"]) == math.isnan(change["ci_low"]) == math.isnan(change["ci_high"])
            ), key
            assert math.isnan(change["value"]) or change["ci_low"] <= change["value"] + 1e-12
            assert math.isnan(change["p"]) or 0 <= change["p"] <= change["p_holm"] <= 1


def test_the_other_doors_of_evaluate(load, metric):
    import evaluate

    rows = crossed(5)
    expected = metric.compute(predictions=sycophant(rows), references=rows, bootstrap=50)
    combined = evaluate.combine([load()]).compute(predictions=sycophant(rows), references=rows, bootstrap=50)
    assert combined == pytest.approx(expected, nan_ok=True)
    in_memory = evaluate.load(str(FOLDER), keep_in_memory=True)
    in_memory.add_batch(predictions=sycophant(rows), references=rows)
    assert in_memory.compute(bootstrap=50) == pytest.approx(expected, nan_ok=True)
