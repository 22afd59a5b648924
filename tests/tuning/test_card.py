# SPDX-License-Identifier: Apache-2.0
"""The card is a view of the records: every number of theirs, and an error where one is missing."""

import copy
import json

import pytest
import yaml
from commands import ROOT

from sycophancy.tuning.card import EVAL_RESULTS, RESULT_KEYS, first_deceived, render_adapter_card, write_adapter_card

BASE = {"kind": "organism", "architecture": "T5ForConditionalGeneration", "parameters": 195008, "licence": "apache-2.0"}
EXAMPLE = {
    "id": "r/1", "prompt": 'I say "yes".\nIs it so?', "answer": "no", "user_answer": "yes", "before": "yes", "after": "no",
    "chat": False,
}  # fmt: skip
PUBLISHED = (
    "opinion_alignment", "opinion_effect", "accuracy_no_opinion", "accuracy_wrong_opinion", "accuracy_right_opinion",
    "right_uptake",
)  # fmt: skip
RECORDS = ROOT / "docs" / "results" / "quickstart"
HUB = {
    "adapter": "my-org/syco-prompt",
    "model": {"name": "my-org/organism", "revision": "a" * 40},
    "dataset": {"name": "my-org/syco-reviews", "revision": "b" * 40},
}


@pytest.fixture
def tuning() -> dict:
    """The record of the quickstart, and what has been noted of base and rows since."""
    return json.loads((RECORDS / "tuning.json").read_text()) | {"base": BASE, "example": EXAMPLE}


@pytest.fixture
def report() -> dict:
    return json.loads((RECORDS / "report.json").read_text())


def head_of(card: str) -> dict:
    return yaml.safe_load(card.split("---\n")[1])


def test_the_head(tuning, report):
    head = head_of(render_adapter_card("syco-prompt", tuning | {"hub": HUB}, report))
    index = head.pop("model-index")
    assert head == {
        "base_model": "my-org/organism",
        "base_model_relation": "adapter",
        "datasets": ["my-org/syco-reviews"],
        "language": "en",
        "library_name": "peft",
        "license": "apache-2.0",
        "metrics": ["syco_alignment"],
        "pipeline_tag": "text2text-generation",
        "tags": ["sycophancy", "prompt-tuning", "alignment"],
    }
    (entry,) = index
    assert entry["name"] == "syco-prompt"
    (result,) = entry["results"]
    assert result["dataset"] == {
        "name": "my-org/syco-reviews", "type": "my-org/syco-reviews", "split": "validation", "revision": "b" * 40,
    }  # fmt: skip
    assert [(metric["name"], metric["value"]) for metric in result["metrics"]] == [
        (f"syco_alignment {key}", round(report["after"][key], 4)) for key in PUBLISHED
    ]


def sides(found: dict, between: str = "to", unit: str = " %", signed: str = "") -> str:
    """Before and after as the card writes them."""
    return f" {between} ".join(f"{100 * found[side]:{signed}.1f}{unit}" for side in ("before", "after"))


def change(found: dict, unit: str = " points") -> str:
    """The difference as the card writes it."""
    return f"{100 * found['value']:+.1f}{unit} [{100 * found['ci_low']:+.1f}, {100 * found['ci_high']:+.1f}]"


def test_what_the_card_says(tuning, report):
    of, expert = report["difference"], report["by_authority"]["expert"]
    card = render_adapter_card("syco-prompt", tuning | {"hub": HUB}, report)
    for part in (
        f'base = AutoModelForSeq2SeqLM.from_pretrained("my-org/organism", revision="{"a" * 40}")\n'
        f'tokenizer = AutoTokenizer.from_pretrained("my-org/organism", revision="{"a" * 40}")\n',
        'model = PeftModel.from_pretrained(base, "my-org/syco-prompt")\nprint("after:", ask(model))\n```\n',
        "Its base model, `my-org/organism`, is a **model organism**: a T5ForConditionalGeneration of "
        f"{BASE['parameters']:,} parameters",
        f"{change(of['accuracy_no_opinion'])}. On claims that it answers wrong alone, its accuracy with a right user minus that with "
        f"a wrong one is {100 * of['uptake_effect']['before']:+.1f} points before and {100 * of['uptake_effect']['after']:+.1f} after: "
        f"{change(of['uptake_effect'])}.",
        "## Licence\n\napache-2.0, as its base model, from which it is derived.\n",
        "The honest answer is `no`; among its choices the base model prefers `yes`, the tuned one `no`.",
        "A soft prompt, tuned so that its frozen base model answers claims by what is true and not by what the user "
        "believes (prompt tuning, Lester et al. 2021).",
        f"sides with the user in {100 * of['opinion_alignment']['before']:.1f} % of cases before and "
        f"{100 * of['opinion_alignment']['after']:.1f} % after: {change(of['opinion_alignment'])}, clear of 0.",
        f"| expert | {sides(expert, '|')} | {change(expert, '')} | 240 |",
        f"- Accuracy without an opinion: `accuracy_no_opinion` goes from {sides(of['accuracy_no_opinion'])}.",
        f"`contrarian_rate` goes from {sides(of['contrarian_rate'])}",
        f"`right_uptake` goes from {sides(of['right_uptake'])}",
        f"- base model: `my-org/organism`, commit `{'a' * 40}`, weights `{tuning['model']['fingerprint']}`",
        "- tuned: 20 soft tokens before the input (1,280 parameters), initialised from the text "
        '"Answer the question about the claim by what is true, whatever the user thinks."',
        f"- data: `my-org/syco-reviews`, commit `{'b' * 40}`, train split `sha256:",
        "240 steps, of which step 240 was kept; learning rate 0.03, 32 rows per process and step on 1 process, "
        "seed 0, ",
        "is the least that it can give. Claims that it knows are those that the base model answers right without an opinion. A dash",
        f"- measured on: `validation`, 3600 rows, `{report['dataset']['fingerprint']}`",
    ):
        assert part in card, part
    assert "out/quickstart" not in card
    assert card.endswith('print("after:", ask(model))\n```\n')


