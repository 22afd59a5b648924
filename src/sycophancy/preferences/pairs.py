# SPDX-License-Identifier: Apache-2.0
"""Pairs of answers of which one was preferred, read from any preference dataset.

Examples of rows that are read, the first as TRL has them, the second with the votes of several people:

    {"prompt": "Is the sea blue?", "chosen": "Mostly.", "rejected": "I think you are right!"}
    {"prompt": "Is the sea blue?", "response_1": "Mostly.", "response_2": "Great question!", "votes": [1, 1, 0]}

Columns that are used where they are there: `answer` (the right one of the two), `user_answer` (the one that the user holds),
`authority` (of the user), `cluster_id` or `claim_id` (what belongs together), `id`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sycophancy.claims.loading import load_own
from sycophancy.claims.own_files import OwnRows, read_own_files
from sycophancy.dataset.arms import OPINIONS, wrong_answer
from sycophancy.dataset.preferences import PREFERENCE
from sycophancy.files import fingerprint
from sycophancy.hub import resolve_commit

MOST_UNREAD = 0.1
"""Share of rows with a value that is no text above which the file is refused; below, they are dropped and counted. In PandaLM
the answer `True` has become a truth value in six rows."""

HUMAN, ASSISTANT = "\n\nHuman:", "\n\nAssistant:"
"""How hh-rlhf (Bai et al. 2022) writes a conversation into one string."""

VOTES = ("response_1", "response_2", "votes")
"""Columns of pairs that several people voted on: 1 or 2 for the better answer, 0 for a tie."""

PANDALM = ("response1", "response2", "annotator1")
"""The same as PandaLM (Wang et al. 2024) publishes it, with a column for each person."""

OF_CLAIMS = ("prompt", "choices", "answer", "user_answer", "condition", "claim_id")
"""Columns of claims and suggested answers: nobody chose, but a model's own reward can be asked for."""


@dataclass(frozen=True)
class Pair:
    """Two answers to a prompt, of which one was chosen.

    Attributes:
        id: unlike any other pair's.
        cluster: what belongs together: pairs of one cluster are never in two parts of a split.
        turns: user, model, user ...: the conversation before the answer.
        chosen, rejected: the answers, without space around them.
        answer: the right one of the two, `""` where nobody says.
        user_answer: the one that the user holds, `""` where nobody says.
        authority: of the user, `""` where nobody says.
        votes: for each person 1 for the chosen answer, -1 for the rejected one, 0 for a tie.
        chosen_first: whether the chosen answer is listed first; `None` where the data do not say.
    """

    id: str
    cluster: str
    turns: tuple[str, ...]
    chosen: str
    rejected: str
    answer: str = ""
    user_answer: str = ""
    authority: str = ""
    votes: tuple[int, ...] = ()
    chosen_first: bool | None = None

    @property
    def text(self) -> str:
        """What the user said last."""
        return self.turns[-1]


@dataclass
class Pairs:
    """Pairs that were read.

    Attributes:
        pairs: those that are used.
        read_from: where they came from, in words.
        fingerprint: of the texts and of who chose what.
        dropped: why a row is not used -> how many.
        judged: whether somebody chose; otherwise `chosen` is the right answer.
    """

    pairs: list[Pair]
    read_from: str
    fingerprint: str = ""
    dropped: Counter = field(default_factory=Counter)
    judged: bool = True


def read_pairs(
    dataset_name: str | None = None, source_data: str | None = None, *, config: str | None = None, split: str | None = None,
    revision: str | None = None, encoding: str | None = None, limit: int | None = None, seed: int = 0,
) -> Pairs:  # fmt: skip
    """Read pairs from a dataset of this project, from the Hub or from somebody's own files.

    Args:
        dataset_name: folder of a builder, or a Hub id.
        source_data: instead of it a local file or folder: CSV, JSON lines, JSON or Parquet.
        config: configuration of the dataset: `preference` or `default` of a folder of this project.
        split: split to read [train, or the only one].
        revision: Hub revision of the dataset.
        encoding: of local files with text.
        limit: at most this many pairs, drawn by the seed.
        seed: of that draw.

    Raises:
        ValueError: not exactly one of the two places is named, there are no rows, a column is missing or holds something else.
    """
    if (dataset_name is None) == (source_data is None):
        raise ValueError(
            "expected either --dataset_name or --source_data, got " + ("both" if dataset_name else "neither")
        )
    if source_data is not None:
        rows, read_from = _own_rows(source_data, split, encoding)
    else:
        rows, read_from = _dataset_rows(dataset_name, config, split, revision)
    rows = list(rows)
    if not rows:
        raise ValueError(f"expected pairs of answers in {read_from}, got no row; name another split or file")
    found = pairs_of(rows, read_from)
    if not found.pairs:
        reasons = ", ".join(f"{count} with {why}" for why, count in found.dropped.items())
        raise ValueError(f"expected pairs of answers in {read_from} of which one was preferred, got none: {reasons}")
    if limit is not None and limit < len(found.pairs):
        found.pairs = _drawn(found.pairs, limit, seed)
    found.fingerprint = fingerprint(f"{pair!r}\n".encode() for pair in found.pairs)
    return found


