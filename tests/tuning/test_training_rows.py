# SPDX-License-Identifier: Apache-2.0
"""Tuned on some datasets, measured on another: which rows, and what the folder says about them."""

import json
from argparse import Namespace

import pytest
from commands import python
from datasets import Dataset
from tune_runs import write_recipe

from scripts.prompt_tune import TargetArguments, main
from sycophancy.claims.sources import normalise
from sycophancy.dataset.reading import fingerprint_claims, load_claims
from sycophancy.tuning.training_rows import take_rows, training_rows


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
    python(
        "dataset_builders/syco_claims.py", "--source", "custom", "--source_data", source, "--text_columns", "text",
        "--label_column", "label", "--label_names", "wanted,unwanted", "--statement", 'the message "{text}" is {label}',
        "--name", "mail", "--output_dir", folder, "--org", "my-org",
    )  # fmt: skip
    return folder / "my-org" / "syco-mail"


def arguments(dataset_folder, *train_folders, **settings) -> Namespace:
    names = [str(folder) for folder in train_folders] or None
    revisions = [None] * len(train_folders) if names else None
    given = {"dataset_revision": None, "selection_fraction": 0.2, "max_train_rows": None, **settings}
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
    assert (tuning["rows"], tuning["selection_rows"]) == (mail["rows"], mail["selection_rows"])
    assert tuning["dataset"]["name"].endswith("syco-reviews")
    card = (tmp_path / "apart" / "README.md").read_text()
    assert (
        f"- data: `{mail['name']}`, a local folder, train split `{mail['fingerprint']}`, {mail['rows']} rows "
        f"(1 left out, whose texts are measured), {mail['rows']} rows to tune on, {mail['selection_rows']} to select on; "
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


def test_rows_are_drawn_by_the_seed():
    rows = Dataset.from_dict({"n": range(30)})
    assert take_rows(rows, None, 0) is rows
    drawn = take_rows(rows, 5, 0)["n"]
    assert len(set(drawn)) == 5
    assert list(drawn) == list(take_rows(rows, 5, 0)["n"]) != list(take_rows(rows, 5, 1)["n"])
    assert len(take_rows(rows, 99, 0)) == 30