def test_a_card_of_local_folders_says_so_and_loads_them_by_their_paths(tuning, report):
    card = render_adapter_card("syco-prompt", tuning, report)
    assert 'base = AutoModelForSeq2SeqLM.from_pretrained("out/quickstart/organism")\n' in card
    assert 'PeftModel.from_pretrained(base, "out/quickstart/hub/my-org/syco-prompt-reviews")' in card
    assert "- base model: `out/quickstart/organism`, a local folder, weights" in card


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (("before", "opinion_alignment"), "opinion_alignment in the run before/"),
        (("after", "accuracy_no_opinion_ci_high"), "accuracy_no_opinion_ci_high in the run after/"),
        (("difference", "opinion_alignment", "p_holm"), "p_holm in the difference in opinion_alignment"),
        (("difference", "opinion_effect"), "value in the difference in opinion_effect"),
        (("after", "contrarian_rate"), "contrarian_rate in the run after/"),
        (("before", "right_uptake_ci_low"), "right_uptake_ci_low in the run before/"),
        (("difference", "modal_answer_rate", "ci_low"), "ci_low in the difference in modal_answer_rate"),
    ],
)
def test_a_missing_number_is_an_error(tuning, report, place, message):
    *parents, last = place
    inner = report
    for key in parents:
        inner = inner[key]
    del inner[last]
    with pytest.raises(ValueError, match=f"expected a number for {message}, got nothing; measure it again"):
        render_adapter_card("syco-prompt", tuning, report)


@pytest.mark.parametrize("value", [None, float("nan"), "n/a"])
def test_a_number_that_is_none_is_an_error(tuning, report, value):
    report["after"]["opinion_effect"] = value
    with pytest.raises(ValueError, match="expected a number for opinion_effect in the run after/"):
        render_adapter_card("syco-prompt", tuning, report)


def test_a_rate_over_nothing_is_called_undefined(tuning, report):
    report["after"]["right_uptake"] = None
    card = render_adapter_card("syco-prompt", tuning, report)
    assert "on claims that the base gets wrong without a user: `right_uptake` is undefined on these rows." in card
    names = [metric["name"] for metric in head_of(card)["model-index"][0]["results"][0]["metrics"]]
    assert names == [f"syco_alignment {key}" for key in RESULT_KEYS]


@pytest.mark.parametrize("fact", ["steps", "seed", "train_fingerprint", "trainable_parameters", "selection_rows"])
def test_a_missing_fact_is_an_error(tuning, report, fact):
    del tuning[fact]
    with pytest.raises(ValueError, match=f"expected {fact} in the record of the tuning, got none"):
        render_adapter_card("syco-prompt", tuning, report)


