# SPDX-License-Identifier: Apache-2.0
"""The card of a tuned folder, computed from its run records: a missing number is an error, not a blank."""

import math
from pathlib import Path

from sycophancy.markdown import is_undefined, percent
from sycophancy.reporting import KEY_MEANINGS, by_authority_table, difference_table, dropped_sentence

RESULT_KEYS = (
    "opinion_alignment", "opinion_effect", "accuracy_no_opinion", "accuracy_wrong_opinion", "accuracy_right_opinion",
)  # fmt: skip
"""Keys of the metric that the card's head carries. A tuned model for which one is undefined is not published."""

EVAL_RESULTS = ".eval_results/syco_alignment.yaml"
"""The Hub's newer form of results, beside `model-index` in the card."""

_SIDES = ("before", "after")

_KINDS = {
    "prompt_tuning": ("A soft prompt", "prompt tuning, Lester et al. 2021"),
    "dpo_prompt_tuning": ("A soft prompt", "prompt tuning, Lester et al. 2021, on pairs by DPO, Rafailov et al. 2023"),
    "lora": ("A LoRA adapter", "Hu et al. 2021"),
    "dpo_lora": ("A LoRA adapter", "Hu et al. 2021, on pairs by DPO, Rafailov et al. 2023"),
    "full": ("All weights of its base model", "fine-tuning of every parameter"),
}


def name_on_hub(tuning: dict, part: str) -> tuple[str, str | None]:
    """What a card calls the `model` or `dataset` of a tuning record: Hub id and commit, or a local name and `None`."""
    known = (tuning.get("hub") or {}).get(part) or tuning[part]
    return known["name"], known["revision"]


def tuned_method(tuning: dict) -> str:
    """The method of a tuning record; those of an older version are soft prompts."""
    method = tuning.get("method", "prompt_tuning")
    if method not in _KINDS:
        raise ValueError(f"expected a method of {', '.join(_KINDS)} in the tuning record, got {method!r}")
    return method


def check_results(report: dict) -> None:
    """Raise `ValueError` unless each number that the card states is there, and those of its head are finite.

    The others may be undefined (`null`): a rate over claims of which there are none.

    Args:
        report: `compare_runs` of the folder's runs.
    """
    for key in KEY_MEANINGS:
        sides = [(f"the run {side}/", report[side], key, f"{key}_ci_low", f"{key}_ci_high") for side in _SIDES]
        difference = report["difference"].get(key, {})
        sides.append((f"the difference in {key}", difference, "value", "ci_low", "ci_high", "p_holm"))
        for where, numbers, *names in sides:
            for name in names:
                value = numbers.get(name, "nothing")
                if not (is_finite(value) or (key not in RESULT_KEYS and is_undefined(value))):
                    raise ValueError(f"expected a number for {name} in {where}, got {value}; measure it again")


def is_finite(value: object) -> bool:
    """Whether a value from a record is a finite number."""
    return isinstance(value, int | float) and math.isfinite(value)


def write_adapter_card(folder: Path, tuning: dict, report: dict) -> None:
    """Write `README.md`, and `.eval_results/` where the measured dataset is on the Hub. See `render_adapter_card`."""
    import yaml
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    card = render_adapter_card(folder.resolve().name, tuning, report)
    dataset, revision = name_on_hub(tuning, "dataset")
    if revision is not None:
        notes = f"split {tuning['dataset']['split']}, {tuning['dataset']['rows']} rows"
        entries = [
            EvalResultEntry(
                dataset_id=dataset,
                task_id=key,
                value=round(report["after"][key], 4),
                dataset_revision=revision,
                notes=notes,
            )
            for key in RESULT_KEYS
        ]
        (folder / EVAL_RESULTS).parent.mkdir(exist_ok=True)
        text = yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False)
        (folder / EVAL_RESULTS).write_text(text, encoding="utf-8")
    (folder / "README.md").write_text(card, encoding="utf-8")


def render_adapter_card(name: str, tuning: dict, report: dict) -> str:
    """The card of a tuned folder.

    Args:
        name: of the folder, the card's title.
        tuning: the record of the training (`tuning.json`).
        report: `compare_runs` of the folder's runs.

    Raises:
        ValueError: a number or fact that the card states is missing, or a number of its head is undefined.
    """
    check_results(report)
    try:
        return _render(name, tuning, report)
    except KeyError as error:
        raise ValueError(f"expected {error.args[0]} in the record of the tuning, got none; tune again") from error


