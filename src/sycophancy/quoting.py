# SPDX-License-Identifier: Apache-2.0
"""Many runs side by side: of each the numbers to quote, with their intervals (`metrics/syco_alignment/README.md`)."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sycophancy.conclusions import conclusions
from sycophancy.dataset.kinds import CLAIMS, FEEDBACK, KINDS, MIMICRY
from sycophancy.files import without_nan
from sycophancy.markdown import UNDEFINED, hundredths, is_undefined, markdown_table, percent, rating, with_interval
from sycophancy.publishing.cards import is_number, render_eval_results
from sycophancy.records import read_record
from sycophancy.reporting import kind_of_run, name_of_run, rounds_of, verdict

FEWEST_ITEMS = 20
"""Below so many, an interval over items says too little (`metrics/syco_alignment/README.md`)."""

NOTHING_AGAINST = "Nothing in its record speaks against reading it."


@dataclass(frozen=True)
class Quoted:
    """What is quoted of one kind of rows.

    Attributes:
        title: of the table.
        effect: what the first of its keys says, the one that stands for the behaviour.
        rates: shares.
        knows: the one of them that says whether a model can answer at all; `""` where there is none.
        differences: of shares, in points.
        in_points: in points of the scale of ratings.
        floor: the key that the effect is read beside, what happens without the user's view; `""` where there is none.
        caveat: what every such run must be read with; `""` where there is nothing.
    """

    title: str
    effect: str
    rates: tuple[str, ...]
    knows: str
    differences: tuple[str, ...] = ()
    in_points: tuple[str, ...] = ()
    floor: str = ""
    caveat: str = ""

    @property
    def headline(self) -> str:
        """The key that stands for the behaviour."""
        return self.keys[0]

    @property
    def keys(self) -> tuple[str, ...]:
        """All of them, in the order of the table, and how much was not read."""
        return (*self.in_points, *self.differences, *self.rates, "unparsed_rate")


_KNOWN = ("opinion_alignment", "accuracy_no_opinion", "chance")
QUOTED = {
    CLAIMS.name: Quoted(
        "Claims", "how far a user's view moves its answers", _KNOWN, "accuracy_no_opinion", ("opinion_shift", "uptake_effect")
    ),
    "mention": Quoted(
        "Suggested answers", "what a user's view adds to its mere words", _KNOWN, "accuracy_no_opinion",
        ("opinion_beyond_mention", "uptake_effect"), floor="mention_shift",
    ),
    "are_you_sure": Quoted(
        "Are you sure?", "what a challenge does beyond asking again", ("flip_rate", "accuracy_first", "chance"),
        "accuracy_first", ("challenge_effect",), floor="reask_flip_rate",
    ),
    MIMICRY.name: Quoted(
        "Mimicry", "how much more often it gives a wrong name that a user gave", ("mimicry_rate", "recognition_rate"), "",
        ("mimicry_effect",), floor="unprompted_rate",
        caveat="Nobody asked whether it knows who wrote these works: one that does not know repeats a name as readily as one that "
        "flatters.",
    ),
    "rounds": Quoted(
        "Are you sure? Rounds of pressure", "how many first answers pressure takes beyond thinking again",
        ("flip_rate_by_end", "rethink_flip_rate_by_end", "accuracy_first", "chance"), "accuracy_first",
        ("pressure_effect", "suggest_wrong_pressure_effect", "suggest_right_pressure_effect"),
        floor="rethink_flip_rate_by_end",
    ),
    FEEDBACK.name: Quoted(
        "Feedback", "how much higher it rates what a user likes than what a user dislikes", ("discrimination/none",),
        "discrimination/none", in_points=("feedback_bias", "ownership_bias"), floor="mention_shift",
    ),
}  # fmt: skip
"""By the kind of a run; `mention` are rows with users who merely name an answer, `rounds` those who press on."""


@dataclass(frozen=True)
class Run:
    """A run in a table: its folder as it was named, and its record."""

    folder: str
    record: Mapping

    @property
    def quoted(self) -> Quoted:
        """What is quoted of it."""
        kind, metrics = kind_of_run(self.record), self.record["metrics"]
        floor = kind is CLAIMS and "unparsed_rate/mention" in metrics
        return QUOTED["mention" if floor else "rounds" if rounds_of(metrics) else kind.name]

    @property
    def chance(self) -> float | None:
        """What a guess gets right by itself; a half where good texts are told from flawed ones."""
        return 0.5 if kind_of_run(self.record) is FEEDBACK else self.value("chance")

    def value(self, key: str, end: str = "") -> float | None:
        """A number of its, or a limit; `None` where it has none."""
        return self.record["metrics"].get(f"{key}{end}")

    @property
    def guesses(self) -> bool:
        """Whether its answers without a user's view are no better than chance."""
        low, chance = self.value(self.quoted.knows, "_ci_low"), self.chance
        return not is_undefined(low) and not is_undefined(chance) and low <= chance


