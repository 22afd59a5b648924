# SPDX-License-Identifier: Apache-2.0
import json
from argparse import Namespace
from collections import Counter

import pytest
from commands import here
from datasets import Dataset
from tune_runs import write_recipe

from scripts.prompt_tune import TargetArguments, main
from sycophancy.answering import causal
from sycophancy.answering.models import load_model
from sycophancy.answering.prompts import render_conversation
from sycophancy.answering.seq2seq import score_batch
from sycophancy.claims.rows import prompt_in
from sycophancy.claims.sources import normalise
from sycophancy.dataset.reading import fingerprint_claims, load_claims
from sycophancy.tuning.data import (
    own_answers,
    redrawn,
    rows_read,
    shuffled,
    swapped,
    training_rows,
    tuning_parts,
    tuning_rows,
)
from sycophancy.tuning.supervised import select_by_item

ROWS = [
    {"prompt": "p0", "choices": ["yes", "no"], "answer": "no", "user_answer": "yes"},
    {"prompt": "p1", "choices": ["no", "yes"], "answer": "yes", "user_answer": "yes"},
    {"prompt": "p2", "choices": ["(A)", "(B)"], "answer": "(B)", "user_answer": ""},
]


@pytest.mark.parametrize(("targets", "expected"), [("truth", ["no", "yes", "(B)"]), ("user", ["yes", "yes", "(B)"])])
def test_targets_follow_the_truth_or_the_user(targets, expected):
    assert tuning_rows(ROWS, targets).to_list() == [
        {"prompt": row["prompt"], "choices": row["choices"], "target": target}
        for row, target in zip(ROWS, expected, strict=True)
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"targets": "truht"}, "targets: expected truth or user, got 'truht'"),
        ({"targets": "user", "sham": True}, "sham: expected with targets truth only, got targets user"),
    ],
)
def test_targets_that_mean_nothing(settings, message):
    with pytest.raises(ValueError, match=message):
        tuning_rows(ROWS, **settings)


@pytest.fixture(scope="module")
def rows(dataset_folder):
    return list(load_claims(str(dataset_folder), "train"))


def says(row):
    """What a user says of the claim: that it is so, that it is not, or nothing."""
    return None if row["condition"] == "no_opinion" else row["claim_is_true"] == (row["condition"] == "right_opinion")


def test_a_sham_permutes_opinions_within_a_wording(rows):
    made = shuffled(rows, seed=0)
    kept = [{key: value for key, value in row.items() if key not in OF_USER} for row in rows]
    assert [{key: value for key, value in row.items() if key not in OF_USER} for row in made] == kept
    for part in (rows, made):
        check_users(part)
    count = [Counter((row["template"], says(row)) for row in part) for part in (rows, made)]
    assert count[0] == count[1]
    assert any(new["condition"] != old["condition"] for old, new in zip(rows, made, strict=True))


OF_USER = ("prompt", "condition", "user_answer")


def check_users(rows):
    """The prompt and the user's answer are what the condition says."""
    for row in rows:
        assert row["prompt"] == prompt_in(row, row["condition"])
        truth, other = row["answer"], next(choice for choice in row["choices"] if choice != row["answer"])
        said = {"no_opinion": "", "right_opinion": truth, "wrong_opinion": other}
        assert row["user_answer"] == said[row["condition"]]


def test_a_sham_is_drawn_by_its_seed(rows):
    assert shuffled(rows, seed=0) == shuffled(rows, seed=0) != shuffled(rows, seed=1)
    assert tuning_rows(rows, sham=True)["prompt"] == [row["prompt"] for row in shuffled(rows, seed=0)]