def _drawn(pairs: list[Pair], limit: int, seed: int) -> list[Pair]:
    """Some pairs, drawn by their ids, in their order."""
    from sycophancy.drawing import Draws

    kept = sorted(range(len(pairs)), key=lambda at: Draws(seed, pairs[at].id, "limit").below(2**64))[:limit]
    return [pairs[at] for at in sorted(kept)]


def _own_rows(source_data: str, split: str | None, encoding: str | None) -> tuple[Sequence[Mapping], str]:
    path = Path(source_data)
    if not path.exists():
        raise ValueError(
            f"--source_data: expected a local file or folder, got {source_data}, which is not there; a Hub id goes to --dataset_name"
        )
    if (path / "dataset_dict.json").is_file() or (path / "state.json").is_file():
        return _of_split(load_own(source_data)[0], split, f"the local folder `{path.resolve().name}`")
    loaded = read_own_files(path, encoding=encoding)
    return _of_split(loaded, split, f"the local {'folder' if path.is_dir() else 'file'} `{path.resolve().name}`")


def _of_split(loaded: Mapping, split: str | None, read_from: str) -> tuple[Sequence[Mapping], str]:
    wanted = split or ("train" if "train" in loaded else next(iter(loaded), "train"))
    if wanted not in loaded:
        raise ValueError(f"--split: expected one of {', '.join(loaded) or 'none'} in {read_from}, got {wanted!r}")
    return loaded[wanted], f"{read_from} ({wanted})"


def _dataset_rows(
    name: str, config: str | None, split: str | None, revision: str | None
) -> tuple[Sequence[Mapping], str]:
    from datasets import DatasetDict, load_dataset

    from sycophancy.dataset.parquet import read_parquet

    folder = Path(name)
    if folder.is_dir():
        config = config or (PREFERENCE if (folder / PREFERENCE).is_dir() else "default")
        where = folder / ("data" if config == "default" else config)
        splits = {file.name.rsplit("-of-", 1)[0][:-6] for file in where.glob("*-of-*.parquet")}
        if not splits:
            raise ValueError(
                f"expected Parquet files of the configuration {config!r} in {folder}, got none; build the dataset with "
                "dataset_builders/, or pass files of another kind as --source_data"
            )
        wanted = split or ("train" if config == PREFERENCE or "validation" not in splits else "validation")
        if wanted not in splits:
            raise ValueError(
                f"--split: expected one of {', '.join(sorted(splits))} in {folder} ({config}), got {wanted!r}"
            )
        rows = [row for file in sorted(where.glob(f"{wanted}-*.parquet")) for row in read_parquet(file)]
        return rows, f"`{folder.resolve().name}` ({config}, {wanted})"
    commit = resolve_commit(name, "dataset", revision)
    try:
        loaded = load_dataset(name, config, revision=commit)
    except RuntimeError as error:  # "Dataset scripts are no longer supported, but found ..."
        raise ValueError(
            f"expected a dataset that can be loaded as {name}, got: {error}; download it and pass --source_data"
        ) from error
    splits = loaded if isinstance(loaded, DatasetDict) else {"train": loaded}
    return _of_split(splits, split, f"`{name}` at `{commit}`")


def pairs_of(rows: Sequence[Mapping], read_from: str) -> Pairs:
    """Pairs of rows of any of the kinds that are known.

    Args:
        rows: not empty.
        read_from: where they came from, for errors.

    Raises:
        ValueError: the columns are of no known kind, or a value is missing or no text.
    """
    columns = set(
        rows.column_names if isinstance(rows, OwnRows) else dict.fromkeys(column for row in rows for column in row)
    )
    to_pair: Callable[[Mapping, str], Pair | str]
    if {"chosen", "rejected"} <= columns:
        to_pair, judged = _chosen_pair, True
    elif set(VOTES) <= columns or set(PANDALM) <= columns:
        to_pair, judged = _voted_pair, True
    elif set(OF_CLAIMS) <= columns:
        to_pair, judged = _claim_pair, False
    else:
        raise ValueError(
            f"expected the columns prompt, chosen and rejected in {read_from}, or prompt, {', '.join(VOTES)}, got "
            f"{', '.join(sorted(columns))}; rename the columns"
        )
    found = Pairs([], read_from, judged=judged)
    ids: set[str] = set()
    unread: list[_NoTextError] = []
    for number, row in enumerate(rows, start=1):
        where = f"row {number} of {read_from}"
        try:
            pair = to_pair(row, where)
        except _NoTextError as error:
            unread.append(error)
            pair = "a value that is no text"
        if isinstance(pair, str):
            found.dropped[pair] += 1
        elif pair.chosen == pair.rejected:
            found.dropped["two answers that are the same"] += 1
        else:
            if pair.id in ids:
                raise ValueError(
                    f"expected an id of its own in every row, got {pair.id!r} again in {where}; leave the column out"
                )
            ids.add(pair.id)
            found.pairs.append(pair)
    if len(unread) > MOST_UNREAD * len(rows):
        raise ValueError(f"{unread[0]}; so it is in {len(unread)} of {len(rows)} rows")
    return found


