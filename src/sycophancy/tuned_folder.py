# SPDX-License-Identifier: Apache-2.0
"""The folder that a tuning run leaves: adapter, runs before and after, report, card. Also how a killed run goes on."""

import json
import shutil
from pathlib import Path

from sycophancy.adapter_card import name_on_hub, write_adapter_card
from sycophancy.features import fingerprint_claims
from sycophancy.folders import refuse_occupied
from sycophancy.hub_names import TUNING, names_on_hub
from sycophancy.measuring import describe, describe_dataset, measure
from sycophancy.metric import known_claims
from sycophancy.models import FINGERPRINT_FILE
from sycophancy.records import (
    command_line,
    git_state,
    hardware,
    read_run,
    versions,
    write_json,
)  # fmt: skip
from sycophancy.reporting import compare_runs, write_report

UNFINISHED = "checkpoints/settings.json"

# What may differ between the command that was killed and the one that goes on with it.
_FREE_SETTINGS = ("overwrite",)
_FREE_TRAINING = (
    "resume_from_checkpoint",
    "local_rank",
    "logging_steps",
    "disable_tqdm",
    "push_to_hub",
    "hub_model_id",
)


def _comparable(settings: dict) -> dict:
    """The settings that decide what a run computes."""
    kept = {key: value for key, value in settings.items() if key not in (*_FREE_SETTINGS, "training")}
    training = {key: value for key, value in settings["training"].items() if key not in _FREE_TRAINING}
    return json.loads(json.dumps({**kept, "training": training}, default=str))


def prepare_folder(folder: Path, settings: dict, *, resume: bool, overwrite: bool, main: bool) -> None:
    """Make room for a tuning run, or check that the one to go on with has the same settings.

    Args:
        folder: the output folder.
        settings: of this run.
        resume: go on with the unfinished run in `folder`, if there is one.
        overwrite: replace a finished or unfinished run in `folder`.
        main: whether this is the main process; the others only check.

    Raises:
        ValueError: `folder` holds something else, a finished run, or an unfinished one that is not to be resumed or
            has other settings.
    """
    unfinished = folder / UNFINISHED
    if unfinished.is_file() and not overwrite:
        if not resume:
            # Another process of this very launch may have written it already: its settings tell.
            if not main and json.loads(unfinished.read_text()) == _comparable(settings):
                return
            raise ValueError(
                f"expected an empty output folder, got {folder} with an unfinished run; pass --resume_from_checkpoint "
                "true to go on with it or --overwrite true to start anew"
            )
        before, now = json.loads(unfinished.read_text()), _comparable(settings)
        changed = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
        changed += sorted(
            f"training.{key}"
            for key in {*before["training"], *now["training"]}
            if "training" in changed and before["training"].get(key) != now["training"].get(key)
        )
        if changed:
            raise ValueError(
                f"expected the settings of the unfinished run in {folder}, got others for {', '.join(changed)}; "
                "give the same recipe and flags, or --overwrite true to start anew"
            )
        return
    if main:
        refuse_occupied(folder, marker=UNFINISHED if unfinished.is_file() else TUNING, overwrite=overwrite)
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.parent.mkdir(parents=True)
        write_json(unfinished, _comparable(settings))


def checkpoint_to_resume(folder: Path) -> str | None:
    """The last whole checkpoint of the run in `folder`; `None` where it was killed before the first.

    A checkpoint that was being written when the run was killed lacks `trainer_state.json`, which comes last.
    """
    whole = [path.parent for path in (folder / "checkpoints").glob("checkpoint-*/trainer_state.json")]
    return str(max(whole, key=lambda path: int(path.name.rsplit("-", 1)[1]))) if whole else None


def write_tuned_folder(
    model, tokenizer, rows, folder: Path, args, settings: dict, fingerprint: str, tuning: dict
) -> str:
    """Measure the model without and with its adapter, then write the adapter folder.

    Args:
        model: the tuned PEFT model.
        tokenizer: of the base model.
        rows: dataset rows of the split that is reported.
        folder: the output folder.
        args: `TuneArguments`.
        settings: all settings, for the record.
        fingerprint: of the base model's weights.
        tuning: facts of the training.

    Returns:
        On the main process the summary to print, `""` on the others.
    """
    rows = list(rows)[: args.measure_rows]
    dataset = describe_dataset(args.dataset_name, args.dataset_revision, args.measure_split, len(rows))
    prompts = [row["prompt"] for row in rows]
    common = {"config": settings, "batch_size": args.measure_batch_size, "seed": settings["training"]["seed"]}

    def description(adapter: str | None) -> dict:
        return describe(args.model_name_or_path, fingerprint, args.model_revision, adapter, dataset)

    if args.before_run:
        _take_before(Path(args.before_run), folder / "before", description(None))
    else:
        with model.disable_adapter():
            measure(model, tokenizer, rows, prompts, folder / "before", description=description(None), **common)
    from accelerate import PartialState

    state = PartialState()
    state.wait_for_everyone()
    known = known_claims(read_run(folder / "before")[1])
    measure(
        model,
        tokenizer,
        rows,
        prompts,
        folder / "after",
        description=description(str(folder)),
        known=known,
        **common,
    )
    if not state.is_main_process:
        return ""
    tuning = {
        "command": command_line(),
        "config": settings,
        **description(None),
        **tuning,
        "train_fingerprint": fingerprint_claims(args.dataset_name, "train", args.dataset_revision),
        "versions": versions(),
        "git": git_state(),
        "hardware": hardware(),
        "seed": settings["training"]["seed"],
    }
    tuning["hub"] = names_on_hub(tuning)
    base, base_commit = name_on_hub(tuning, "model")
    report = compare_runs(folder / "before", folder / "after")
    write_report(report, folder)
    write_adapter_card(folder, tuning, report)
    write_json(folder / FINGERPRINT_FILE, {"name": base, "revision": base_commit, "fingerprint": fingerprint})
    _save_adapter(model, folder, base, base_commit)
    # Last: a folder that has it is whole.
    write_json(folder / TUNING, tuning)
    return (folder / "report.md").read_text(encoding="utf-8")


def _take_before(run: Path, target: Path, wanted: dict) -> None:
    """Use a run of the base model that was made earlier, if it is one of this model on these rows."""
    record, _ = read_run(run)
    for part, name in (
        ("model", "fingerprint"),
        ("dataset", "fingerprint"),
        ("dataset", "split"),
        ("dataset", "rows"),
    ):
        if record[part][name] != wanted[part][name]:
            raise ValueError(
                f"expected in before_run {run} the base model on the measured rows ({part} {name} "
                f"{wanted[part][name]}), got {record[part][name]}; measure it again or leave before_run out"
            )
    if record["adapter"] is not None or record["config"].get("in_context", "none") != "none":
        raise ValueError(
            f"expected in before_run {run} the bare base model, got one with an adapter or with in_context"
        )
    if not target.exists():
        shutil.copytree(run, target, dirs_exist_ok=True)


def _save_adapter(model, folder: Path, base: str, base_commit: str | None) -> None:
    """Write PEFT's files, with the base model named as it was given and, from the Hub, its commit."""
    config = model.peft_config["default"]
    config.base_model_name_or_path, config.revision = base, base_commit
    if getattr(config, "tokenizer_name_or_path", None) is not None:
        config.tokenizer_name_or_path = base
    card = (folder / "README.md").read_text(encoding="utf-8")
    model.save_pretrained(folder)
    # PEFT rewrites the card's head on saving; ours is computed from the records.
    (folder / "README.md").write_text(card, encoding="utf-8")
