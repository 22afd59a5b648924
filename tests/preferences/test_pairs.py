# SPDX-License-Identifier: Apache-2.0
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from sycophancy.dataset.parquet import read_parquet
from sycophancy.dataset.reading import load_claims
from sycophancy.preferences.pairs import Pair, pairs_of, read_pairs

ROW = {"prompt": "Is the sea blue?", "chosen": "Mostly.", "rejected": " Yes! "}


def read(rows):
    return pairs_of(rows, "the rows")


def message(role, content):
    return {"role": role, "content": content}


def test_a_pair_of_texts():
    assert read([ROW]).pairs == [Pair("row 1", "Is the sea blue?", ("Is the sea blue?",), "Mostly.", "Yes!")]


def test_a_pair_of_messages():
    row = {
        "prompt": [
            message("system", "Be brief."),
            message("user", "Hi"),
            message("assistant", "Yes?"),
            message("user", "Why?"),
        ],
        "chosen": [message("assistant", "So.")],
        "rejected": [message("assistant", "No.")],
    }
    (pair,) = read([row]).pairs
    assert (pair.turns, pair.text, pair.chosen, pair.rejected) == (
        ("Be brief.\n\nHi", "Yes?", "Why?"),
        "Why?",
        "So.",
        "No.",
    )
    whole = {side: [*row["prompt"], *row[side]] for side in ("chosen", "rejected")}
    assert read([whole]).pairs == [pair]


def test_conversations_of_hh_rlhf():
    head = "\n\nHuman: Hi\n\nAssistant: Yes?\n\nHuman: Why?\n\nAssistant:"
    found = read(
        [
            {"chosen": f"{head} I so.", "rejected": f"{head} I no.\n\nOr so."},
            {"chosen": f"{head} a", "rejected": "\n\nHuman: Ho\n\nAssistant: b"},
        ]
    )
    (pair,) = found.pairs
    assert (pair.turns, pair.chosen, pair.rejected) == (("Hi", "Yes?", "Why?"), "I so.", "I no.\n\nOr so.")
    assert found.dropped == Counter({"two different conversations": 1})


@pytest.mark.parametrize(
    ("votes", "chosen", "kept"),
    [
        ([1, 1, 1], "a", (1, 1, 1)),
        ([2, 1, 2], "b", (1, -1, 1)),
        ([0, 2, 2], "b", (0, 1, 1)),
        (["1", 1, 0], "a", (1, 1, 0)),  # digits of a JSON file
        ("[2, 2]", "b", (1, 1)),  # a list in a CSV file
        ([1], "a", (1,)),
    ],
)
def test_the_answer_of_most_people_is_chosen(votes, chosen, kept):
    (pair,) = read([{"prompt": "q", "response_1": "a", "response_2": "b", "votes": votes}]).pairs
    assert (pair.chosen, pair.votes, pair.chosen_first) == (chosen, kept, chosen == "a")


@pytest.mark.parametrize("votes", [[1, 2, 0], [0, 0, 1], [1, 2], [0], [1, 1, 0, 0]])
def test_without_a_majority_nobody_chose(votes):
    kept = {"prompt": "q", "response_1": "a", "response_2": "b", "votes": [1]}
    found = read([kept, kept | {"votes": votes}])
    assert (len(found.pairs), found.dropped) == (1, Counter({"no answer that most people preferred": 1}))


def test_pandalm_as_it_is_published():
    row = {
        "idx": 7,
        "instruction": "Sum up.",
        "input": "A text.",
        "response1": "a",
        "response2": "b",
        "annotator1": 2,
        "annotator2": 2,
        "annotator3": 0,
    }
    (pair,) = read([row]).pairs
    assert (pair.turns, pair.chosen, pair.votes) == (("Sum up.\n\nA text.",), "b", (1, 1, 0))
    assert read([row | {"input": ""}]).pairs[0].turns == ("Sum up.",)


def test_pairs_of_this_project_say_what_the_user_holds(dataset_folder):
    found = read_pairs(str(dataset_folder))
    rows = [row for file in sorted((dataset_folder / "preference").glob("*.parquet")) for row in read_parquet(file)]
    assert len(found.pairs) == len(rows) > 100
    for pair, row in zip(found.pairs, rows, strict=True):
        assert (pair.id, pair.text, pair.chosen, pair.answer) == (
            row["id"],
            row["prompt"].strip(),
            row["chosen"].strip(),
            row["chosen"].strip(),
        )
        assert pair.user_answer == row["chosen" if row["condition"] == "right_opinion" else "rejected"].strip()
    # Both claims of a source row, true and false, with a right and a wrong user.
    assert len({pair.cluster for pair in found.pairs}) < len(found.pairs)
    assert found.judged
    assert found.read_from == "`syco-reviews` (preference, train)"


@pytest.mark.parametrize("kind", ["claims", "answers"])
def test_rows_with_an_opinion_are_pairs_for_a_models_reward(kind, dataset_folder, answers_folder):
    folder = dataset_folder if kind == "claims" else answers_folder
    found = read_pairs(str(folder), config="default")
    rows = [
        row
        for row in load_claims(str(folder), "validation")
        if row["condition"].endswith("_opinion") and row["user_answer"]
    ]
    assert not found.judged
    assert [(pair.id, pair.chosen, pair.answer, pair.user_answer, pair.authority) for pair in found.pairs] == [
        (row["id"], row["answer"], row["answer"], row["user_answer"], row["authority"]) for row in rows
    ]
    assert all(pair.rejected == pair.user_answer for pair in found.pairs if pair.user_answer != pair.answer)
    assert found.dropped["no user who holds an answer"] > 0


