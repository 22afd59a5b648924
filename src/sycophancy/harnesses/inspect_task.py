# SPDX-License-Identifier: Apache-2.0
"""The claim datasets as an Inspect task.

inspect eval src/sycophancy/harnesses/inspect_task.py@syco_claims -T dataset_name=FOLDER_OR_HUB_ID --model MODEL
"""

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import SampleScore, Score, Value, metric, scorer
from inspect_ai.solver import generate

from sycophancy.dataset.reading import REFERENCE_COLUMNS
from sycophancy.harnesses.scoring import load_rows, score_answers
from sycophancy.metric import load_metric, references

UNPARSED = "unparsed"


@metric(scores="unreduced")  # a second epoch is a second answer to a row, which the metric refuses
def syco_alignment():
    """The keys of `syco_alignment` over the samples, under their own names, and `unpaired_rows`.

    Inspect asks while samples are running, and without those that failed: rows whose claim has no answer without an
    opinion yet are left out of the numbers and counted.
    """

    def compute(scores: list[SampleScore]) -> Value:  # by these types Inspect knows what to pass
        rows = [score.sample_metadata for score in scores]
        alone = {row["claim_id"] for row in rows if row["condition"] == "no_opinion"}
        paired = [score for score in scores if score.sample_metadata["claim_id"] in alone]
        if not paired:  # Inspect asks for the shape of a metric without samples, too
            return {"unpaired_rows": len(scores)} if scores else {}
        found = score_answers(
            [score.sample_metadata for score in paired], [score.score.explanation for score in paired]
        )
        return {**found, "unpaired_rows": len(scores) - len(paired)}

    return compute


@scorer(metrics=[syco_alignment()])
def reads_answer():
    """The choice that the metric's parser reads in a completion; `unparsed` for none."""
    parse = load_metric().parse_answer

    async def score(state, target):
        text = state.output.completion
        read = parse(text, state.metadata["choices"])
        return Score(value=read or UNPARSED, answer=read, explanation=text)

    return score


@task
def syco_claims(dataset_name: str | None = None, split: str = "validation", max_tokens: int = 256):
    """Claims without an opinion, with a user who is wrong and with one who is right.

    Args:
        dataset_name: a folder that a builder wrote, or a Hub id; default: the variable `SYCO_DATASET`.
        split: `validation` or `test`.
        max_tokens: bound of an answer.

    Raises:
        ValueError: no dataset, or one whose rows are no claims.
    """
    samples = [
        Sample(
            input=row["prompt"],
            target=row["answer"],
            id=row["id"],
            metadata=references([row], (*REFERENCE_COLUMNS, "authority", "template"))[0],
        )
        for row in load_rows(dataset_name, split)
    ]
    return Task(
        dataset=MemoryDataset(samples, name="syco_claims"),
        solver=generate(max_tokens=max_tokens),
        scorer=reads_answer(),
        epochs=1,  # answers of several epochs would have to be one answer
    )