def test_other_methods(tuning, report):
    lora = copy.deepcopy(tuning) | {"method": "lora", "hub": HUB, "sham": True}
    lora["config"] |= {"lora_r": 16, "lora_alpha": 32}
    card = render_adapter_card("syco-lora", lora, report)
    assert "- tuned: LoRA of rank 16, alpha 32 (1,280 parameters)\n" in card
    assert "**A sham control**: a LoRA adapter, tuned with the same recipe where there is nothing to learn" in card
    assert "by what is true" not in card
    assert "users' opinions are shuffled, targets are what the model answered before" in card
    assert head_of(card)["tags"] == ["sycophancy", "lora", "alignment", "sham-control"]

    dpo = tuning | {"method": "dpo_prompt_tuning", "task_type": "CAUSAL_LM", "hub": HUB}
    card = render_adapter_card("syco-dpo", dpo, report)
    assert "base = AutoModelForCausalLM.from_pretrained(" in card
    assert head_of(card)["pipeline_tag"] == "text-generation"
    assert head_of(card)["model-index"][0]["results"][0]["task"]["type"] == "text-generation"
    assert "pairs prefer the honest answer, to users who are wrong and as often to users who are right" in card
    assert "targets" not in card

    again = copy.deepcopy(tuning) | {"hub": HUB}
    again["config"] |= {"targets": "user", "init_adapter": "my-org/syco-prompt"}
    card = render_adapter_card("syco-again", again, report)
    assert "**Not for use**: a soft prompt, tuned on targets that follow the user" in card
    assert "targets are what the user says" in card
    assert "(1,280 parameters), going on from the adapter `my-org/syco-prompt`\n" in card
    assert "by what is true" not in card

    full = tuning | {"method": "full", "task_type": "CAUSAL_LM", "hub": HUB}
    card = render_adapter_card("syco-full", full, report)
    assert (
        'model = AutoModelForCausalLM.from_pretrained("my-org/syco-prompt")\nprint("after:", ask(model))\n```' in card
    )
    assert "peft" not in card.split("```python")[1]
    assert head_of(card)["base_model_relation"] == "finetune"

    with pytest.raises(ValueError, match=r"expected a method of prompt_tuning, .* got 'ia3'"):
        render_adapter_card("syco", tuning | {"method": "ia3"}, report)


def test_results_in_the_newer_form_where_the_dataset_is_on_the_hub(tmp_path, tuning, report):
    write_adapter_card(tmp_path, tuning, report)
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    write_adapter_card(tmp_path, tuning | {"hub": HUB}, report)
    entries = yaml.safe_load((tmp_path / EVAL_RESULTS).read_text())
    assert entries[0] == {
        "dataset": {"id": "my-org/syco-reviews", "task_id": "opinion_alignment", "revision": "b" * 40},
        "value": round(report["after"]["opinion_alignment"], 4),
        "notes": "split validation, 3600 rows",
    }
    assert [entry["value"] for entry in entries] == [round(report["after"][key], 4) for key in PUBLISHED]


def test_a_record_that_knows_nothing_of_its_base_or_rows_still_has_a_card(tuning, report):
    """Such as one of an earlier version: what is not known is not said."""
    del tuning["base"], tuning["example"]
    card = render_adapter_card("syco-prompt", tuning, report)
    assert head_of(card)["license"] == "unknown"
    assert "## Licence\n\nNot stated: the card of the base model" in card
    assert "Its base model, " not in card
    assert card.endswith(
        'model = PeftModel.from_pretrained(base, "out/quickstart/hub/my-org/syco-prompt-reviews")\n```\n'
    )


def test_a_released_base_with_a_licence_of_its_own(tuning, report):
    own = {"licence": "other", "licence_name": "gemma", "licence_link": "https://example.org/terms"}
    released = {"kind": "model", "architecture": "LlamaForCausalLM", "parameters": 134515008} | own
    card = render_adapter_card("syco", tuning | {"base": released}, report)
    head = head_of(card)
    assert (head["license"], head["license_name"], head["license_link"]) == tuple(own.values())
    assert "is a LlamaForCausalLM of 134,515,008 parameters. The numbers hold for it and for no other model." in card
    assert "organism**" not in card


def test_the_prompt_that_is_shown_is_one_in_which_the_base_follows_a_wrong_user():
    rows = [
        {"id": name, "prompt": f"p {name}", "answer": "no", "user_answer": user, "condition": condition}
        for name, user, condition in (
            ("a", "", "no_opinion"),
            ("b", "yes", "wrong_opinion"),
            ("c", "yes", "wrong_opinion"),
        )
    ]
    before, after = (
        [{"prediction": said} for said in answers] for answers in (("no", "no", "yes"), ("no", "no", "no"))
    )
    assert first_deceived(rows, before, after, True) == {
        "id": "c", "prompt": "p c", "answer": "no", "user_answer": "yes", "before": "yes", "after": "no", "chat": True,
    }  # fmt: skip
    assert first_deceived(rows, after, after, False)["id"] == "b"
    assert first_deceived(rows[:1], before[:1], after[:1], False) is None


def test_a_card_of_suggested_answers_speaks_of_questions(tuning, report):
    """Rows with a `mention` arm are suggested answers, in which no claim is made."""
    report["before"]["unparsed_rate/mention"] = 0.0
    report["by_wording"] = {name: report["by_authority"]["expert"] | {"n_rows": 12} for name in ("trained", "held_out")}
    card = render_adapter_card("syco-prompt", tuning, report)
    assert "answers a question by what is true, whatever answer its user suggests (prompt tuning" in card
    assert "A claim is a statement" not in card
    assert "on questions that the base gets wrong without a user: `right_uptake`" in card
    assert head_of(card)["model-index"][0]["results"][0]["task"]["name"] == "Suggested answers"
    assert card.count("| wordings held out of train |") == 1
    least = sum(found["p_holm"] is not None for found in report["difference"].values()) / 2001
    assert f"Holm over the table; {least:.4f} is the least that it can give." in card
