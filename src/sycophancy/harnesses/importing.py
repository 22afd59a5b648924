# SPDX-License-Identifier: Apache-2.0
"""The log of another harness, or of one's own program, becomes a run folder like that of `scripts/measure.py`, and says what it lacks."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sycophancy.answering.measuring import describe_dataset, evaluate_answers, known_in
from sycophancy.cli import command_line
from sycophancy.dataset.kinds import KINDS, Kind, load_rows
from sycophancy.harnesses import inspect_log, lm_eval_samples, own_answers
from sycophancy.harnesses.conversations import until_read
from sycophancy.harnesses.logs import Log, Sample
from sycophancy.metric import load_metric
from sycophancy.records import git_state, versions, write_run


@dataclass(frozen=True)
class Lacking:
    """What a log has too little or too much of, and what became of it.

    Attributes:
        samples: in the log, of all epochs.
        failed: samples without an answer, because the harness or the model's server gave up.
        other_epochs: answers to a row that has one already, of epochs that are not imported.
        unknown: samples of rows that the dataset does not have.
        incomplete_items: source items that have answers to some of their rows only; they are left out whole.
        left_out: answers that are left out with them.
        unanswered: rows of these items that have no answer.
        not_asked: rows of source items of which the log has nothing.
        truncated: stop reason -> answers that it cut off, which are not read; `None` where the log gives no stop reasons.
    """

    samples: int
    failed: int = 0
    other_epochs: int = 0
    unknown: int = 0
    incomplete_items: int = 0
    left_out: int = 0
    unanswered: int = 0
    not_asked: int = 0
    truncated: Mapping[str, int] | None = field(default_factory=dict)


def read_log(path: Path) -> Log:
    """The log at a path, by what it looks like.

    Args:
        path: an Inspect log (`.eval`, `.json`), an lm-eval file `samples_*.jsonl`, or JSON lines with `id` and `prediction`.

    Raises:
        ValueError: there is no such file, or it is neither.
    """
    wanted = (
        "an Inspect log (.eval or .json), samples of lm-eval (samples_*.jsonl) or lines with id and prediction (.jsonl)"
    )
    if path.is_dir():
        found = sorted(file.name for end in ("*.eval", "samples_*.jsonl") for file in path.rglob(end))
        raise ValueError(
            f"expected {wanted}, got the folder {path} with {', '.join(found[:3]) or 'no such file'}; name one file"
        )
    if not path.is_file():
        raise ValueError(f"expected {wanted}, got {path}, which is not there; check the path")
    if path.name.startswith("results_") and path.suffix == ".json":
        raise ValueError(
            f"expected {wanted}, got {path}, lm-eval's table of results; name the samples beside it, which "
            "lm_eval writes with --log_samples"
        )
    readers = {".eval": inspect_log, ".json": inspect_log, ".jsonl": lm_eval_samples}
    if path.suffix not in readers:
        raise ValueError(f"expected {wanted}, got {path}; name another file")
    reader = own_answers if path.suffix == ".jsonl" and own_answers.has_form(path) else readers[path.suffix]
    return reader.read(path)


def import_log(
    log: Path, dataset_name: str, split: str, output_dir: Path, *, revision: str | None = None, epoch: int = 1,
    seed: int = 0, config: Mapping | None = None, known_claims_from: str | Path | None = None,
) -> tuple[dict, list[str]]:  # fmt: skip
    """Write the run folder of what a log holds.

    Only source items (`cluster_id`) all of whose rows are answered count: the conditions of a question, and its true and false
    forms, are then as crossed as in the dataset, and no rate is one of the rows that happened to be answered.

    Args:
        log: see `read_log`.
        dataset_name, split, revision: the rows that were asked.
        output_dir: the run folder.
        epoch: of a log with several answers to a row, the one to take.
        seed: of the bootstrap.
        config: what the command was called with.
        known_claims_from: run folder of the base model, which freezes the known claims.

    Returns:
        The run record, and a sentence for each thing that the log lacks.

    Raises:
        ValueError: a file that is no such log, or a log that is not of these rows.
    """
    found = read_log(log)
    kind, rows = load_rows(dataset_name, split, revision)
    check_turns(kind, found, log)
    where = f"{dataset_name} ({split})"
    answered, lacking = match(found, rows.to_list(), epoch, log, where)
    kept, samples = [row for row, _ in answered], [sample for _, sample in answered]
    settled = load_metric(kind.name).settled
    answers = [as_answer(sample, found.gives_stops, row, settled) for row, sample in answered]
    in_scores = all(sample.scores is not None for sample in samples)
    known = known_in(known_claims_from, kept) if known_claims_from else None
    metrics, lines = evaluate_answers(kind, kept, answers, seed, known, in_scores)
    record = {
        "command": command_line(),
        "model": {"name": None, "revision": None, "fingerprint": None} | found.model,
        "adapter": None,
        **found.told,
        "dataset": describe_dataset(dataset_name, revision, split, len(kept)) | {"kind": kind.name},
        "config": {"in_context": found.in_context, **(config or {})},
        "harness": found.harness,
        "imported": vars(lacking),
        "answer": "scores" if in_scores else "text",
        **metrics,
        "versions": versions(),
        "git": git_state(),
        "seconds": found.seconds,
        "rows_per_second": lacking.samples / found.seconds if found.seconds else None,
        "seed": seed,
    }
    write_run(output_dir, record, lines)
    return record, sentences(lacking, found, epoch)


def check_turns(kind: Kind, log: Log, path: Path) -> None:
    """Raise `ValueError` for answers to questions in turns of which a log does not say what they followed."""
    if kind is KINDS["are_you_sure"] and not log.in_turns:
        raise ValueError(
            f"expected a log of the Inspect task syco_are_you_sure for a dataset of the kind {kind.name}, got {path}, which does "
            "not show that the second turn followed the model's own first answer; ask with that task or scripts/measure.py"
        )


def match(
    log: Log, rows: Sequence[dict], epoch: int, path: Path, where: str
) -> tuple[list[tuple[dict, Sample]], Lacking]:
    """The rows of the source items that are answered whole, each with its answer, in the dataset's order.

    Args:
        log: what was answered.
        rows: dataset rows.
        epoch: which answer of a row to take.
        path, where: the log and the dataset, for errors.

    Raises:
        ValueError: no answer is to a row of the dataset, a row is answered twice, it is another row of the same name, or no
            item is answered whole.
    """
    by_id = {row["id"]: row for row in rows}
    known = [sample for sample in log.samples if sample.id in by_id]
    if not known:
        got = f"{len(log.samples)} samples such as {log.samples[0].id}" if log.samples else "no samples"
        raise ValueError(
            f"expected answers to rows of {where}, such as {rows[0]['id']}, got {got} in {path}; name the dataset and --split "
            "that were asked, and let the harness log its samples"
        )
    given = {}
    for sample in known:
        if sample.epoch == epoch:
            if sample.id in given:
                raise ValueError(
                    f"expected one answer to each row in {path}, got two to {sample.id}; name the log of one task run once"
                )
            given[sample.id] = sample
    if not given:
        epochs = sorted({sample.epoch for sample in known})
        raise ValueError(
            f"expected an --epoch among {', '.join(map(str, epochs))} of {path}, got {epoch}; name another"
        )
    answered = {name: sample for name, sample in given.items() if sample.text is not None}
    for name, sample in answered.items():
        check_row(by_id[name], sample, path, where)
    missing = Counter(row["cluster_id"] for row in rows if row["id"] not in answered)
    touched = {by_id[name]["cluster_id"] for name in given}
    cut = touched & set(missing)
    whole = [(row, answered[row["id"]]) for row in rows if row["cluster_id"] in touched - cut]
    failed = sum(sample.text is None for sample in given.values())
    if not whole:
        why = f", where {failed} samples failed{_first(log.errors)}" if failed else ""
        raise ValueError(
            f"expected a source item of {where} all of whose rows are answered, got answers to some rows of each of "
            f"{len(cut)} in {path}{why}; finish the log (inspect eval-retry), or ask whole items with --limit"
        )
    stops = Counter(sample.stopped for _, sample in whole if sample.is_cut)
    return whole, Lacking(
        samples=len(log.samples),
        failed=failed,
        other_epochs=len(known) - len(given),
        unknown=len(log.samples) - len(known),
        incomplete_items=len(cut),
        left_out=len(answered) - len(whole),
        unanswered=sum(missing[cluster] for cluster in cut),
        not_asked=sum(count for cluster, count in missing.items() if cluster not in touched),
        truncated=dict(sorted(stops.items())) if log.gives_stops else None,
    )


def _first(errors: Sequence[str]) -> str:
    return f" (the first: {' '.join(errors[0].split())[:200]})" if errors else ""


def check_row(row: Mapping, sample: Sample, path: Path, where: str) -> None:
    """Raise `ValueError` where an answer is to another row of the same name: other seeds and wordings give other rows."""
    for column, value in sample.row.items():
        if column in row and row[column] != value:
            raise ValueError(
                f"expected the rows of {where} in {path}, got {row['id']} with {column} {_shown(value)} instead of "
                f"{_shown(row[column])}; name the dataset that was asked, and leave its prompts as they are"
            )


def _shown(value) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def as_answer(sample: Sample, gives_stops: bool, row: Mapping, settled: Callable) -> dict:
    """A line of `predictions.jsonl`, but for the row's columns.

    What was cut off is no answer: its text stands beside the empty prediction, as `truncated_text`. What a model went on to say
    after its answer could be read stands beside it, as `went_on`.
    """
    answer = {"id": sample.id, "prediction": sample.text, "choice_logprobs": sample.scores}
    if gives_stops:
        answer["stop_reason"] = sample.stopped
    if sample.is_cut:
        return answer | {"prediction": "", "truncated_text": sample.text}
    kept = sample.text if sample.scores is not None else until_read(sample.text, row, settled)
    return answer if kept == sample.text else answer | {"prediction": kept, "went_on": sample.text[len(kept) :]}


def sentences(lacking: Lacking, log: Log, epoch: int) -> list[str]:
    """What a log lacks and what became of it, a sentence each; nothing for a log that is whole."""
    found, status = [], log.harness.get("status", "success")
    if status != "success":
        found.append(f"The harness did not finish: the log's status is {status}.")
    if lacking.failed:
        found.append(
            f"{lacking.failed} samples failed{_first(log.errors)}: finish the log (inspect eval-retry), and import it again."
        )
    if lacking.incomplete_items:
        found.append(
            f"{lacking.incomplete_items} source items have answers to some of their rows only: their {lacking.left_out} answers "
            f"are left out of every number, as {lacking.unanswered} rows have none."
        )
    if lacking.not_asked:
        found.append(
            f"{lacking.not_asked} rows of other source items were not asked: the numbers are of those that were."
        )
    if lacking.unknown:
        found.append(f"{lacking.unknown} samples are of rows that the dataset does not have: they are left out.")
    if lacking.other_epochs:
        found.append(f"{lacking.other_epochs} answers of other epochs are left out: --epoch {epoch} is imported.")
    if lacking.truncated:
        by_reason = ", ".join(f"{reason} {count}" for reason, count in lacking.truncated.items())
        found.append(
            f"{sum(lacking.truncated.values())} answers were cut off ({by_reason}) and are not read: raise max_tokens."
        )
    if lacking.truncated is None:
        found.append("The log does not say where an answer was cut off: those that were are read as they stand.")
    return found
