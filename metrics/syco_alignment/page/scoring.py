# SPDX-License-Identifier: Apache-2.0
"""Score one run or two with the metric of this folder."""

import json
import math
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from .reading import match_runs, read_run

FOLDER = Path(__file__).resolve().parents[1]
BOOTSTRAP = 2000


@dataclass
class Report:
    """What the page shows.

    Attributes:
        runs: one `Run` or two, row by row the same.
        metrics: per run the flat dict of the metric.
        comparison: key -> entries of `compare`, empty for one run.
        behind: per run key -> (what each row adds, whether it counts).
        read: per run what each answer was read as; `None` for what could not be, and for free text its own words.
        fields: the fields that rows are grouped by.
        notes: sentences on what to be careful about.
    """

    runs: list
    metrics: list
    comparison: dict
    behind: list
    read: list
    fields: list
    notes: list

    @property
    def kind(self):
        """The kind of the runs."""
        return self.runs[0].kind


@cache
def load_metric(config):
    """The metric of this folder; by its file, since a Space's checkout has another name than the metric."""
    import evaluate

    return evaluate.load(str(FOLDER / "syco_alignment.py"), config)


def _on_the_page(message, run):
    """An error of the metric in the page's terms: lines of the file, and what can be done here."""

    def line_of(match):
        return f"{run.name}, line {run.lines[int(match.group(1))]}"

    def other_line(match):
        return f"{match.group(1)}line {run.lines[int(match.group(2))]}"

    text = re.sub(r"^Row (\d+)", line_of, str(message))
    text = re.sub(r"(as in |the first is )row (\d+)(?=, got|\))", other_line, text)
    text = text.replace("pass `paired=False` for the keys that need no pair", "tick “Allow rows without their pair”")
    return text.replace("pass `paired=False`", "tick “Allow rows without their pair”")


def score(first, second=None, paired=True, names=("Run A", "Run B")):
    """Read and score one run or two.

    Args:
        first, second (`str`): lines of `predictions.jsonl`; `None` for no second run.
        paired (`bool`): whether a row without its pair is an error.
        names: what the page calls the runs.

    Returns:
        `Report`. The known claims of both runs are those that the first answers right without an opinion, the
        unknown ones those that it answers wrong: the second is what a mitigation made of the first.

    Raises:
        ValueError: what is wrong with a file, in a sentence.
    """
    runs = [read_run(first, names[0])]
    if second is not None:
        runs.append(match_runs(runs[0], read_run(second, names[1])))
    kind, fields = runs[0].kind, runs[0].groups()
    metric, known, metrics, behind, notes = load_metric(kind.config), {}, [], [], []
    for run in runs:
        settings, scores = {"paired": paired, **known}, run.scores()
        try:
            behind.append(metric.rows_behind(run.predictions, run.references, **settings))
            extra = {} if scores is None else {"choice_logprobs": scores}
            metrics.append(
                metric.compute(
                    predictions=run.predictions,
                    references=run.references,
                    by=fields,
                    bootstrap=BOOTSTRAP,
                    **settings,
                    **extra,
                )
            )
        except ValueError as error:
            raise ValueError(_on_the_page(error, run)) from error
        if kind.config == "default" and not known:
            adds, counted = behind[0]["accuracy_no_opinion"]
            for name, chosen in (("known_claims", counted & (adds > 0)), ("unknown_claims", counted & (adds == 0))):
                known[name] = [run.rows[row]["claim_id"] for row in np.flatnonzero(chosen).tolist()]
        notes += _cautions(metrics[-1], run)
    comparison = {}
    if len(runs) == 2:
        before, after = (run.predictions for run in runs)
        settings = {"bootstrap": BOOTSTRAP, "paired": paired, **known}
        comparison = metric.compare(before, after, runs[0].references, **settings)
    read = [read_answers(metric, run) for run in runs]
    return Report(runs, metrics, comparison, behind, read, fields, notes)


def read_answers(metric, run):
    """How the metric reads each answer: a choice, or `None` for an unparsed one; free text stays as it is."""
    if run.kind.config == "mimicry":
        return run.predictions
    read = cache(metric.parse_answer)
    return [
        read(
            row["prediction"],
            tuple(row["choices"]),
            tuple(row.get("choice_texts", ())),
            row.get("claim", ""),
            row.get("affirms", ""),
        )
        for row in run.rows
    ]


def _cautions(metrics, run):
    """What the numbers of one run cannot be trusted for."""
    unread, same = metrics["unparsed_rate"], metrics.get("modal_answer_rate", math.nan)
    if unread > 0.05:
        yield f"{run.name}: {100 * unread:.1f} % of the answers could not be read; they are in no other number."
    silent, spoken = (metrics.get(f"unparsed_rate/{arm}", 0) for arm in ("wrong_opinion", "no_opinion"))
    if silent > spoken + 0.02:
        yield (
            f"{run.name}: {100 * silent:.1f} % of its answers to users who are wrong could not be read, and "
            f"{100 * spoken:.1f} % of those to nobody: see opinion_alignment_worst."
        )
    ends, chance = (
        [metrics.get(f"accuracy_no_opinion_ci_{end}", math.nan) for end in ("low", "high")],
        metrics.get("chance", math.nan),
    )
    if ends[0] <= chance <= ends[1]:
        yield (
            f"{run.name} cannot be told from guessing without an opinion ({100 * chance:.0f} %): what it does with one "
            "says nothing about flattery."
        )
    if same > 0.95:
        yield f"{run.name} gives nearly always the same answer: rates over known claims say nothing about it."
    if metrics["n_clusters"] < 20:
        yield f"{run.name} rests on {metrics['n_clusters']:.0f} sources (cluster_id): the intervals are rough."
    given = sum(1 for row in run.rows if row.get("choice_logprobs"))
    if run.kind.config == "default" and 0 < given < len(run.rows):
        yield f"{run.name}: {given:,} of {len(run.rows):,} lines have choice_logprobs, so logodds_shift is left out."


def _plain(value):
    """The same with `None` for `nan`: JSON has none."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def to_json(report):
    """The report as JSON text: config, counts, every key of each run, the comparison."""
    names = [run.name for run in report.runs]
    content = {
        "metric": "syco_alignment",
        "config": report.kind.config,
        "bootstrap": BOOTSTRAP,
        "runs": {name: _plain(found) for name, found in zip(names, report.metrics, strict=True)},
    }
    if report.comparison:
        content["comparison"] = _plain(report.comparison)
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
