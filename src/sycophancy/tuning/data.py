# SPDX-License-Identifier: Apache-2.0
"""What a model is tuned towards: the truth, the user, what it says alone, or, as a control, nothing at all.

id                                   target, by `targets`:   truth       user        truth, sham
sst2/train/17/false/wrong_opinion                            disagree    agree       what the model answers
sst2/train/18/true/no_opinion                                agree       agree       what the model answers

Of a text that a user likes, wrote or asks about there is no true rating, and the target, `alone`, is the model's own where
the user says nothing; in the sham it is the model's own where the user says the same.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from datasets import Dataset, Features, List, Value, concatenate_datasets

from sycophancy.claims.sources import text_keys
from sycophancy.dataset.arms import OPINIONS, is_answer, with_user
from sycophancy.dataset.exclusion import keys_of_dataset
from sycophancy.dataset.kinds import ANSWERS, CLAIMS, FEEDBACK, Kind, load_rows
from sycophancy.dataset.reading import fingerprint_claims, load_claims, take_clusters
from sycophancy.drawing import Draws, in_drawn_order
from sycophancy.records import relative
from sycophancy.tuning.arguments import COPIES
from sycophancy.tuning.supervised import select_by_item

TARGETS = ("truth", "user")
"""Targets of claims and of suggested answers."""

ALONE = "alone"
"""The targets of feedback."""

FEATURES = Features({"prompt": Value("string"), "choices": List(Value("string")), "target": Value("string")})
"""The columns of a tuning row."""


def check_targets(kind: Kind, targets: str) -> None:
    """Raise `ValueError` unless rows of this kind have such targets."""
    if kind not in (CLAIMS, ANSWERS, FEEDBACK):
        raise ValueError(
            f"expected a dataset of claims, suggested answers or feedback to tune on, got the kind {kind.name}; name another "
            "dataset_name"
        )
    if (kind is FEEDBACK) != (targets == ALONE):
        fit = ALONE if kind is FEEDBACK else " or ".join(TARGETS)
        raise ValueError(f"targets: expected {fit} with a dataset of dataset_builders/{kind.builder}, got {targets}")


def tuning_rows(
    rows: Iterable[dict], targets: str = "truth", sham: bool = False, seed: int = 0, users_right: float | None = None
) -> Dataset:
    """Prompt, choices and target of each row.

    Args:
        rows: train rows of a claim dataset.
        targets: `truth`, the honest answer; or `user`, the user's answer where the user has an opinion and the honest
            one elsewhere.
        sham: shuffle what users say (`shuffled`); the targets are then to be replaced by `own_answers`.
        seed: of all draws.
        users_right: how often users with an opinion are right (`redrawn`); as in the dataset where it is `None`.

    Raises:
        ValueError: unknown `targets`, or a sham of `user` targets, which would be no control of anything.
    """
    if targets not in TARGETS:
        raise ValueError(f"targets: expected {' or '.join(TARGETS)}, got {targets!r}")
    if sham and targets != "truth":
        raise ValueError(f"sham: expected with targets truth only, got targets {targets}; leave one of them out")
    rows = list(rows)
    if users_right is not None:
        rows = redrawn(rows, users_right, seed)
    if sham:
        rows = shuffled(rows, seed)
    made = [
        {
            "prompt": row["prompt"],
            "choices": row["choices"],
            "target": (row["user_answer"] if targets == "user" else "") or row["answer"],
        }
        for row in rows
    ]
    return Dataset.from_list(made, features=FEATURES)


def redrawn(rows: Sequence[dict], users_right: float, seed: int) -> list[dict]:
    """The same rows with users who are right as often as told, each drawn by its id.

    Of users who are as often wrong as right, as in the founding study, a model learns to listen to none. Where they are
    right more often than that, what they say is evidence, and the best that can be learned is to weigh it: to follow
    where the claim itself says little, and the claim where it says more than a user does.
    """
    made = []
    for row in rows:
        is_right = Draws(seed, row["id"], "users_right").below(10**6) < users_right * 10**6
        made.append(with_user(row, is_right) if row["condition"] in OPINIONS else row)
    return made


def shuffled(rows: Sequence[dict], seed: int) -> list[dict]:
    """The same rows with opinions that say nothing about the claim.

    Within the rows of one wording and one set of choices, what users say (that the claim is so, or that it is not) goes
    from each row with an opinion to another, drawn by a permutation: the persons stay, prompts are rendered anew, and
    `condition` and `user_answer` follow. How often each thing is said in each wording stays exactly the same.
    """
    groups = defaultdict(list)
    for index, row in enumerate(rows):
        if row["condition"] in OPINIONS:
            groups[row["template"], tuple(sorted(row["choices"]))].append(index)
    made = list(rows)
    for speaking in groups.values():
        for index, other in zip(speaking, _permuted(rows, speaking, seed), strict=True):
            made[index] = with_user(rows[index], _is_right_about(rows[index], rows[other]))
    return made


def rows_read(rows: Dataset, training_args, seed: int) -> Dataset:
    """As many of the rows, drawn by the seed, as the training reads: all, unless `max_steps` ends it within one pass.

    A sham's targets cost an answer for each row, and a row that no step reads need not be answered. The same are drawn for
    the training that it controls.

    Args:
        rows: to tune on.
        training_args: the trainer's.
        seed: of the draw.
    """
    steps = training_args.max_steps * training_args.gradient_accumulation_steps
    read = steps * training_args.train_batch_size * training_args.world_size
    return rows if read <= 0 or read >= len(rows) else rows.shuffle(seed=seed).select(range(read))


def own_answers(model, tokenizer, rows: Dataset, batch_size: int | None = None) -> Dataset:
    """Tuning rows whose targets are what the model answers to them now: the sham of supervised tuning.

    Every step of the training is taken, and what it says is what the model does already, so that the best that can be
    learned is the model itself. (Targets permuted over the rows are no such control: they teach to toss a coin, and with
    enough steps take accuracy and alignment to one half, whatever they were.)

    Args:
        model, tokenizer: the model before tuning, and its tokenizer.
        rows: of `tuning_rows`.
        batch_size: prompts of a batch at most (`Asking`).
    """
    from accelerate.utils import broadcast_object_list

    from sycophancy.answering.answers import Asking, answer_rows
    from sycophancy.answering.prompts import as_asked

    asked = [{"id": str(index), "choices": row["choices"]} for index, row in enumerate(rows)]
    prompts = as_asked(model.eval(), tokenizer, rows["prompt"])
    answers = answer_rows(model, tokenizer, asked, prompts, Asking("scores", batch_size))
    said = [None if answers is None else [answer["prediction"] for answer in answers]]
    broadcast_object_list(said)
    made = [{**row, "target": target} for row, target in zip(rows, said[0], strict=True)]
    return Dataset.from_list(made, features=FEATURES)


def own_ratings(
    model, tokenizer, rows: Sequence[dict], batch_size: int | None = None, sham: bool = False, seed: int = 0
) -> Dataset:
    """Tuning rows whose targets are ratings that the model gives now, where the user says nothing of the text.

    Consistency training (Chua et al. 2024): nobody need know what a text is worth, since what is taught is that the user's
    words change nothing. Each row becomes `COPIES` rows with targets at the quantiles of the model's own distribution, so
    that the best that can be learned is that distribution and not its commonest rating alone.

    Args:
        model, tokenizer: the model before tuning, and its tokenizer.
        rows: rows of a dataset of feedback, whole items.
        batch_size: prompts of a batch at most (`Asking`).
        sham: take the model's own rating where the user says the same, so that there is nothing to learn.
        seed: of where the quantiles begin, drawn for each item and, in the sham, for each row.

    Raises:
        ValueError: an item without a row in which the user says nothing.
    """
    from accelerate.utils import broadcast_object_list

    from sycophancy.answering.answers import Asking, answer_rows
    from sycophancy.answering.prompts import as_asked

    rows = list(rows)
    asked = rows if sham else [row for row in rows if row["condition"] == "none"]
    prompts = as_asked(model.eval(), tokenizer, [row["prompt"] for row in asked])
    answers = answer_rows(model, tokenizer, asked, prompts, Asking("scores", batch_size))
    scores = [None if answers is None else [answer["choice_logprobs"] for answer in answers]]
    broadcast_object_list(scores)
    by = "id" if sham else "item_id"
    found = {row[by]: of for row, of in zip(asked, scores[0], strict=True)}
    made = []
    for row in rows:
        if row[by] not in found:
            raise ValueError(
                f"expected a row in which the user says nothing for every item, got none for {row[by]}; build the dataset again "
                "with dataset_builders/feedback.py"
            )
        targets = quantiles(found[row[by]], Draws(seed, row[by], "rating").below(10**6) / 10**6)
        made += [{"prompt": row["prompt"], "choices": row["choices"], "target": target} for target in targets]
    return Dataset.from_list(made, features=FEATURES)


def quantiles(logprobs: dict[str, float], start: float) -> list[str]:
    """`COPIES` ratings at evenly spaced quantiles of a distribution, lowest first.

    Args:
        logprobs: rating -> log-probability; made to sum to 1.
        start: where in the first of the equal parts, from 0 on and below 1.
    """
    ratings = sorted(logprobs, key=int)
    weights = np.exp([logprobs[rating] - max(logprobs.values()) for rating in ratings])
    until = np.cumsum(weights / weights.sum())
    places = (np.arange(COPIES) + start) / COPIES
    return [ratings[min(at, len(ratings) - 1)] for at in np.searchsorted(until, places, side="right")]


def _permuted(rows: Sequence[dict], members: Sequence[int], seed: int) -> list[int]:
    """The members in an order drawn by the seed and their ids."""
    return in_drawn_order(members, lambda index: (seed, rows[index]["id"], "sham", "opinion"))


def _is_right_about(row: dict, other: dict) -> bool:
    """Whether the user of another row would be right about this one.

    Of claims it is what they say that moves: that the claim is so, or that it is not. Suggested answers differ from row to
    row, and of them it moves whether they are right.
    """
    is_right = other["condition"] == "right_opinion"
    if is_answer(row):
        return is_right
    return row["claim_is_true"] == (other["claim_is_true"] == is_right)


def swapped(pairs: Dataset, seed: int) -> Dataset:
    """Preference pairs of which each has its chosen and its rejected answer exchanged with probability 1/2.

    The best that DPO can learn from such pairs is the reference model itself.

    Args:
        pairs: rows with `id`, `chosen` and `rejected`.
        seed: of the draws, one per pair.
    """

    def maybe_swap(pair: dict) -> dict:
        if Draws(seed, pair["id"], "sham").below(2):
            return {"chosen": pair["rejected"], "rejected": pair["chosen"]}
        return {"chosen": pair["chosen"], "rejected": pair["rejected"]}

    return pairs.map(maybe_swap, keep_in_memory=True, load_from_cache_file=False)


class TrainingRows(NamedTuple):
    """What a run tunes on.

    Attributes:
        tune: rows to tune on.
        selection: rows to select a checkpoint on.
        datasets: what they were read from, for the record; `None` where that is the dataset that is measured.
    """

    tune: Dataset
    selection: Dataset
    datasets: list[dict] | None


def training_rows(args, seed: int) -> TrainingRows:
    """Read the train rows, cut off those to select on by source item, and draw at most `max_train_rows` of the others.

    With several datasets that is done for each, so that a bound makes a large one as heavy as a small one in what is tuned
    on; the rows stand one dataset after another.

    Args:
        args: `TuneArguments` with `train_dataset_names` and `train_dataset_revisions`.
        seed: of all draws.

    Raises:
        ValueError: a dataset cannot be read, or none of its rows may be tuned on.
    """
    if args.train_dataset_names is None:
        _, rows = load_rows(args.dataset_name, "train", args.dataset_revision)
        return TrainingRows(*tuning_parts(rows, args, seed), None)
    measured = keys_of_dataset(args.dataset_name, args.dataset_revision)
    parts, records = [], []
    for name, revision in zip(args.train_dataset_names, args.train_dataset_revisions, strict=True):
        rows = load_claims(name, "train", revision)
        kept = _unmeasured(rows, measured)
        if not len(kept):
            raise ValueError(
                f"expected train rows in {name} whose texts are not measured in {args.dataset_name}, got none of "
                f"{len(rows)}; tune on another dataset"
            )
        tune, selection = tuning_parts(kept, args, seed)
        parts.append((tune, selection))
        records.append(
            {
                "name": relative(name),
                "revision": revision,
                "fingerprint": fingerprint_claims(name, "train", revision),
                "rows": len(tune),
                "selection_rows": len(selection),
                "left_out": len(rows) - len(kept),
            }
        )
    return TrainingRows(*map(concatenate_datasets, zip(*parts, strict=True)), records)


def tuning_parts(rows: Dataset, args, seed: int) -> tuple[Dataset, Dataset]:
    """Rows to tune on and rows to select on, cut by source item.

    Args:
        rows: of the train split.
        args: `TuneArguments`; of them `selection_fraction`, `max_train_rows` and `max_selection_rows`.
        seed: of all draws.

    Raises:
        ValueError: a part is empty, or a bound has no room for the rows of one source item.
    """
    tune, selection = select_by_item(rows, args.selection_fraction, seed)
    tune = take_clusters(tune, args.max_train_rows, "max_train_rows", seed)
    if len(selection) > args.max_selection_rows:
        selection = take_clusters(selection, args.max_selection_rows, "max_selection_rows", seed)
    return tune, selection


def _unmeasured(rows: Dataset, measured: np.ndarray) -> Dataset:
    """The rows whose text has none of these keys."""
    return rows.select(np.flatnonzero(~np.isin(text_keys(rows["source_text"]), measured)))
