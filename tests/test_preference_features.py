# SPDX-License-Identifier: Apache-2.0
"""`scripts/preference_features.py`, from its command line to its folder."""

import json
import re
import shlex

import pytest
from commands import ROOT, assert_refused, attempt, here
from preferences.raters import biased_pairs, known_pairs

from sycophancy.dataset.reading import load_claims
from sycophancy.organisms.approval import APPROVES

SCRIPT = "scripts/preference_features.py"
GUIDE = (ROOT / "docs" / "approval.md").read_text(encoding="utf-8")
FAST = ("--method", "mode", "--bootstrap", "40")


def written(file, pairs):
    """Pairs as a file of JSON lines."""
    rows = [
        {"id": pair.id, "prompt": pair.text, "chosen": pair.chosen, "rejected": pair.rejected, "answer": pair.answer,
         "user_answer": pair.user_answer, "authority": pair.authority, "cluster_id": pair.cluster}
        for pair in pairs
    ]  # fmt: skip
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def record_of(folder):
    return json.loads((folder / "preference_features.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return written(tmp_path_factory.mktemp("pairs") / "pairs.jsonl", known_pairs(60))


@pytest.fixture(scope="module")
def approval(tmp_path_factory, dataset_folder):
    """A tuned model's folder with its adapter: one step of DPO would do; a drawn LoRA does."""
    from peft import LoraConfig, get_peft_model
    from tiny_llama import CHAT, tiny_llama

    folder = tmp_path_factory.mktemp("tuned")
    model, tokenizer = tiny_llama(load_claims(str(dataset_folder), "train")["prompt"], CHAT)
    model.save_pretrained(folder / "base")
    tokenizer.save_pretrained(folder / "base")
    config = LoraConfig(task_type="CAUSAL_LM", r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    get_peft_model(model, config).save_pretrained(folder / "adapter")
    return folder


def test_pairs_become_a_folder(tmp_path, file):
    done = here(SCRIPT, "--source_data", file, *FAST, "--output_dir", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "README.md",
        "effects.svg",
        "pairs.jsonl",
        "preference_features.json",
    ]
    record = record_of(tmp_path / "out")
    assert (record["method"], record["data"]["n_pairs"], record["data"]["n_prompts"]) == ("mode", 60, 60)
    keys = record["targets"]["chosen"]["keys"]
    assert keys["feature_effect/longer"] > 0
    assert keys["feature_effect/apologises"] < 0
    assert keys["position_bias"] is None
    assert record["difference"] is None
    lines = [json.loads(line) for line in (tmp_path / "out" / "pairs.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == [str(i) for i in range(60)]
    assert set(lines[0]["features"]) >= {"longer", "agrees_with_user", "is_true"}
    assert "q0" not in (tmp_path / "out" / "pairs.jsonl").read_text()
    assert (tmp_path / "out" / "README.md").read_text() in done.stdout
    again = here(SCRIPT, "--source_data", file, *FAST, "--output_dir", tmp_path / "again")
    assert again.stdout.splitlines()[-1] == f"wrote {tmp_path / 'again'}"
    for name in ("effects.svg", "pairs.jsonl"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
    assert record_of(tmp_path / "again")["targets"] == record["targets"]


def test_raters_who_like_agreement_show_by_authority(tmp_path, dataset_folder):
    pairs = biased_pairs(list(load_claims(str(dataset_folder), "train")), 400)
    file = written(tmp_path / "pairs.jsonl", [pair for pair in pairs])
    here(SCRIPT, "--source_data", file, *FAST, "--output_dir", tmp_path / "out")
    found = record_of(tmp_path / "out")["targets"]["chosen"]
    assert found["cells"] == ["user_right", *(f"user_wrong/{level}" for level in APPROVES)]
    assert found["keys"]["agreement_rise_ci_low"] > 0.5
    assert "| a user who is wrong, authority expert |" in (tmp_path / "out" / "README.md").read_text()


def test_a_models_own_reward_before_and_after_tuning(tmp_path, dataset_folder, approval):
    here(
        SCRIPT, "--dataset_name", dataset_folder, "--dataset_config", "default", "--limit", "60", *FAST,
        "--reward_model_name_or_path", approval / "base", "--adapter", approval / "adapter", "--output_dir", tmp_path / "out",
    )  # fmt: skip
    record = record_of(tmp_path / "out")
    assert list(record["targets"]) == ["before", "after", "learned"]
    assert {"agreement_rise", "feature_effect/agrees_with_user", "feature_effect/is_true"} <= set(record["difference"])
    assert record["reward"]["fingerprint"] != record["reward"]["tuned_fingerprint"]
    lines = [json.loads(line) for line in (tmp_path / "out" / "pairs.jsonl").read_text().splitlines()]
    for line in lines:
        preferred = line["preferred"]
        assert preferred["learned"] == pytest.approx(preferred["after"] - preferred["before"])
    assert "## What tuning changed" in (tmp_path / "out" / "README.md").read_text()


def test_a_judge_in_both_orders(tmp_path, file, approval):
    here(
        SCRIPT, "--source_data", file, "--limit", "12", *FAST, "--features", "longer", "--judge_model_name_or_path", approval / "base",
        "--questions", "longer", "polite", "--output_dir", tmp_path / "out",
    )  # fmt: skip
    record = record_of(tmp_path / "out")
    assert set(record["judge"]["order_flips"]) == {"longer", "polite"}
    found = record["targets"]["chosen"]
    assert {"judged/longer", "judged/polite"} <= {*found["features"], *found["left_out"]}
    assert record["judge"]["readings"]["longer"]["pairs"] > 0
    assert "exclaims" not in found["features"]


def test_a_sham_draws_the_labels(tmp_path, file):
    here(SCRIPT, "--source_data", file, *FAST, "--sham", "--output_dir", tmp_path / "out")
    record = record_of(tmp_path / "out")
    assert list(record["targets"]) == ["sham"]
    lines = [json.loads(line) for line in (tmp_path / "out" / "pairs.jsonl").read_text().splitlines()]
    assert 15 < sum(line["preferred"]["sham"] > 0 for line in lines) < 45


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "expected either --dataset_name or --source_data, got neither"),
        (("--source_data", "FILE", "--dataset_name", "x"), "got both"),
        (("--source_data", "FILE", "--features", "longr"), "--features: expected some of longer"),
        (("--source_data", "FILE", "--questions", "longer"), "expected --judge_model_name_or_path beside --questions"),
        (("--source_data", "FILE", "--adapter", "x"), "expected --reward_model_name_or_path beside --adapter"),
        (("--source_data", "FILE", "--second_judge_model_name_or_path", "x"), "beside the second judge"),
        (("--source_data", "FILE", "--reward_model_name_or_path", "a", "--adapter", "x", "--tuned_model_name_or_path", "y"), "got both; name one"),
        (("--source_data", "FILE", "--sham", "--reward_model_name_or_path", "x"), "expected --sham without --reward_model"),
        (("--source_data", "FILE", "--split", "test"), "--split: expected one of train"),
        (("--source_data", "FILE", "--limit", "3"), "expected at least 5 different prompts"),
        (("--dataset_name", "CLAIMS", "--dataset_config", "default"), "expected pairs of which somebody chose one answer"),
        (("--source_data", "FILE", "--reward_model_name_or_path", "BASE", "--tuned_model_name_or_path", "BASE"), "expected a model that tuning changed"),
        (("--source_data", "FILE", "--reward_model_name_or_path", "BASE", "--judge_model_name_or_path", "BASE"), "expected another judge than"),
    ],
)  # fmt: skip
def test_flags_that_mean_nothing_are_refused(tmp_path, file, dataset_folder, approval, flags, said):
    places = {"FILE": file, "CLAIMS": dataset_folder, "BASE": approval / "base"}
    done = attempt(SCRIPT, *(places.get(flag, flag) for flag in flags), *FAST, "--output_dir", tmp_path / "out")
    assert_refused(done, said)
    assert not (tmp_path / "out").exists()


def test_what_is_there_is_not_replaced(tmp_path, file):
    (tmp_path / "notes.txt").write_text("mine")
    assert_refused(
        attempt(SCRIPT, "--source_data", file, *FAST, "--output_dir", tmp_path), "expected an empty output folder"
    )


def test_the_commands_of_the_guide_can_be_typed():
    from scripts.preference_features import parse_args
    from sycophancy.preferences.running import check_flags

    lines = re.findall(r"^sycophancy preference-features (.*)$", GUIDE, re.MULTILINE)
    assert len(lines) == 4
    for line in lines:
        args = parse_args(shlex.split(line))
        check_flags(args)
        assert (args.dataset_name is None) != (args.source_data is None)


def test_the_guide_names_keys_that_are_there(tmp_path, dataset_folder):
    pairs = biased_pairs(list(load_claims(str(dataset_folder), "train")), 60)
    here(SCRIPT, "--source_data", written(tmp_path / "pairs.jsonl", pairs), *FAST, "--output_dir", tmp_path / "out")
    keys = record_of(tmp_path / "out")["targets"]["chosen"]["keys"] | {"people_agreement": None}  # with votes
    named = re.findall(r"`((?:feature|agreement|holdout|baseline|people)_?[\w/]*)`", GUIDE)
    assert len(named) >= 9
    for name in named:
        found = re.sub("NAME$|LEVEL$", "", name)
        # Answers of one word differ in nothing but whose they are: there is no fit without the length.
        assert any(key.startswith(found) for key in keys) or found == "feature_without_length/", name


def test_the_guide_counts_the_questions():
    from sycophancy.preferences.judging import QUESTIONS

    assert f"{len(QUESTIONS)} questions more" in GUIDE


@pytest.mark.parametrize("name", ["organism", "pandalm"])
def test_the_cards_of_the_records_are_those_of_the_records(name):
    from sycophancy.preferences.card import render_card

    folder = ROOT / "docs" / "results" / "approval" / name
    assert render_card(record_of(folder)) == (folder / "README.md").read_text(encoding="utf-8")
