# SPDX-License-Identifier: Apache-2.0
import os
import signal

import pytest
from loky.process_executor import TerminatedWorkerError

from sycophancy.claims import addition
from sycophancy.claims.building import CHUNK, check_arms, check_row, checked_rows, rows_by_processes
from sycophancy.claims.rows import Item, measurement_rows
from sycophancy.claims.tasks import SENTIMENT, SOURCES
from sycophancy.claims.wordings import WORDINGS

STATEMENT = SOURCES["addition"].statement


def test_rows_of_a_part_are_those_of_the_whole():
    items = list(addition.items("addition", "test"))[:100]
    whole = list(checked_rows(items, STATEMENT, 0, WORDINGS))
    assert len(whole) == 600
    assert list(checked_rows(items[40:70], STATEMENT, 0, WORDINGS, first=40)) == whole[240:420]


def test_the_number_of_processes_changes_nothing():
    items = list(addition.items("addition", "train"))[: 2 * CHUNK + 500]
    alone = list(checked_rows(items, STATEMENT, 0, WORDINGS))
    assert len(alone) == 2 * CHUNK + 500
    assert list(rows_by_processes(items, STATEMENT, 0, WORDINGS, num_proc=2)) == alone


class Deadly(list):
    """Items that kill a process other than the one that made them, as a machine out of memory does."""

    def __init__(self, items=()):
        super().__init__(items)
        self.maker = os.getpid()

    def __getitem__(self, which):
        if os.getpid() != self.maker:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(which)


def test_a_process_that_dies_is_not_waited_for():
    items = Deadly(list(addition.items("addition", "train"))[: 3 * CHUNK])
    with pytest.raises(TerminatedWorkerError):
        list(rows_by_processes(items, STATEMENT, 0, WORDINGS, num_proc=2))


def test_kept_rows_go_to_processes_too(tmp_path):
    """Rows of a source that stand in a file, as a whole build: the same bytes."""
    import json

    from dataset_builders.syco_claims import build, parse_args

    source = tmp_path / "source"
    source.mkdir()
    rows = [{"sentence": f"text {index} is dull .", "label": index % 2} for index in range(2 * CHUNK + 1)]
    (source / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    flags = ["--source", "sst2", "--source_data", str(source), "--org", "o"]
    one, two = (
        build(parse_args([*flags, "--output_dir", str(tmp_path / count), "--num_proc", count]), "") for count in "12"
    )
    files = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert len(files) == 3
    assert all((one / file).read_bytes() == (two / file).read_bytes() for file in files)


ITEM = Item("sst2", "validation", 17, "so dull", {"sentence": "so dull"}, "negative", ("positive",))


@pytest.fixture
def arms():
    # The first claim whose user is introduced.
    for position in range(40):
        rows = list(measurement_rows(ITEM, SENTIMENT, position, 0))[:3]
        if rows[1]["persona"]:
            return rows
    raise AssertionError("no introduced user in 40 items")


def test_rows_of_the_builder_pass(arms):
    check_arms(arms)


@pytest.mark.parametrize(
    ("arm", "column", "value", "message"),
    [
        (1, "prompt", lambda row, arms: arms[0]["prompt"], "expected the user's words .* at the head of the prompt"),
        (0, "prompt", lambda row, arms: arms[1]["prompt"], "expected the prompt of .* plus the user's words"),
        (0, "user_answer", lambda row, arms: row["answer"], "expected no user in a row without an opinion"),
        (0, "persona", lambda row, arms: "I am a king.", "expected no user in a row without an opinion"),
        (1, "user_answer", lambda row, arms: row["answer"], "expected a user's answer that fits wrong_opinion"),
        (2, "user_answer", lambda row, arms: "", "expected a user's answer among"),
        (1, "answer", lambda row, arms: "maybe", "expected an answer among"),
        (1, "condition", lambda row, arms: "opinion", "expected the arms"),
        (1, "authority", lambda row, arms: "king", "expected an authority among"),
        (2, "template", lambda row, arms: "yes_no" if row["template"] != "yes_no" else "your_view", "expected the user's words"),
        (1, "certainty", lambda row, arms: "certain", "expected a certainty among hedged, plain, sure"),
        (2, "opinion_place", lambda row, arms: "", "expected a place among before, after"),
        (0, "opinion_place", lambda row, arms: "after", "expected no user in a row without an opinion"),
        (2, "denial", lambda row, arms: "the sky is green", "expected the user's words|expected denial"),
        (0, "choices", lambda row, arms: ["agree"], "expected two different choices"),
        (2, "persona", lambda row, arms: "", "expected the user's words|expected a persona"),
    ],
)  # fmt: skip
def test_each_defect_is_named(arms, arm, column, value, message):
    arms[arm][column] = value(arms[arm], arms)
    with pytest.raises(ValueError, match=rf"row sst2/validation/17/.*: {message}"):
        check_arms(arms)


def test_a_missing_arm(arms):
    with pytest.raises(ValueError, match="expected the arms no_opinion, wrong_opinion, right_opinion"):
        check_arms(arms[:2])


def test_a_claim_that_is_not_in_its_prompt(arms):
    arms[0]["claim"] = "the sky is green"
    with pytest.raises(ValueError, match="expected the claim 'the sky is green' in the prompt"):
        check_row(arms[0])


def test_a_text_may_hold_the_words_of_our_users():
    text = "I agree with the claim below.\nI am sure that the answer is no. I agree with it. The sentiment of the quoted text is negative.\n"
    item = Item("t", "test", 0, text, {"sentence": text}, "negative", ("positive",))
    for position in range(120):
        rows = list(measurement_rows(item, SENTIMENT, position, 0))
        check_arms(rows[:3])
        check_arms(rows[3:])


def test_users_speak_before_anything_of_the_source_is_shown_or_after_all_of_it():
    for wording in WORDINGS:
        opens, before, rest = wording.layout.partition("{before}")
        shown, after, asked = rest.partition("{after}")
        assert before
        assert after
        assert "{" not in opens
        assert shown.lower().count("{claim}") == 1
        assert "claim}" not in asked.lower()
        assert wording.ends in (" ", "\n")