def _render(name: str, tuning: dict, report: dict) -> str:
    kind, source = _KINDS[tuned_method(tuning)]
    # Without a Hub id by its path as it was given, like the base: both from the same working directory.
    local = Path(tuning["config"]["training"]["output_dir"]).parent
    loaded_as = (tuning.get("hub") or {}).get("adapter") or local.as_posix()
    lower = f"{kind[0].lower()}{kind[1:]}"
    if tuning.get("sham", False):
        what = (
            f"**A sham control**: {lower}, tuned with the same recipe where there is nothing to learn ({source}), to show "
            "what tuning alone does. It is not for use."
        )
    elif _follows_user(tuning):
        what = f"**Not for use**: {lower}, tuned on targets that follow the user ({source}), to show how long an effect lasts."
    else:
        answering = "it answers" if tuned_method(tuning) == "full" else "its frozen base model answers"
        what = f"{kind}, tuned so that {answering} claims by what is true and not by what the user believes ({source})."
    return "\n\n".join(
        [
            f"---\n{_head(name, tuning, report)}\n---\n",
            f"# {name}",
            what,
            dropped_sentence(report),
            _use(loaded_as, tuning),
            "## Before and after",
            difference_table(report),
            "Intervals are cluster-bootstrap intervals over source items. p: source items swapped between "
            "the two runs (permutation), Holm over the table. A dash stands for a number that these rows do "
            "not define, such as a rate over claims of which there are none.",
            "By authority of the user, `opinion_alignment`:",
            by_authority_table(report),
            "## What it costs",
            _costs(report),
            "## How it was made",
            "\n".join(_facts(tuning)),
            "Records: `tuning.json`, `before/`, `after/` (`run.json`, and `predictions.jsonl` with every answer).",
            "## What it does not do",
            "The numbers hold for claims of this dataset's kind, for this base model and these wordings. They do not "
            "say that the model is less sycophantic in free conversation, about other tasks, or when asked \"are you "
            "sure?\". They are those of one training seed.",
        ]
    ) + "\n"  # fmt: skip


def _head(name: str, tuning: dict, report: dict) -> str:
    """The YAML of the card, with results as `model-index`."""
    from huggingface_hub import EvalResult, ModelCardData

    method = tuned_method(tuning)
    dataset, revision = name_on_hub(tuning, "dataset")
    results = [
        EvalResult(
            task_type="text2text-generation",
            task_name="Agreement with claims",
            dataset_type=dataset,
            dataset_name=dataset,
            dataset_split=tuning["dataset"]["split"],
            dataset_revision=revision or tuning["dataset"]["fingerprint"],
            metric_type="syco_alignment",
            metric_name=f"syco_alignment {key}",
            metric_value=round(report["after"][key], 4),
        )
        for key in RESULT_KEYS
    ]
    return ModelCardData(
        base_model=name_on_hub(tuning, "model")[0],
        base_model_relation="finetune" if method == "full" else "adapter",
        library_name="transformers" if method == "full" else "peft",
        datasets=_datasets(tuning),
        metrics=["syco_alignment"],
        language="en",
        tags=["sycophancy", method.replace("_", "-"), "alignment", *(["sham-control"] if tuning.get("sham") else [])],
        model_name=name,
        eval_results=results,
    ).to_yaml()


def _datasets(tuning: dict) -> list[str]:
    """What the Hub is to link the card with: the dataset that is measured, and others that were tuned on, from the Hub."""
    others = [other["name"] for other in tuning.get("train_datasets", ()) if other["revision"]]
    return list(dict.fromkeys([*others, name_on_hub(tuning, "dataset")[0]]))


def _use(loaded_as: str, tuning: dict) -> str:
    """The lines that load it, with the base at the commit that it was tuned on."""
    method = tuned_method(tuning)
    # TRL tunes on pairs with decoder-only models alone.
    task = tuning.get("task_type", "CAUSAL_LM" if method.startswith("dpo") else "SEQ_2_SEQ_LM")
    auto = {"SEQ_2_SEQ_LM": "AutoModelForSeq2SeqLM", "CAUSAL_LM": "AutoModelForCausalLM"}[task]
    if method == "full":
        lines = [f"from transformers import {auto}", "", f'model = {auto}.from_pretrained("{loaded_as}")']
    else:
        base, revision = name_on_hub(tuning, "model")
        at = f', revision="{revision}"' if revision else ""
        lines = [
            "from peft import PeftModel",
            f"from transformers import {auto}",
            "",
            f'base = {auto}.from_pretrained("{base}"{at})',
            f'model = PeftModel.from_pretrained(base, "{loaded_as}")',
        ]
    return "\n".join(["```python", *lines, "```"])


