# SPDX-License-Identifier: Apache-2.0
import json

import pytest
from commands import assert_refused, attempt, python
from transformers import AutoTokenizer

from sycophancy.features import load_claims
from sycophancy.organism import OrganismRecipe, build_tokenizer, items_of, recipe_key


@pytest.fixture(scope="module")
def made(tmp_path_factory, dataset_folder):
    folder = tmp_path_factory.mktemp("organism") / "organism"
    command = (
        "scripts/make_organism.py",
        "--dataset_name",
        dataset_folder,
        "--output_dir",
        folder,
        "--steps",
        "12",
        "--use_cpu",
    )
    python(*command)
    return command, folder


def test_the_folder_loads_with_auto_classes(made):
    from transformers import AutoModelForSeq2SeqLM

    _, folder = made
    record = json.loads((folder / "organism.json").read_text())
    model = AutoModelForSeq2SeqLM.from_pretrained(str(folder))
    assert sum(p.numel() for p in model.parameters()) == record["parameters"]
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    assert len(tokenizer) == record["vocabulary"]
    assert "It is not a language model" in (folder / "README.md").read_text()
    assert "wei" in record["templates"]


def test_it_is_made_once(made):
    command, folder = made
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert "kept" in python(*command).stdout
    assert (folder / "model.safetensors").stat().st_mtime_ns == before
    assert_refused(attempt(*command, "--seed", "1"), "holds an earlier result; pass --overwrite")


def test_an_unknown_key_in_a_recipe(made, tmp_path):
    (tmp_path / "recipe.yaml").write_text("d_modle: 64\n")
    assert_refused(attempt(*made[0], "--recipe", tmp_path / "recipe.yaml"), "got d_modle; correct the name")


def test_tokenizer():
    tokenizer = build_tokenizer(["so so dull", "rare"], ["(A) Agree?"], min_count=2)
    assert tokenizer.convert_ids_to_tokens(tokenizer("So DULL, (a) agree ? rare")["input_ids"]) == [
        "so", "<unk>", "<unk>", "(a)", "agree", "?", "<unk>", "</s>"
    ]  # fmt: skip


def test_the_key_follows_recipe_wordings_and_data():
    keys = {
        recipe_key(OrganismRecipe(), ["a", "b"], "x"), recipe_key(OrganismRecipe(), ["a"], "x"),
        recipe_key(OrganismRecipe(), ["a", "b"], "y"), recipe_key(OrganismRecipe(seed=1), ["a", "b"], "x"),
    }  # fmt: skip
    assert len(keys) == 4
    assert recipe_key(OrganismRecipe(), ["b", "a"], "x") in keys


def test_items_are_the_sources(dataset_folder):
    rows = load_claims(str(dataset_folder), "train")
    items = items_of(rows)
    assert [item.text for item in items] == list(rows["source_text"])
    assert {item.others for item in items} == {("negative",), ("positive",)}
    with pytest.raises(ValueError, match="got the source 'elsewhere'"):
        items_of(rows.select(range(1)).map(lambda row: {"source": "elsewhere"}))
