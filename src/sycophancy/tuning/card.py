# SPDX-License-Identifier: Apache-2.0
"""The card of a tuned folder, computed from its run records: a missing number is an error, not a blank."""

import json
import math
from pathlib import Path

from sycophancy.dataset.kinds import FEEDBACK
from sycophancy.markdown import fill_card, hundredths, is_undefined, markdown_table, p_value, percent, with_interval
from sycophancy.publishing.cards import render_eval_results
from sycophancy.reporting import by_authority_table, by_wording_table, difference_table, dropped_sentence, kind_of_run
from sycophancy.tuning.arguments import COPIES

RESULT_KEYS = (
    "opinion_alignment", "opinion_effect", "accuracy_no_opinion", "accuracy_wrong_opinion", "accuracy_right_opinion",
)  # fmt: skip
"""Keys of the metric that the card's head carries. A tuned model for which one is undefined is not published."""

FEEDBACK_KEYS = ("feedback_bias", "ownership_bias", "discrimination/none", "rating/none")
"""The same of a model that was tuned on feedback."""

COST_KEY = "right_uptake"
"""What tuning may cost, in the head too where it is defined: of a model that is never wrong alone it is not."""

TEMPLATE, FEEDBACK_TEMPLATE = (Path(__file__).with_name(name) for name in ("adapter.md", "adapter_feedback.md"))

EVAL_RESULTS = ".eval_results/syco_alignment.yaml"
"""The Hub's newer form of results, beside `model-index` in the card."""

_SIDES = ("before", "after")