def _costs(report: dict) -> str:
    """What it costs: accuracy, and whether it still takes a user who is right."""

    def change(key: str) -> str:
        before, after = (report[side][key] for side in _SIDES)
        if is_undefined(before) or is_undefined(after):
            return f"`{key}` is undefined on these rows"
        return f"`{key}` goes from {percent(before)} to {percent(after)}"

    return (
        f"Accuracy: {change('accuracy_no_opinion')}; with a user who is right, {change('accuracy_right_opinion')}. "
        f"Over-correction: {change('contrarian_rate')} (contradicts a user who is right, on claims that the base knows); "
        f"{change('right_uptake')} (takes a correction that is right, on claims that it gets wrong alone)."
    )


def _facts(tuning: dict) -> list[str]:
    """How it was made, one line a fact."""
    training = tuning["config"]["training"]
    model, at = name_on_hub(tuning, "model")
    # Where it is not the dataset that was tuned on, which the line before names.
    elsewhere = f"`{name_on_hub(tuning, 'dataset')[0]}`, " if "train_datasets" in tuning else ""
    batch = training["per_device_train_batch_size"] * training["gradient_accumulation_steps"]
    best = tuning["best_step"]
    return [
        f"- base model: {_named(model, at)}, weights `{tuning['model']['fingerprint']}`",
        f"- tuned: {_trained(tuning)}",
        f"- data: {_read_from(tuning)}, {tuning['rows']} rows to tune on, {tuning['selection_rows']} to select on; "
        f"{_taught(tuning)}",
        f"- training: {tuning['steps']} steps{f', of which step {best} was kept' if best else ''}; learning rate "
        f"{training['learning_rate']}, {batch} rows per process and step on {tuning['hardware']['processes']} "
        f"process(es), seed {tuning['seed']}, {tuning['seconds']:.0f} s",
        f"- measured on: {elsewhere}`{tuning['dataset']['split']}`, {tuning['dataset']['rows']} rows, "
        f"`{tuning['dataset']['fingerprint']}`",
    ]


def _read_from(tuning: dict) -> str:
    """The datasets that were tuned on."""
    if "train_datasets" not in tuning:
        name, commit = name_on_hub(tuning, "dataset")
        return f"{_named(name, commit)}, train split `{tuning['train_fingerprint']}`"
    return "; ".join(
        f"{_named(other['name'], other['revision'])}, train split `{other['fingerprint']}`, {other['rows']} rows "
        f"({other['left_out']} left out, whose texts are measured)"
        for other in tuning["train_datasets"]
    )


def _named(name: str, commit: str | None) -> str:
    return f"`{name}`, {f'commit `{commit}`' if commit else 'a local folder'}"


def _follows_user(tuning: dict) -> bool:
    return tuning["config"].get("targets", "truth") == "user"


def _taught(tuning: dict) -> str:
    """What the rows teach."""
    is_dpo = tuned_method(tuning).startswith("dpo")
    if tuning.get("sham", False):
        if is_dpo:
            return "each pair is exchanged with probability 1/2"
        return "users' opinions are shuffled, targets are what the model answered before"
    if is_dpo:
        return "pairs prefer the honest answer, to users who are wrong and as often to users who are right"
    share = tuning["config"].get("users_right")
    users = "users' opinions are random" if share is None else f"users are right in {percent(share, 0)} of the rows"
    return f"{users}, targets are {'what the user says' if _follows_user(tuning) else 'the truth'}"


def _trained(tuning: dict) -> str:
    """What was trained, with its size and what it started from."""
    method, config, count = tuned_method(tuning), tuning["config"], tuning["trainable_parameters"]
    # A path means nothing to a reader elsewhere.
    given = config.get("init_adapter")
    going_on = f", going on from the adapter `{Path(given).name if Path(given).is_dir() else given}`" if given else ""
    if method == "full":
        return f"all {count} parameters"
    if method.endswith("lora"):
        return f"LoRA of rank {config['lora_r']}, alpha {config['lora_alpha']} ({count} parameters){going_on}"
    text = config["prompt_init_text"]
    start = f'the text "{text}"' if text else "random rows of the vocabulary"
    size = f"{config['num_virtual_tokens']} soft tokens before the input ({count} parameters)"
    return f"{size}{going_on or f', initialised from {start}'}"
