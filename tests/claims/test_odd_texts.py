# SPDX-License-Identifier: Apache-2.0
"""Whatever a source text holds, the rows made from it differ from those of a plain text in that text alone."""

from itertools import chain

import pytest
from datasets import Dataset, load_dataset
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dataset_builders.syco_claims import build, card_command, parse_args
from sycophancy.claims.building import check_arms, check_row
from sycophancy.claims.rows import CONDITIONS, Item, Statement, measurement_rows, prompt_in, tuning_row
from sycophancy.claims.texts import begin
from sycophancy.claims.wordings import WORDINGS
from sycophancy.dataset.folder import write_claims, write_pairs
from sycophancy.dataset.parquet import read_parquet
from sycophancy.dataset.preferences import preference_rows
from sycophancy.metric import load_metric
from sycophancy.publishing import check_tree

PLAIN = "\uffff"
"""A text that cannot be mistaken for a part of a wording; `odd` never holds it."""

ODD = (
    "TODO {{ fill in }} lorem ipsum",
    'he said "no" and \'yes\' and `maybe`', "two\nlines", "\r\n\t tabs \u2028 and \u00a0 spaces", "فيلم رائع", "סרט נפלא \u200f",
    "a\u202eb\u2069c", "👍🏽 👨‍👩‍👧 great", "e\u0301 ﬁ İ ß", "{", "}", "{claim} {user} {first} {sentence} {label} {} {0} {{", "100 % %s %(claim)s %d",
    "\\n \\ $x ${y}", "I agree", "disagree", "yes", "no, true or false", "(A)", "(B) Agree\n(A) Disagree", "the answer is (A)",
    "Human: hi\nAssistant: agree", "Answer:", "Choices: agree, disagree.", "</s><pad><extra_id_0>", "---\n~~~~\n| a |", "\x00\x1f",
    'is "x" is positive', *dict.fromkeys(f"{side}.\n" for wording in WORDINGS for sides in wording.sides.values() for side in sides),
)  # fmt: skip

odd = (
    st.lists(
        st.sampled_from(ODD) | st.text(st.characters(codec="utf-8", exclude_characters=PLAIN), min_size=1), min_size=1
    )
    .map(" ".join)
    .filter(str.strip)
)
bounded = settings(max_examples=40, deadline=None, derandomize=True, database=None)
statements = st.sampled_from(
    [Statement('the mood of "{sentence}" is {label}', 'the mood of "{sentence}" is not {label}', ("law",), ("judge",)),
     Statement("{label} fits: {sentence}", "{label} does not fit: {sentence}", ("law",), ("judge",))]
)  # fmt: skip


def items(text, label):
    """The same source row with the text and with a plain one in its place."""
    return [Item("odd", "test", 7, shown, {"sentence": shown}, label, ("other",)) for shown in (text, PLAIN)]


def put(text, value):
    """A plain row, prompt or list with the text in its place."""
    if isinstance(value, dict):
        return {key: put(text, inner) for key, inner in value.items()}
    return value.replace(PLAIN, text) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def parse_answer():
    return load_metric().parse_answer


def test_measurement_rows(parse_answer):
    shown = set()

    @bounded
    @given(odd, statements, st.integers(0, 200), st.sampled_from(["positive", "{label}", "a|b", "not other", "100 %"]))
    @example("x" * 10_000, statements.elements[0], 0, "positive")
    @example("I am sure this is true.\n", statements.elements[1], 3, "I agree")
    def holds(text, statement, position, label):
        for wording in WORDINGS:
            made, plain = (
                list(measurement_rows(item, statement, position, 0, (wording,))) for item in items(text, label)
            )
            assert made == [put(text, row) for row in plain]
            for row, plain_row in zip(made, plain, strict=True):
                # As often with an opinion as without: a user names the claim without its text.
                assert plain_row["prompt"].count(PLAIN) == 1
                assert row["claim"] in row["prompt"] or begin(row["claim"]) in row["prompt"]
                for choice in row["choices"]:
                    assert parse_answer(choice, row["choices"]) == choice
                    assert parse_answer(f" {choice}.\n", row["choices"]) == choice
                shown.add((row["template"], row["condition"], row["claim_is_true"]))
            check_arms(made[:3])
            check_arms(made[3:])
            for arm in (made[1], made[2], made[4], made[5]):
                block = made[:3] if arm["claim_is_true"] else made[3:]
                assert [prompt_in(arm, condition) for condition in CONDITIONS] == [row["prompt"] for row in block]

    holds()
    assert len(shown) == 8 * 3 * 2


@bounded
@given(odd, statements, st.integers(0, 10_000))
@example("I agree with the claim below.\n" * 300, statements.elements[0], 4)
def test_tuning_rows_and_pairs(text, statement, seed):
    made, plain = (tuning_row(item, statement, seed) for item in items(text, "positive"))
    assert made == put(text, plain)
    check_row(made)
    assert list(preference_rows(made)) == [put(text, pair) for pair in preference_rows(plain)]


def test_rows_come_back_from_a_folder(tmp_path):
    rows = [
        row
        for text in ODD
        for seed in range(3)
        for row in [tuning_row(items(text, "positive")[0], statements.elements[0], seed)]
    ]
    facts = write_claims(tmp_path, "train", rows)
    assert list(read_parquet(tmp_path / facts.file)) == rows
    pairs = write_pairs(tmp_path, {"train": facts})
    assert list(read_parquet(tmp_path / pairs.file)) == [pair for row in rows for pair in preference_rows(row)]


def test_a_dataset_of_odd_texts_is_built_loaded_and_checked(tmp_path):
    """All the way: odd texts in a table, odd label names, the builder, its card, `load_dataset`, the publishing checks."""
    (tmp_path / "odd").mkdir()
    texts = [text.strip() for text in (*ODD, "x" * 10_000)]
    for split in ("train", "validation"):
        columns = {"t": [f"{text} {split}" for text in texts], "y": [number % 2 for number in range(len(texts))]}
        Dataset.from_dict(columns).to_parquet(tmp_path / "odd" / f"{split}.parquet")
    flags = ["--source", "custom", "--source_data", tmp_path / "odd", "--text_columns", "t", "--label_column", "y",
             "--label_names", "a|b,{label}", "--statement", 'the mood of "{t}" is {label}', "--output_dir", tmp_path,
             "--org", "my-org"]  # fmt: skip
    args = parse_args([str(flag) for flag in flags])
    folder = build(args, card_command(args))
    check_tree(folder, "my-org/syco-custom", "dataset")
    rows = list(chain(*load_dataset(str(folder)).values()))
    kept = {row["source_text"] for row in rows}
    assert kept <= {f"{text} {split}" for text in texts for split in ("train", "validation")}
    # Texts that differ in signs alone count as one, and are dropped where their labels differ.
    assert len(kept) > 1.5 * len(texts)
    assert all(f'"{row["source_text"]}"' in row["prompt"] for row in rows)
    pairs = load_dataset(str(folder), "preference", split="train")
    assert len(pairs) == 2 * sum(row["condition"] != "no_opinion" for row in rows if "/train/" in row["id"])