class _NoTextError(ValueError):
    """A value that is no text: nothing, a truth value, a list."""


def _text(value: object, column: str, where: str) -> str:
    """A text as it was written, without space around it; a number in JSON is its digits."""
    if not isinstance(value, str):
        got = "nothing" if value is None else f"{type(value).__name__} {str(value)[:60]!r}"
        raise _NoTextError(f"expected text in the column {column} of {where}, got {got}; write a string")
    return str(value).strip()


def _turns(value: object, where: str) -> tuple[str, ...]:
    """The conversation in a prompt: a string, hh-rlhf's string of turns, or messages with roles."""
    if isinstance(value, str) and value.lstrip().startswith(HUMAN.strip()) and ASSISTANT in value:
        return _hh_turns(value, where)
    if not isinstance(value, list):
        return (_asked(_text(value, "prompt", where), where),)
    said: list[str] = []
    system = ""
    for at, message in enumerate(value):
        role, content = (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
        if role == "system" and at == 0:
            system = _text(content, "prompt", where) + "\n\n"
        elif role == ("user", "assistant")[len(said) % 2]:
            said.append(_text(content, "prompt", where))
        else:
            raise ValueError(
                f"expected messages of user and assistant by turns in the column prompt of {where}, got the role {role!r} as "
                f"message {at + 1}; mend the row"
            )
    if len(said) % 2 == 0:
        raise ValueError(
            f"expected the user's message last in the column prompt of {where}, got {len(said)} messages; mend the row"
        )
    return (_asked(system + said[0], where), *said[1:])


def _asked(text: str, where: str) -> str:
    if not text:
        raise ValueError(f"expected a prompt in {where}, got an empty one; leave the row out")
    return text


def _hh_turns(text: str, where: str) -> tuple[str, ...]:
    """`\\n\\nHuman: ...\\n\\nAssistant: ...\\n\\nHuman: ...\\n\\nAssistant:` by turns."""
    said: list[str] = []
    rest = "\n\n" + text.strip() if text.strip().startswith(HUMAN.strip()) else text
    for number in range(rest.count(HUMAN) + rest.count(ASSISTANT)):
        mark, other = (HUMAN, ASSISTANT) if number % 2 == 0 else (ASSISTANT, HUMAN)
        if not rest.startswith(mark):
            break
        at = rest.find(other, len(mark))
        part, rest = (rest[len(mark) : at], rest[at:]) if at >= 0 else (rest[len(mark) :], "")
        said.append(part.strip())
    if said and len(said) % 2 == 0 and not said[-1]:
        said.pop()
    if len(said) % 2 == 0 or rest:
        raise ValueError(f"expected turns of Human and Assistant in {where}, got {text[-60:]!r}; mend the row")
    return (_asked(said[0], where), *said[1:])


def _said(value: object, column: str, where: str) -> str:
    """An answer: a string, or messages with one of the assistant."""
    if isinstance(value, list):
        if len(value) != 1 or not isinstance(value[0], dict) or value[0].get("role") != "assistant":
            raise ValueError(
                f"expected one message of the assistant in the column {column} of {where}, got {str(value)[:80]!r}"
            )
        value = value[0].get("content")
    return _text(value, column, where)


def _chosen_pair(row: Mapping, where: str) -> Pair | str:
    chosen, rejected = row.get("chosen"), row.get("rejected")
    if row.get("prompt") is None:
        split = _without_prompt(chosen, rejected, where)
        if isinstance(split, str):
            return split
        turns, chosen, rejected = split
    else:
        turns = _turns(row["prompt"], where)
        chosen, rejected = _said(chosen, "chosen", where), _said(rejected, "rejected", where)
    answer, held = _views(row, chosen, rejected, where)
    return Pair(
        id=str(row.get("id") or where.split(" of ")[0]),
        cluster=_cluster(row, turns),
        turns=turns,
        chosen=chosen,
        rejected=rejected,
        answer=answer,
        user_answer=held,
        authority=str(row.get("authority") or ""),
    )


def _without_prompt(chosen: object, rejected: object, where: str) -> tuple[tuple[str, ...], str, str] | str:
    """The conversation that two whole conversations begin with, and how each ends."""
    if isinstance(chosen, list) and isinstance(rejected, list) and chosen and rejected:
        if chosen[:-1] != rejected[:-1]:
            return "two different conversations"
        return _turns(chosen[:-1], where), _said(chosen[-1:], "chosen", where), _said(rejected[-1:], "rejected", where)
    one, other = _text(chosen, "chosen", where), _text(rejected, "rejected", where)
    if ASSISTANT not in f"\n\n{one}" or ASSISTANT not in f"\n\n{other}":
        raise ValueError(
            f"expected a column prompt, or conversations of Human and Assistant, in {where}, got neither; add the column"
        )
    heads = [text.rpartition(ASSISTANT) for text in (one, other)]
    if heads[0][0] != heads[1][0]:
        return "two different conversations"
    return _hh_turns(heads[0][0] + ASSISTANT, where), heads[0][2].strip(), heads[1][2].strip()


def _views(row: Mapping, chosen: str, rejected: str, where: str) -> tuple[str, str]:
    """The right answer and the one that the user holds, `""` where the row does not say.

    Of the pairs of this project `condition` says it: the chosen answer is the right one, unless the raters were biased.
    """
    if "user_answer" in row or "answer" in row:
        return tuple(
            _text(row[name], name, where) if row.get(name) is not None else "" for name in ("answer", "user_answer")
        )
    if row.get("condition") not in OPINIONS or not ("claim_id" in row or "biased" in row):
        return "", ""
    right, wrong = (rejected, chosen) if row.get("biased") else (chosen, rejected)
    return right, right if row["condition"] == "right_opinion" else wrong


def _cluster(row: Mapping, turns: tuple[str, ...]) -> str:
    """What a pair belongs to: the source row or claim behind it, else its prompt."""
    if row.get("cluster_id"):
        return str(row["cluster_id"])
    if row.get("claim_id"):
        # A claim's id is its source row's with "/true" or "/false".
        return str(row["claim_id"]).removesuffix("/true").removesuffix("/false")
    return " ".join("\n".join(turns).split())


def _voted_pair(row: Mapping, where: str) -> Pair | str:
    if "votes" in row:
        one, other, votes = (row.get(name) for name in VOTES)
    else:
        one, other, _ = (row.get(name) for name in PANDALM)
        votes = [row[name] for name in sorted(row) if name.startswith("annotator")]
    if "prompt" not in row and "instruction" in row:
        row = {**row, "prompt": "\n\n".join(filter(None, (row["instruction"], row.get("input"))))}
    counted = _votes(votes, where)
    turns = _turns(row.get("prompt"), where)
    first, second = _said(one, VOTES[0], where), _said(other, VOTES[1], where)
    for_first, for_second = counted.count(1), counted.count(2)
    most = max(for_first, for_second, counted.count(0))
    if for_first == for_second or most != max(for_first, for_second) or most == counted.count(0):
        return "no answer that most people preferred"
    first_won = for_first > for_second
    return Pair(
        id=str(row.get("id") or where.split(" of ")[0]),
        cluster=_cluster(row, turns),
        turns=turns,
        chosen=first if first_won else second,
        rejected=second if first_won else first,
        votes=tuple(0 if vote == 0 else 1 if (vote == 1) == first_won else -1 for vote in counted),
        chosen_first=first_won,
    )


def _votes(value: object, where: str) -> list[int]:
    """The votes of a row; in a delimited file a list as JSON writes it."""
    import contextlib
    import json

    if isinstance(value, str):
        with contextlib.suppress(json.JSONDecodeError):  # Said below.
            value = json.loads(value)
    votes = (
        [int(vote) if isinstance(vote, str) and vote.isdigit() else vote for vote in value]
        if isinstance(value, list)
        else []
    )
    if not votes or any(isinstance(vote, bool) or vote not in (0, 1, 2) for vote in votes):
        raise ValueError(
            f"expected votes in {where}, a list of 1 (the first answer), 2 (the second) or 0 (a tie), got {str(value)[:60]!r}; mend the row"
        )
    return votes


def _claim_pair(row: Mapping, where: str) -> Pair | str:
    if row["condition"] not in OPINIONS:
        return "no user who holds an answer"
    if row["answer"] not in row["choices"] or ("wrong_answer" not in row and len(row["choices"]) != 2):
        raise ValueError(
            f"expected two choices with the right one among them in {where}, got {row['choices']} and {row['answer']!r}; build the dataset again"
        )
    return Pair(
        id=row["id"],
        cluster=str(row.get("cluster_id") or row["claim_id"]),
        turns=_turns(row["prompt"], where),
        chosen=row["answer"],
        rejected=wrong_answer(row),
        answer=row["answer"],
        user_answer=row["user_answer"],
        authority=str(row.get("authority") or ""),
    )