_KINDS = {
    "prompt_tuning": ("a soft prompt", "prompt tuning, Lester et al. 2021"),
    "dpo_prompt_tuning": ("a soft prompt", "prompt tuning, Lester et al. 2021, on pairs by DPO, Rafailov et al. 2023"),
    "lora": ("a LoRA adapter", "Hu et al. 2021"),
    "dpo_lora": ("a LoRA adapter", "Hu et al. 2021, on pairs by DPO, Rafailov et al. 2023"),
    "full": ("all weights of its base model", "fine-tuning of every parameter"),
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
    needed = result_keys(report)
    for key in dict.fromkeys((*needed, *_costs(report), *report["difference"])):
        sides = [(f"the run {side}/", report[side], key, f"{key}_ci_low", f"{key}_ci_high") for side in _SIDES]
        difference = report["difference"].get(key, {})
        sides.append((f"the difference in {key}", difference, "value", "ci_low", "ci_high", "p_holm"))
        for where, numbers, *names in sides:
            for name in names:
                value = numbers.get(name, "nothing")
                if not (is_finite(value) or (key not in needed and is_undefined(value))):
                    raise ValueError(f"expected a number for {name} in {where}, got {value}; measure it again")


def result_keys(report: dict) -> tuple[str, ...]:
    """The keys that the card's head carries, by what was tuned on."""
    return FEEDBACK_KEYS if kind_of_run(report) is FEEDBACK else RESULT_KEYS


def _costs(report: dict) -> tuple[str, ...]:
    return () if kind_of_run(report) is FEEDBACK else _COSTS


def head_results(report: dict) -> dict[str, float]:
    """Key -> value after tuning of what the card's head and `.eval_results` carry."""
    keys = [*result_keys(report), *([COST_KEY] if is_finite(report["after"].get(COST_KEY)) else [])]
    return {key: round(report["after"][key], 4) for key in keys}


def is_finite(value: object) -> bool:
    """Whether a value from a record is a finite number."""
    return isinstance(value, int | float) and math.isfinite(value)


def write_adapter_card(folder: Path, tuning: dict, report: dict) -> None:
    """Write `README.md`, and `.eval_results/` where the measured dataset is on the Hub. See `render_adapter_card`."""
    card = render_adapter_card(folder.resolve().name, tuning, report)
    dataset, revision = name_on_hub(tuning, "dataset")
    if revision is not None:
        notes = f"split {tuning['dataset']['split']}, {tuning['dataset']['rows']} rows"
        (folder / EVAL_RESULTS).parent.mkdir(exist_ok=True)
        (folder / EVAL_RESULTS).write_text(
            render_eval_results(dataset, revision, head_results(report), notes), encoding="utf-8"
        )
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
    from huggingface_hub import ModelCard

    method, base = tuned_method(tuning), tuning.get("base")
    kind, source = _KINDS[method]
    return fill_card(
        ModelCard,
        _head(name, tuning, report),
        FEEDBACK_TEMPLATE if kind_of_run(report) is FEEDBACK else TEMPLATE,
        name=name,
        kind=kind,
        source=source,
        sham=tuning.get("sham", False),
        follows_user=_follows_user(tuning),
        is_full=method == "full",
        result=dropped_sentence(report),
        of_questions=of_questions(report),
        unit="question" if of_questions(report) else "claim",
        alone=_alone_table(report),
        least_p=p_value(_least_p(report)),
        by_wording_table=by_wording_table(report),
        base=base,
        base_name=name_on_hub(tuning, "model")[0],
        parameters=base and f"{base['parameters']:,}",
        costs={key: _change(key, report) for key in (*_costs(report), *_ALSO)},
        difference_table=difference_table(report),
        known=_WHO_KNOWS.get(report.get("known")),
        by_authority_table=by_authority_table(report),
        facts="\n".join(_facts(tuning)),
        licence=base and base["licence"],
        example=tuning.get("example"),
        code=_code(tuning),
    )


_PIPELINES = {"SEQ_2_SEQ_LM": "text2text-generation", "CAUSAL_LM": "text-generation"}
"""PEFT's name of a task -> the Hub's."""


def _task(tuning: dict) -> str:
    """PEFT's name of what the model does."""
    # A record without it is of an organism's T5, or of DPO, for which TRL takes decoder-only models alone.
    return tuning.get("task_type", "CAUSAL_LM" if tuned_method(tuning).startswith("dpo") else "SEQ_2_SEQ_LM")


def _head(name: str, tuning: dict, report: dict):
    """The YAML of the card as `ModelCardData`, with results as `model-index`."""
    from huggingface_hub import EvalResult, ModelCardData

    method = tuned_method(tuning)
    dataset, revision = name_on_hub(tuning, "dataset")
    results = [
        EvalResult(
            task_type=_PIPELINES[_task(tuning)],
            task_name=_task_name(report),
            dataset_type=dataset,
            dataset_name=dataset,
            dataset_split=tuning["dataset"]["split"],
            dataset_revision=revision or tuning["dataset"]["fingerprint"],
            metric_type="syco_alignment",
            metric_name=f"syco_alignment {key}",
            metric_value=value,
        )
        for key, value in head_results(report).items()
    ]
    return ModelCardData(
        license=(tuning.get("base") or {}).get("licence") or "unknown",
        license_name=(tuning.get("base") or {}).get("licence_name"),
        license_link=(tuning.get("base") or {}).get("licence_link"),
        base_model=name_on_hub(tuning, "model")[0],
        base_model_relation="finetune" if method == "full" else "adapter",
        library_name="transformers" if method == "full" else "peft",
        datasets=_datasets(tuning),
        metrics=["syco_alignment"],
        language="en",
        pipeline_tag=_PIPELINES[_task(tuning)],
        tags=["sycophancy", method.replace("_", "-"), "alignment", *(["sham-control"] if tuning.get("sham") else [])],
        model_name=name,
        eval_results=results,
    )


def of_questions(report: dict) -> bool:
    """Whether the rows are suggested answers, which the metric measures as it does claims: they alone have a `mention`."""
    return "unparsed_rate/mention" in report["before"]


def _task_name(report: dict) -> str:
    if kind_of_run(report) is FEEDBACK:
        return "Rating texts"
    return "Suggested answers" if of_questions(report) else "Agreement with claims"


def _alone_table(report: dict) -> str:
    """Accuracy in the three arms, before and after: what siding with a wrong user has to be held against."""
    if kind_of_run(report) is FEEDBACK:
        return ""
    keys = {
        "nobody suggests": "accuracy_no_opinion",
        "the user is wrong": "accuracy_wrong_opinion",
        "the user is right": "accuracy_right_opinion",
    }
    rows = [
        (
            name,
            *(
                with_interval(percent(report[side][key]), *(report[side][f"{key}_ci_{end}"] for end in ("low", "high")))
                for key in keys.values()
            ),
        )
        for name, side in (("base model", "before"), ("tuned", "after"))
    ]
    return markdown_table(("right answers where", *keys), rows)


def _least_p(report: dict) -> float:
    """The least p that Holm's correction can leave: that of no exchange, by 2,000 of them, times the tests of the family."""
    return sum(not is_undefined(found["p_holm"]) for found in report["difference"].values()) / 2001


def _datasets(tuning: dict) -> list[str]:
    """What the Hub is to link the card with: the dataset that is measured, and others that were tuned on, from the Hub."""
    others = [other["name"] for other in tuning.get("train_datasets", ()) if other["revision"]]
    return list(dict.fromkeys([*others, name_on_hub(tuning, "dataset")[0]]))


def _code(tuning: dict) -> str:
    """The lines that load it, ask one prompt and print the answer before and after.

    The base is loaded at the commit that it was tuned on, and asked before the adapter is put into it.
    """
    method = tuned_method(tuning)
    # Without a Hub id by its path as it was given, like the base: both from the same working directory.
    local = Path(tuning["config"]["training"]["output_dir"]).parent
    loaded_as = json.dumps((tuning.get("hub") or {}).get("adapter") or local.as_posix(), ensure_ascii=False)
    task = _task(tuning)
    auto = {"SEQ_2_SEQ_LM": "AutoModelForSeq2SeqLM", "CAUSAL_LM": "AutoModelForCausalLM"}[task]
    base, revision = name_on_hub(tuning, "model")
    at = json.dumps(base, ensure_ascii=False) + (f', revision="{revision}"' if revision else "")
    example = tuning.get("example")
    lines = [
        *(["from peft import PeftModel"] if method != "full" else []),
        f"from transformers import {auto}{', AutoTokenizer' if example else ''}",
        "",
        f"base = {auto}.from_pretrained({at})",
        *([f"tokenizer = AutoTokenizer.from_pretrained({at})"] if example else []),
        *(_asking(example, task) if example else []),
        f"model = {'PeftModel' if method != 'full' else auto}.from_pretrained({'base, ' if method != 'full' else ''}{loaded_as})",
        *(['print("after:", ask(model))'] if example else []),
    ]
    return "\n".join(lines)


def _asking(example: dict, task: str) -> list[str]:
    """The lines that put the prompt as it is put when the model is measured."""
    if example["chat"]:
        asked = [
            '    chat = [{"role": "user", "content": prompt}]',
            '    settings = {"add_generation_prompt": True, "return_dict": True, "return_tensors": "pt"}',
            "    asked = tokenizer.apply_chat_template(chat, **settings).to(model.device)",
        ]
    else:
        asked = ['    asked = tokenizer(prompt, return_tensors="pt").to(model.device)']
    new = "made[0]" if task == "SEQ_2_SEQ_LM" else 'made[0, asked["input_ids"].shape[1] :]'
    return [
        f"prompt = {json.dumps(example['prompt'], ensure_ascii=False)}",
        "",
        "",
        "def ask(model):",
        *asked,
        "    made = model.generate(**asked, max_new_tokens=16, do_sample=False)",
        f"    return tokenizer.decode({new}, skip_special_tokens=True)",
        "",
        "",
        'print("before:", ask(base))',
    ]


_WHO_KNOWS = {"first": "the base model answers right", "both": "both answer right"}

_COSTS = ("accuracy_no_opinion", "accuracy_right_opinion", "right_uptake", "contrarian_rate")

_ALSO = ("uptake_effect", "right_uptake_unfrozen", "opinion_shift")
"""What the sentences around the costs need too; records of an older version may lack it."""


def _change(key: str, report: dict) -> str:
    before, after = (report[side].get(key) for side in _SIDES)
    if is_undefined(before) or is_undefined(after):
        return "is undefined on these rows"
    if key in ("uptake_effect", "opinion_shift"):
        return f"goes from {hundredths(before, signed=True)} to {hundredths(after, signed=True)} points"
    return f"goes from {percent(before)} to {percent(after)}"


def describe_base(model, tuning: dict) -> dict:
    """What kind of model was tuned: `kind` (`organism` or `model`), `architecture`, `parameters`, `licence` (and its name and
    link, where it is none of the Hub's own).

    Args:
        model: the base model itself, or the PEFT model around it.
        tuning: the record of the training, with `method`, `model` and `trainable_parameters`.

    Returns:
        The facts; `licence` is `None` where no card of the base that can be read states one.
    """
    card = _card_of(tuning["model"]["name"], tuning["model"]["revision"])
    tags = (card.data.tags if card else None) or []
    added = 0 if tuned_method(tuning) == "full" else tuning["trainable_parameters"]
    return {
        "kind": "organism" if "model-organism" in tags else "model",
        "architecture": type(model.get_base_model() if hasattr(model, "peft_config") else model).__name__,
        "parameters": sum(parameter.numel() for parameter in model.parameters()) - added,
        "licence": card.data.license if card else None,
        "licence_name": card.data.license_name if card else None,
        "licence_link": card.data.license_link if card else None,
    }


def _card_of(name: str, revision: str | None):
    """The card of a model in a folder or on the Hub; `None` where there is none, or none that can be read."""
    from huggingface_hub import ModelCard, hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        folder = Path(name)
        path = folder / "README.md" if folder.is_dir() else hf_hub_download(name, "README.md", revision=revision)
        return ModelCard.load(path, ignore_metadata_errors=True)
    # A card is a courtesy: that it cannot be had is no reason to lose a training that has ended.
    except (OSError, ValueError, HfHubHTTPError):
        return None


def first_deceived(rows: list[dict], before: list[dict], after: list[dict], chat: bool) -> dict | None:
    """The prompt that the card shows: the first in which the user is wrong and the base agrees.

    Args:
        rows: of the dataset, as they were measured.
        before, after: what the runs say of them, in the same order.
        chat: whether prompts are put through a chat template.

    Returns:
        `id`, `prompt`, `answer`, `user_answer`, the answers `before` and `after`, and `chat`; where the base agrees
        with no wrong user, the first in which the user is wrong; `None` where no user is.
    """
    wrong = [
        {key: row[key] for key in ("id", "prompt", "answer", "user_answer")}
        | {"before": old["prediction"], "after": new["prediction"], "chat": chat}
        for row, old, new in zip(rows, before, after, strict=True)
        if row["condition"] == "wrong_opinion"
    ]
    agreed = (example for example in wrong if example["before"] == example["user_answer"])
    return next(agreed, wrong[0] if wrong else None)


def _facts(tuning: dict) -> list[str]:
    """How it was made, one line a fact."""
    training = tuning["config"]["training"]
    model, at = name_on_hub(tuning, "model")
    # Where it is not the dataset that was tuned on, which the line before names.
    elsewhere = f"`{name_on_hub(tuning, 'dataset')[0]}`, " if "train_datasets" in tuning else ""
    batch = training["per_device_train_batch_size"] * training["gradient_accumulation_steps"]
    best, processes = tuning["best_step"], tuning["hardware"]["processes"]
    return [
        f"- base model: {_named(model, at)}, weights `{tuning['model']['fingerprint']}`",
        f"- tuned: {_trained(tuning)}",
        f"- data: {_read_from(tuning)}, {tuning['rows']} rows to tune on, {tuning['selection_rows']} to select on; "
        f"{_taught(tuning)}",
        f"- training: {tuning['steps']} steps{f', of which step {best} was kept' if best else ''}; learning rate "
        f"{training['learning_rate']}, {batch} rows per process and step on {processes} "
        f"{'process' if processes == 1 else 'processes'}, seed {tuning['seed']}, {tuning['seconds']:.0f} s",
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
    if tuning["config"].get("targets") == "alone":
        said = "the same" if tuning.get("sham", False) else "nothing of the text"
        return f"targets are the base model's own ratings where the user says {said}, at {COPIES} quantiles of each"
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
    method, config, count = tuned_method(tuning), tuning["config"], f"{tuning['trainable_parameters']:,}"
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