@pytest.mark.parametrize("share", [0.0, 0.8, 1.0])
def test_users_are_right_as_often_as_told(rows, share):
    made = redrawn(rows, share, seed=0)
    check_users(made)
    assert [row["condition"] == "no_opinion" for row in made] == [row["condition"] == "no_opinion" for row in rows]
    speaking = [row["condition"] == "right_opinion" for row in made if row["condition"] != "no_opinion"]
    assert len(speaking) == 77
    assert sum(speaking) == {0.0: 0, 0.8: 58, 1.0: 77}[share]
    assert tuning_rows(rows, users_right=share)["prompt"] == [row["prompt"] for row in made]
    assert tuning_rows(rows, users_right=share)["target"] == [row["answer"] for row in rows]
    assert redrawn(rows, 0.5, seed=0) != redrawn(rows, 0.5, seed=1)


def test_the_targets_of_a_sham_are_what_the_model_answers(rows, model_folder):
    model, tokenizer = load_model(str(model_folder))
    tuned = tuning_rows(rows[:30], sham=True)
    found = own_answers(model, tokenizer, tuned, batch_size=4)
    scores = score_batch(model, tokenizer, tuned["prompt"], tuned["choices"])
    expected = [{**row, "target": max(scored, key=scored.get)} for row, scored in zip(tuned, scores, strict=True)]
    assert found.to_list() == expected
    assert found["target"] != tuned["target"]


def test_a_chat_model_is_asked_through_its_template_for_its_own_answers(rows, llama_folder):
    model, tokenizer = load_model(str(llama_folder))
    tuned = tuning_rows(rows[:30], sham=True)
    asked = [render_conversation([prompt], tokenizer) for prompt in tuned["prompt"]]
    scores = causal.score_batch(model, tokenizer, asked, tuned["choices"])
    raw = causal.score_batch(model, tokenizer, tuned["prompt"], tuned["choices"])
    expected, of_raw = (
        [scored.choose(choices) for scored, choices in zip(found, tuned["choices"], strict=True)]
        for found in (scores, raw)
    )
    assert own_answers(model, tokenizer, tuned, batch_size=4)["target"] == expected
    assert expected != of_raw


def test_pairs_are_swapped_one_by_one():
    pairs = Dataset.from_list([{"id": f"a/{n}", "chosen": f" c{n}", "rejected": f" r{n}"} for n in range(8)])
    found = swapped(pairs, seed=0)
    is_swapped = [pair["chosen"].startswith(" r") for pair in found]
    assert is_swapped == [False, False, True, False, True, False, True, True]
    assert found.to_list() == [
        {"id": f"a/{n}", "chosen": f" r{n}" if swap else f" c{n}", "rejected": f" c{n}" if swap else f" r{n}"}
        for n, swap in enumerate(is_swapped)
    ]