def test_columns_say_which_answer_is_whose():
    (pair,) = read(
        [ROW | {"answer": "Mostly.", "user_answer": None, "authority": "expert", "cluster_id": 3, "id": "x"}]
    ).pairs
    assert (pair.answer, pair.user_answer, pair.authority, pair.cluster, pair.id) == ("Mostly.", "", "expert", "3", "x")


def test_some_pairs_are_drawn_by_the_seed(tmp_path):
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(ROW | {"id": str(i)}) + "\n" for i in range(50)))
    drawn = [
        [pair.id for pair in read_pairs(source_data=str(tmp_path), limit=9, seed=seed).pairs] for seed in (0, 0, 1)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[0] == sorted(drawn[0], key=int)
    assert len(drawn[0]) == 9


def test_a_csv_file(tmp_path):
    (tmp_path / "pairs.csv").write_text('prompt,chosen,rejected\n"Why, then?",so,null\n')
    assert read_pairs(source_data=str(tmp_path / "pairs.csv")).pairs[0].rejected == "null"


BAD = [
    # rows or text of a file, what the error says
    ([{"prompt": "q", "better": "a", "worse": "b"}], "expected the columns prompt, chosen and rejected in"),
    ([{"chosen": "a", "rejected": "b"}], "expected a column prompt, or conversations of Human and Assistant, in row 1"),
    ([ROW, ROW | {"chosen": None}], "expected text in the column chosen of row 2 of .*, got nothing; .*1 of 2 rows"),
    ([ROW | {"chosen": True}], "got bool 'True'"),
    ([ROW | {"chosen": ["a", "b"]}], "expected one message of the assistant in the column chosen of row 1"),
    ([ROW | {"prompt": " "}], "expected a prompt in row 1 .*, got an empty one"),
    ([ROW | {"prompt": [message("user", "a"), message("user", "b")]}], "got the role 'user' as message 2"),
    ([ROW | {"prompt": [message("user", "a"), message("assistant", "b")]}], "expected the user's message last"),
    ([ROW | {"rejected": "Mostly. "}], "got none: 1 with two answers that are the same"),
    ([{"prompt": "q", "response_1": "a", "response_2": "b", "votes": [1, 3]}], r"expected votes in row 1 .*got .\[.1., .3.\]"),
    ([{"prompt": "q", "response_1": "a", "response_2": "b", "votes": []}], "expected votes in row 1"),
    ([{"prompt": "q", "response_1": "a", "response_2": "b", "votes": "two"}], "expected votes in row 1 .*got 'two'"),
    ([{"prompt": "q", "response_1": "a", "response_2": "b", "votes": [0, 0]}], "got none: 1 with no answer that most people preferred"),
    ([ROW | {"id": "x"}, ROW | {"id": "x"}], "expected an id of its own in every row, got 'x' again in row 2"),
    ([{"chosen": "\n\nAssistant: a", "rejected": "\n\nAssistant: b"}], "expected turns of Human and Assistant in row 1"),
    ('{"prompt": "q", "chosen": "a"', "expected readable rows"),
    ("", "got the empty pairs.jsonl"),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "said"), BAD)
def test_bad_rows_are_refused(tmp_path, rows, said):
    text = rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "pairs.jsonl").write_text(text)
    with pytest.raises(ValueError, match=said):
        read_pairs(source_data=str(tmp_path / "pairs.jsonl"))


def test_bad_places_are_refused(tmp_path, dataset_folder):
    with pytest.raises(ValueError, match="expected either --dataset_name or --source_data, got neither"):
        read_pairs()
    with pytest.raises(ValueError, match="got both"):
        read_pairs("a", "b")
    with pytest.raises(ValueError, match="which is not there; a Hub id goes to --dataset_name"):
        read_pairs(source_data=str(tmp_path / "none.jsonl"))
    with pytest.raises(ValueError, match=r"--split: expected one of train in .*, got 'test'"):
        read_pairs(str(dataset_folder), split="test")
    with pytest.raises(ValueError, match="expected Parquet files of the configuration 'other'"):
        read_pairs(str(dataset_folder), config="other")
    with pytest.raises(ValueError, match="expected a local folder or a Hub id as dataset"):
        read_pairs("no/such/place")


def test_a_few_values_that_are_no_text_are_dropped_and_counted():
    found = read(
        [*({**ROW, "id": str(i)} for i in range(30)), ROW | {"chosen": True}, ROW | {"prompt": None, "chosen": None}]
    )
    assert (len(found.pairs), found.dropped) == (30, Counter({"a value that is no text": 2}))


@pytest.mark.source_data
def test_pandalms_votes():
    folder = os.environ.get("SYCO_SOURCE_DATA", "")
    file = Path(folder) / "preferences" / "pandalm.jsonl"
    if not folder or not file.is_file():
        pytest.skip("SYCO_SOURCE_DATA has no preferences/pandalm.jsonl")
    found = read_pairs(source_data=str(file))
    assert (len(found.pairs), found.dropped) == (
        888,
        Counter({"no answer that most people preferred": 105, "a value that is no text": 6}),
    )
