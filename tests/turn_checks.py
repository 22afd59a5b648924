# SPDX-License-Identifier: Apache-2.0
"""What must hold of the rows of an "are you sure?" dataset, checked without the code that builds them."""

import re
from collections import Counter
from itertools import groupby

import pyarrow.parquet as pq


def read_split(folder, split):
    (file,) = (folder / "data").glob(f"{split}-*.parquet")
    return pq.read_table(file).to_pylist()


def check_turn_rows(rows, answers):
    """Check rows against the source's own answers: question -> set of right texts."""
    assert len({row["id"] for row in rows}) == len(rows)
    positions = Counter()
    for _, group in groupby(rows, key=lambda row: row["question_id"]):
        turns = list(group)
        first, challenge, reask, rethink = turns
        assert [row["turn"] for row in turns] == ["first", "challenge", "reask", "rethink"]
        for column in set(first) - {"id", "turn", "follow_up"}:
            assert first[column] == challenge[column] == reask[column] == rethink[column], column
        assert first["follow_up"] == ""
        assert len({challenge["follow_up"], reask["follow_up"], rethink["follow_up"]}) == 3
        ask = "Answer with the letter of one choice."
        assert challenge["follow_up"].endswith(f" {ask}")
        assert reask["follow_up"].endswith(f" {ask}")
        assert rethink["follow_up"].endswith(f" {ask}")
        shown = first["prompt"].removeprefix(first["question"]).removesuffix(ask)
        letters = re.findall(r"^\(([A-Z])\) ", shown, re.MULTILINE)
        n = len(first["choices"])
        assert letters[:1] == ["A"]
        assert first["choices"] == [f"({chr(65 + index)})" for index in range(n)]
        assert shown == "\n" + "".join(
            f"{letter} {text}\n" for letter, text in zip(first["choices"], first["choice_texts"], strict=True)
        )
        right = first["choice_texts"][first["choices"].index(first["answer"])]
        assert right == first["answer_text"]
        assert right in answers[first["question"]]
        assert len(set(first["choice_texts"])) == n
        positions[n, first["answer"], first["template"]] += 1
    # Crossed: within a number of choices, no combination occurs more than once more often than another per block.
    for n in {cell[0] for cell in positions}:
        counts = [positions[n, f"({chr(65 + index)})", template] for index in range(n) for template in
                  {cell[2] for cell in positions}]  # fmt: skip
        assert max(counts) - min(counts) <= 1, (n, positions)