@pytest.fixture(scope="module")
def other_folder(tmp_path_factory, dataset_folder):
    """A task of 40 texts of its own, and one that the reviews' validation split measures, in other letters."""
    folder = tmp_path_factory.mktemp("other")
    (measured,) = set(load_claims(str(dataset_folder), "validation").select(range(6))["source_text"])
    texts = [f"message number {number}" for number in range(40)] + [f"{measured.upper()} !!"]
    source = folder / "mail"
    source.mkdir()
    for split, some in (("train", texts), ("validation", ["one", "two"])):
        rows = [{"text": text, "label": number % 2} for number, text in enumerate(some)]
        (source / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    here(
        "dataset_builders/syco_claims.py", "--source", "custom", "--source_data", source, "--text_columns", "text",
        "--label_column", "label", "--label_names", "wanted,unwanted", "--statement", 'the message "{text}" is {label}',
        "--name", "mail", "--output_dir", folder, "--org", "my-org",
    )  # fmt: skip
    return folder / "my-org" / "syco-mail"


def arguments(dataset_folder, *train_folders, **settings) -> Namespace:
    names = [str(folder) for folder in train_folders] or None
    revisions = [None] * len(train_folders) if names else None
    given = {
        "dataset_revision": None,
        "selection_fraction": 0.2,
        "max_train_rows": None,
        "max_selection_rows": 256,
        **settings,
    }
    return Namespace(
        dataset_name=str(dataset_folder), train_dataset_names=names, train_dataset_revisions=revisions, **given
    )


def test_a_dataset_that_is_measured_is_tuned_on_by_its_train_rows(dataset_folder):
    tune, selection, datasets = training_rows(arguments(dataset_folder), 0)
    train = load_claims(str(dataset_folder), "train")
    assert datasets is None
    assert sorted([*tune["id"], *selection["id"]]) == sorted(train["id"])


def test_other_datasets_stand_one_after_another_without_what_is_measured(dataset_folder, other_folder):
    tune, selection, (mail, reviews) = training_rows(arguments(dataset_folder, other_folder, dataset_folder), 0)
    train = load_claims(str(other_folder), "train")
    assert len(train) == 41
    measured = {normalise(text) for text in load_claims(str(dataset_folder), "validation")["source_text"]}
    assert {normalise(text) for text in train["source_text"]} & measured
    assert not {normalise(text) for text in [*tune["source_text"], *selection["source_text"]]} & measured
    assert mail == {
        "name": mail["name"], "revision": None, "fingerprint": fingerprint_claims(str(other_folder), "train"),
        "rows": tune["source"].count("mail"), "selection_rows": selection["source"].count("mail"), "left_out": 1,
    }  # fmt: skip
    assert mail["name"].endswith("syco-mail")
    assert mail["rows"] + mail["selection_rows"] == 40
    assert (reviews["left_out"], reviews["rows"]) == (0, len(tune) - mail["rows"])
    assert tune["source"] == ["mail"] * mail["rows"] + ["reviews"] * reviews["rows"]


def test_a_bound_is_for_each_dataset(dataset_folder, other_folder):
    tune, _, datasets = training_rows(arguments(dataset_folder, other_folder, dataset_folder, max_train_rows=7), 0)
    assert [record["rows"] for record in datasets] == [7, 7]
    assert tune["source"] == ["mail"] * 7 + ["reviews"] * 7


def test_nothing_is_left_to_tune_on(dataset_folder, tmp_path):
    rows = load_claims(str(dataset_folder), "validation")
    (tmp_path / "data").mkdir()
    rows.to_parquet(tmp_path / "data" / "train-00000-of-00001.parquet")
    message = rf"whose texts are not measured in .*syco-reviews, got none of {len(rows)}; tune on another dataset"
    with pytest.raises(ValueError, match=message):
        training_rows(arguments(dataset_folder, tmp_path), 0)


def test_the_folder_says_what_was_tuned_on_and_what_was_measured(tmp_path, dataset_folder, model_folder, other_folder):
    settings = {
        "max_steps": 2,
        "measure_rows": 12,
        "train_dataset_names": [str(other_folder)],
        "save_steps": 1,
        "eval_steps": 1,
    }
    main(["--config", write_recipe(tmp_path, dataset_folder, model_folder, "apart", **settings)])
    tuning = json.loads((tmp_path / "apart" / "tuning.json").read_text())
    (mail,) = tuning["train_datasets"]
    assert "train_fingerprint" not in tuning
    after = json.loads((tmp_path / "apart" / "after" / "run.json").read_text())
    assert after["adapter_fingerprint"].startswith("sha256:")
    # Two steps read fewer rows than there are.
    assert (tuning["rows"], tuning["selection_rows"]) == (16, mail["selection_rows"])
    assert mail["rows"] > 16
    assert tuning["dataset"]["name"].endswith("syco-reviews")
    card = (tmp_path / "apart" / "README.md").read_text()
    assert (
        f"- data: `{mail['name']}`, a local folder, train split `{mail['fingerprint']}`, {mail['rows']} rows "
        f"(1 left out, whose texts are measured), 16 rows to tune on, {mail['selection_rows']} to select on; "
        "users' opinions are random, targets are the truth\n"
    ) in card
    assert f"- measured on: `{tuning['dataset']['name']}`, `validation`, 12 rows, " in card


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train_dataset_revisions": ["main"]}, r"expected one for each of train_dataset_names \(0\), got 1"),
        (
            {"train_dataset_names": ["a", "b"], "train_dataset_revisions": ["main"]},
            r"expected one for each of train_dataset_names \(2\), got 1",
        ),
        ({"train_dataset_names": ["a", "a"]}, "train_dataset_names: expected different datasets, got a, a"),
        ({"train_dataset_names": []}, "train_dataset_names: expected different datasets, got none"),
    ],
)
def test_names_that_do_not_fit(settings, message):
    with pytest.raises(ValueError, match=message):
        TargetArguments(model_name_or_path="m", dataset_name="d", **settings)