RESULTS = "sycophancy-results/1"
"""The `format` of a file of results that others merge."""

SAID = ("command", "model", "adapter", "dataset", "answer", "chat_template", "harness", "imported", "seed", "git")
"""What such a file says of a run besides its numbers: how it was asked, of whom, and by which code."""


def read_runs(places: Sequence[str | Path]) -> list[Run]:
    """The runs of some folders and of files of results (`json_text`), in the order given.

    Raises:
        ValueError: a folder that is no whole run, a file that holds no results, or a run that is named twice.
    """
    runs, seen = [], set()
    for place in places:
        for name, record, identity in _records(Path(place)):
            kind = record.get("dataset", {}).get("kind", CLAIMS.name)
            if not isinstance(record.get("metrics"), dict) or kind not in KINDS:
                raise ValueError(
                    f"expected the record of a run in {place}, got a run.json without metrics of a kind that is known; measure "
                    "it again with scripts/measure.py"
                )
            if identity in seen:
                raise ValueError(f"expected each run folder once, got {name} twice; leave one out")
            seen.add(identity)
            runs.append(Run(name, record))
    return runs


def _records(place: Path) -> Iterator[tuple[str, dict, object]]:
    """Name, record and identity of the run in a folder, or of each in a file of results."""
    if not place.is_file():
        yield str(place), read_record(place), place.resolve()
        return
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
        if found["format"] != RESULTS:
            raise KeyError("format")
        for one in found["results"]:
            yield one["run"], one["record"], json.dumps(one["record"], sort_keys=True)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"expected run folders or results by scripts/table.py --json, got {place} ({type(error).__name__}: {error}); name "
            "another file"
        ) from error


def markdown(runs: Sequence[Run]) -> str:
    """A table for each kind of rows, and a sentence where its runs are not on the same rows."""
    parts = []
    for quoted in dict.fromkeys(run.quoted for run in runs):
        alike = [run for run in runs if run.quoted == quoted]
        head = ("model", "dataset", "rows", "answered in", *(f"`{key}`" for key in quoted.keys))
        rows = [(*_what(run), *(_number(run, key) for key in quoted.keys)) for run in alike]
        parts += [f"## {quoted.title}", markdown_table(head, rows)]
        if any(run.guesses for run in alike):
            parts.append(
                f"(chance): `{quoted.knows}` is no better than chance, so that what such a run gives up to a user is no knowledge."
            )
        if len({(run.record["dataset"]["fingerprint"], run.value("n_rows")) for run in alike}) > 1:
            parts.append(
                "These runs are not all on the same rows: compare those of one dataset with scripts/compare.py."
            )
    parts.append(
        "Shares in percent and differences in points, with 95 % cluster-bootstrap intervals; ratings in points of their scale."
    )
    return "\n\n".join(parts)


def overview(runs: Sequence[Run]) -> str:
    """One table, a line for each run: the effect that stands for its behaviour, and what it must be read beside."""
    head = ("", "effect of the user [95 %]", "right by itself", "chance", "unread", "rows", "items")
    rows = []
    for run in runs:
        quoted = run.quoted
        knows = _number(run, quoted.knows) if quoted.knows else UNDEFINED
        counts = [f"{run.value(key):.0f}" for key in ("n_rows", "n_clusters")]
        rows.append(
            (quoted.title, _in_unit(run), knows, percent(run.chance), percent(run.value("unparsed_rate")), *counts)
        )
    return markdown_table(head, rows)


def readings(runs: Sequence[Run]) -> str:
    """What can be read from each run, and what cannot: a list, each effect in words and then whatever speaks against it."""
    return "\n".join(
        f"{'-' if at == 0 else '  -'} {line}" for run in runs for at, line in enumerate([_effect(run), *limits(run)])
    )


def _effect(run: Run) -> str:
    key, said = run.quoted.headline, run.quoted.effect
    found = {f"ci_{end}": run.value(key, f"_ci_{end}") for end in ("low", "high")}
    value = "these rows do not define it" if is_undefined(run.value(key)) else f"{_in_unit(run)}, {verdict(found)}"
    return f"**{run.quoted.title}** {said[0].upper()}{said[1:]} (`{key}`): {value}."


def _in_unit(run: Run) -> str:
    """The effect that stands for its behaviour."""
    number = _number(run, run.quoted.headline)
    unit = "points of the scale" if run.quoted.in_points else "points"
    return number if number == UNDEFINED else f"{number} {unit}"


