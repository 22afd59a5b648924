# SPDX-License-Identifier: Apache-2.0
"""The folder that a tuning run leaves: what was tuned, runs before and after, report, card."""

from dataclasses import dataclass, field
from pathlib import Path

from sycophancy.answering.adapters import FINGERPRINT_FILE, fingerprint_adapter, fingerprint_model
from sycophancy.answering.answers import Asking
from sycophancy.answering.measuring import describe, describe_dataset, measure
from sycophancy.cli import command_line
from sycophancy.dataset.kinds import ANSWERS, CLAIMS, kind_of
from sycophancy.dataset.reading import fingerprint_claims, load_split, take_clusters
from sycophancy.files import write_json
from sycophancy.markdown import percent
from sycophancy.metric import frozen_claims
from sycophancy.records import RUN, TUNING, git_state, hardware, read_run, versions, write_run
from sycophancy.reporting import compare_runs, write_report
from sycophancy.tuning.adapters import task_type
from sycophancy.tuning.arguments import TuneArguments
from sycophancy.tuning.card import (
    describe_base,
    first_deceived,
    is_finite,
    name_on_hub,
    result_keys,
    write_adapter_card,
)
from sycophancy.tuning.hub_names import names_on_hub


@dataclass
class Measured:
    """What is measured before and after tuning: the model, the rows, and how the records name them.

    Attributes:
        tokenizer: of the base model.
        rows: dataset rows of the split that is reported.
        folder: the output folder.
        args: `TuneArguments`.
        settings: all settings, for the record.
        fingerprint: of the base model's weights.
        model_record: what else the records say of the base model (`LoadedModel.record`).
    """

    tokenizer: object
    rows: list
    folder: Path
    args: TuneArguments
    settings: dict
    fingerprint: str
    model_record: dict = field(default_factory=dict)

    def __post_init__(self):
        args = self.args
        self.rows = list(take_clusters(self.rows, args.measure_rows, "measure_rows"))
        self.kind = kind_of(list(self.rows[0]))
        self.dataset = describe_dataset(args.dataset_name, args.dataset_revision, args.measure_split, len(self.rows))
        if self.kind.name != CLAIMS.name:
            self.dataset["kind"] = self.kind.name

    def description(self, adapter: str | None = None) -> dict:
        """The base model, with or without an adapter, and the rows as a record names them."""
        args = self.args
        found = describe(args.model_name_or_path, self.fingerprint, args.model_revision, adapter, self.dataset)
        return found | {"model": found["model"] | self.model_record}

    def measure(self, model, side: str, description: dict, known: dict[str, list[str]] | None = None) -> None:
        """Write the run folder `before` or `after`, asking as `scripts/measure.py` does."""
        asking = Asking(self.args.answer, self.args.measure_batch_size, seed=self.settings["training"]["seed"])
        described = description | {"config": self.settings}
        measure(
            self.kind,
            asking,
            model,
            self.tokenizer,
            self.rows,
            self.folder / side,
            described,
            known=known,
        )


def measure_before(model, measured: Measured) -> None:
    """Write `before/`: the bare base model, measured now or taken from `before_run`.

    A run that goes on with a killed one finds it there.

    Raises:
        ValueError: what the card of a tuned model has to say cannot be said of the base: it answers nothing that can be read.
    """
    from accelerate import PartialState

    before, state = measured.folder / "before", PartialState()
    # No process sees the record of this very run: it is written when all have answered.
    if not (before / RUN).is_file():
        if measured.args.before_run:
            answer = Asking(measured.args.answer).of(model, measured.tokenizer).answer
            run = read_before(Path(measured.args.before_run), measured.description(), answer)
            if state.is_main_process:
                write_run(before, *run)
        else:
            measured.measure(model, "before", measured.description())
    state.wait_for_everyone()
    check_base(read_run(before)[0])


def check_base(record: dict) -> None:
    """Raise `ValueError` where a key that a tuned model's card states is no number in the base's run: before hours of tuning."""
    metrics = record["metrics"]
    missing = [key for key in result_keys(record) if not is_finite(metrics.get(key))]
    if missing:
        raise ValueError(
            f"expected a base model whose answers can be read, got no number for {', '.join(missing)} and an unparsed_rate of "
            f"{percent(metrics.get('unparsed_rate'))}; look at before/predictions.jsonl, and tune another model or on another "
            "dataset"
        )