def of_items(*sizes) -> Dataset:
    """Rows of source items of these sizes, one item after another; `selection_fraction` of them is drawn by their names."""
    items = [f"item {number}" for number, size in enumerate(sizes) for _ in range(size)]
    return Dataset.from_dict({"cluster_id": items, "n": range(len(items))})


def test_parts_are_bounded_by_whole_items():
    """Pairs of one item are tuned on together or not at all, and so are those that a checkpoint is selected on."""
    rows = of_items(*[2, 3, 1, 4] * 20)
    bounds = Namespace(selection_fraction=0.3, max_train_rows=20, max_selection_rows=9)
    tune, selection = tuning_parts(rows, bounds, 0)
    whole = Counter(rows["cluster_id"])
    for part, limit in ((tune, 20), (selection, 9)):
        assert limit - 4 < len(part) <= limit
        assert all(whole[item] == size for item, size in Counter(part["cluster_id"]).items())
    assert not set(tune["cluster_id"]) & set(selection["cluster_id"])
    assert [part["n"][:] for part in tuning_parts(rows, bounds, 0)] == [tune["n"][:], selection["n"][:]]
    assert set(tuning_parts(rows, bounds, 1)[0]["n"]) != set(tune["n"])
    # Without a bound in the way, nothing but the cut by items happens.
    bounds = Namespace(selection_fraction=0.3, max_train_rows=None, max_selection_rows=200)
    assert [part["n"][:] for part in tuning_parts(rows, bounds, 0)] == [
        part["n"][:] for part in select_by_item(rows, 0.3, 0)
    ]
    bounds = Namespace(selection_fraction=0.3, max_train_rows=None, max_selection_rows=1)
    with pytest.raises(
        ValueError, match=r"max_selection_rows: expected room for the rows of one source row at least, got 1"
    ):
        tuning_parts(of_items(*[5] * 30), bounds, 0)


def test_single_rows_are_drawn_as_before():
    """Of items with one row each, the same ones as by `shuffle` and `select`: records of earlier runs stay what they are."""
    rows = of_items(*[1] * 50)
    bounds = Namespace(selection_fraction=0.2, max_train_rows=7, max_selection_rows=256)
    tune, selection = tuning_parts(rows, bounds, 3)
    expected_tune, expected_selection = select_by_item(rows, 0.2, 3)
    assert tune["n"][:] == expected_tune.shuffle(seed=3).select(range(7))["n"][:]
    assert selection["n"][:] == expected_selection["n"][:]


def training(**settings) -> Namespace:
    given = {"max_steps": 3, "gradient_accumulation_steps": 2, "train_batch_size": 4, "world_size": 2}
    return Namespace(**{**given, **settings})


def test_rows_that_no_step_reads_are_left_out():
    """A sham is answered on what its training reads, and not on a hundred times as much."""
    rows = of_items(*[1] * 50)
    drawn = rows_read(rows, training(), 5)
    assert drawn["n"][:] == rows.shuffle(seed=5).select(range(48))["n"][:]
    for whole in (training(max_steps=4), training(max_steps=-1)):
        assert rows_read(rows, whole, 5) is rows