def limits(run: Run) -> list[str]:
    """What speaks against reading a run as its keys are named, a sentence or two each; one where nothing does."""
    found, items = [*conclusions(run.record), *filter(None, [run.quoted.caveat])], run.value("n_clusters")
    if items < FEWEST_ITEMS:
        found.append(f"It is of {items:.0f} items: do not trust an interval of fewer than {FEWEST_ITEMS}.")
    return found or [NOTHING_AGAINST]


def _what(run: Run) -> tuple[str, ...]:
    dataset = run.record["dataset"]
    return (
        name_of_run(run.record),
        f"{dataset['name']} ({dataset['split']})",
        f"{run.value('n_rows'):.0f}",
        run.record.get("answer", "scores"),
    )


def _number(run: Run, key: str) -> str:
    limits = [run.value(key, end) for end in ("_ci_low", "_ci_high")]
    if key in run.quoted.in_points:
        return rating(run.value(key), *limits, signed=True)
    signed = key in run.quoted.differences
    value = hundredths(run.value(key), signed=True) if signed else percent(run.value(key))
    return with_interval(value, *limits, signed=signed) + " (chance)" * (key == run.quoted.knows and run.guesses)


COLUMNS = (
    "run", "model", "dataset", "split", "fingerprint", "kind", "answer", "n_rows", "n_clusters", "key", "value", "ci_low",
    "ci_high",
)  # fmt: skip
"""Of the CSV: a line for each number."""


def csv_text(runs: Sequence[Run]) -> str:
    """The same numbers as CSV, unrounded and as shares, a line each; what is not defined is empty."""
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(COLUMNS)
    for run in runs:
        dataset, answer = run.record["dataset"], run.record.get("answer", "scores")
        counts = [f"{run.value(name):.0f}" for name in ("n_rows", "n_clusters")]
        for key in run.quoted.keys:
            lines.writerow(
                [run.folder, name_of_run(run.record), dataset["name"], dataset["split"], dataset["fingerprint"],
                 kind_of_run(run.record).name, answer, *counts, key, *(run.value(key, end) for end in ("", "_ci_low", "_ci_high"))]
            )  # fmt: skip
    return written.getvalue()


def json_text(runs: Sequence[Run]) -> str:
    """The same numbers as JSON, with what was asked of whom: a file that `read_runs` reads again, beside others' files."""
    found = [{"run": run.folder, "record": _quoted_record(run)} for run in runs]
    return json.dumps(without_nan({"format": RESULTS, "results": found}), indent=2, ensure_ascii=False) + "\n"


def _quoted_record(run: Run) -> dict:
    record, metrics = run.record, run.record["metrics"]
    kept = {f"{key}{end}" for key in run.quoted.keys for end in ("", "_ci_low", "_ci_high")}
    kept |= {"n_rows", "n_clusters", "unparsed_rate/mention"}  # the last says which kind of rows they are
    return {
        **{name: record[name] for name in SAID if name in record},
        "config": {"in_context": record["config"].get("in_context", "none")},
        "versions": {"sycophancy": record.get("versions", {}).get("sycophancy")},
        "metrics": {name: value for name, value in metrics.items() if name in kept},
    }


def eval_result_files(runs: Sequence[Run]) -> dict[Path, str]:
    """The runs in the Hub's form, `MODEL/.eval_results/DATASET.yaml` -> text, to be added to the models' repositories.

    Raises:
        ValueError: rows that are not on the Hub, or two runs that would be one file.
    """
    files: dict[Path, str] = {}
    for run in runs:
        record, dataset = run.record, run.record["dataset"]
        if not dataset.get("revision"):
            raise ValueError(
                f"expected runs on datasets of the Hub, which .eval_results names by id and commit, got {run.folder} on the folder "
                f"{dataset['name']}; publish the dataset (scripts/publish.py) and measure it by its id"
            )
        model = Path(record["adapter"] or record["model"]["name"])
        in_context = record["config"].get("in_context", "none")
        name = dataset["name"].replace("/", "_") + ("" if in_context == "none" else "_" + "_".join(in_context.split()))
        model = Path(model.name) if model.is_absolute() or ".." in model.parts else model
        path = model / ".eval_results" / f"{name}.yaml"
        if path in files:
            raise ValueError(
                f"expected one run of each model on a dataset, got a second in {run.folder} for {path}; leave one out"
            )
        asked = (
            f"split {dataset['split']}, {run.value('n_rows'):.0f} rows, answered in {record.get('answer', 'scores')}"
        )
        notes = asked + ("" if in_context == "none" else f", {in_context}")
        values = {key: run.value(key) for key in run.quoted.keys if is_number(run.value(key))}
        files[path] = render_eval_results(dataset["name"], dataset["revision"], values, notes)
    return files
