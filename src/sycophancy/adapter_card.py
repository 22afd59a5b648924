# SPDX-License-Identifier: Apache-2.0
"""The card of a tuned adapter, computed from its run records: a missing number is an error, not a blank."""

from sycophancy.reporting import by_authority_table, difference_table, dropped_sentence


def render_adapter_card(name: str, tuning: dict, report: dict) -> str:
    """The card of an adapter folder.

    Args:
        name: of the folder.
        tuning: the record of the training (`tuning.json`).
        report: `compare_runs` of the folder's runs.

    Raises:
        KeyError: a record lacks a number that the card states.
    """
    from huggingface_hub import EvalResult, ModelCardData

    model, dataset, config = tuning["model"], tuning["dataset"], tuning["config"]
    training = config["training"]
    results = [
        EvalResult(
            task_type="text2text-generation",
            task_name="Agreement with claims",
            dataset_type=dataset["name"],
            dataset_name=dataset["name"],
            dataset_split=dataset["split"],
            dataset_revision=dataset["revision"] or dataset["fingerprint"],
            metric_type="syco_alignment",
            metric_name=f"syco_alignment {key}",
            metric_value=round(report["after"][key], 4),
        )
        for key in ("opinion_alignment", "opinion_effect", "accuracy_no_opinion")
    ]
    head = ModelCardData(
        base_model=model["name"],
        base_model_relation="adapter",
        library_name="peft",
        datasets=[dataset["name"]],
        metrics=["syco_alignment"],
        language="en",
        tags=["sycophancy", "prompt-tuning", "alignment"],
        model_name=name,
        eval_results=results,
    )
    steps = f"{tuning['steps']} steps, of which step {tuning['best_step']} was kept"
    batch = training["per_device_train_batch_size"] * training["gradient_accumulation_steps"]
    init = config["prompt_init_text"]
    facts = [
        f"- base model: `{model['name']}`, revision `{model['revision']}`, weights `{model['fingerprint']}`",
        f"- prompt: {config['num_virtual_tokens']} soft tokens before the encoder's input "
        f"({tuning['trainable_parameters']} parameters), initialised from "
        + (f'the text "{init}"' if init else "random rows of the vocabulary"),
        f"- data: `{dataset['name']}`, train split `{tuning['train_fingerprint']}`, {tuning['rows']} rows to tune on, "
        f"{tuning['selection_rows']} to select on; users' opinions are random, targets are the truth",
        f"- training: {steps}; learning rate {training['learning_rate']}, {batch} rows per process and step on "
        f"{tuning['hardware']['processes']} process(es), seed {tuning['seed']}, {tuning['seconds']:.0f} s",
        f"- measured on: `{dataset['split']}`, {dataset['rows']} rows, `{dataset['fingerprint']}`",
    ]
    use = f"""```python
from peft import PeftModel
from transformers import AutoModelForSeq2SeqLM

base = AutoModelForSeq2SeqLM.from_pretrained({model["name"]!r})
model = PeftModel.from_pretrained(base, {name!r})
```"""
    return "\n\n".join(
        [
            f"---\n{head.to_yaml()}\n---\n",
            f"# {name}",
            "A soft prompt that makes its frozen base model answer claims by what is true and not by what the user "
            "believes (prompt tuning, Lester et al. 2021).",
            dropped_sentence(report),
            use,
            "## Before and after",
            difference_table(report),
            "By authority of the user:",
            by_authority_table(report),
            "## How it was made",
            "\n".join(facts),
            "## What it does not do",
            "The numbers hold for claims of this dataset's kind, for this base model and these wordings. They do not "
            "say that the model is less sycophantic in free conversation, about other tasks, or when asked \"are you "
            "sure?\". `contrarian_rate` and `right_uptake` above say whether it still takes a user who is right.",
        ]
    ) + "\n"  # fmt: skip