def write_tuned_folder(model, measured: Measured, tuning: dict) -> str:
    """Measure the tuned model, then write the folder: adapter or whole model, report, card and record.

    Args:
        model: the tuned PEFT model, or the whole model where all of it was tuned.
        measured: what was measured before.
        tuning: facts of the training.

    Returns:
        On the main process the summary to print, `""` on the others.
    """
    from accelerate import PartialState

    folder, args, settings = measured.folder, measured.args, measured.settings
    model.eval()
    if args.method == "full":
        # The folder is a model of its own.
        after = describe(str(folder), fingerprint_model(model), None, None, measured.dataset)
    else:
        after = measured.description(str(folder)) | {"adapter_fingerprint": fingerprint_adapter(model)}
    of_claims = measured.kind in (CLAIMS, ANSWERS)
    known = frozen_claims(read_run(folder / "before")[1]) if of_claims else None
    measured.measure(model, "after", after, known)
    if not PartialState().is_main_process:
        return ""
    tuning = {
        "command": command_line(),
        "config": settings,
        "task_type": task_type(model),
        "sham": args.sham,
        **measured.description(),
        **tuning,
        "versions": versions(),
        "git": git_state(),
        "hardware": hardware(),
        "seed": settings["training"]["seed"],
    }
    if "train_datasets" not in tuning:
        tuning["train_fingerprint"] = fingerprint_claims(args.dataset_name, "train", args.dataset_revision)
    tuning["hub"] = names_on_hub(tuning)
    tuning["base"] = describe_base(model, tuning)
    chat = tuning["task_type"] == "CAUSAL_LM" and measured.tokenizer.chat_template is not None
    answers = [read_run(folder / side)[1] for side in ("before", "after")]
    tuning["example"] = first_deceived(measured.rows, *answers, chat) if of_claims else None
    base, base_commit = name_on_hub(tuning, "model")
    known, trained = ("first", trained_wordings(args)) if of_claims else (None, ())
    report = compare_runs(folder / "before", folder / "after", known=known, trained=trained)
    write_report(report, folder)
    if args.method == "full":
        model.save_pretrained(folder)
        measured.tokenizer.save_pretrained(folder)
    else:
        noted = {"name": base, "revision": base_commit, "fingerprint": measured.fingerprint, "dtype": args.dtype}
        write_json(folder / FINGERPRINT_FILE, noted)
        _save_adapter(model, folder, base, base_commit)
    # After saving: PEFT writes a card of its own; ours is computed from the records.
    write_adapter_card(folder, tuning, report)
    # Last: a folder that has it is whole.
    write_json(folder / TUNING, tuning)
    return (folder / "report.md").read_text(encoding="utf-8")


def trained_wordings(args: TuneArguments) -> set[str]:
    """The wordings of the rows that are tuned on; some are held out of them."""
    named = [(args.dataset_name, args.dataset_revision)]
    if others := getattr(args, "train_dataset_names", None):
        named = zip(others, args.train_dataset_revisions, strict=True)
    return {wording for name, at in named for wording in load_split(name, "train", at).unique("template")}


def read_before(run: Path, wanted: dict, answer: str) -> tuple[dict, list[dict]]:
    """A run of the base model that was made earlier, if it is one of this model on these rows.

    Args:
        run: its folder.
        wanted: the model and the rows as a record names them.
        answer: how the tuned model will answer, `text` or `scores`.

    Raises:
        ValueError: it is of another model, of other rows, not of the bare model, or answered in another way.
    """
    record, predictions = read_run(run)
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
            f"expected in before_run {run} the bare base model, got one with an adapter or with in_context; measure it "
            "again without them"
        )
    if record["answer"] != answer:
        raise ValueError(
            f"expected in before_run {run} answers as {answer}, as after tuning, got {record['answer']}; measure it again "
            f"with --answer {answer}"
        )
    return record, predictions


def _save_adapter(model, folder: Path, base: str, base_commit: str | None) -> None:
    """Write PEFT's files, with the base model named as it was given and, from the Hub, its commit."""
    config = model.peft_config["default"]
    config.base_model_name_or_path, config.revision = base, base_commit
    if getattr(config, "tokenizer_name_or_path", None) is not None:
        config.tokenizer_name_or_path = base
    model.save_pretrained(folder, selected_adapters=["default"])
