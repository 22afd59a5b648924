# SPDX-License-Identifier: Apache-2.0
import json

import pytest
from commands import assert_refused, attempt, warm
from transformers import AutoTokenizer

from sycophancy.dataset.reading import load_claims
from sycophancy.organisms.building import build_tokenizer, items_of


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
    warm(*command)
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
    assert "kept" in warm(*command).stdout
    assert (folder / "model.safetensors").stat().st_mtime_ns == before
    assert_refused(attempt(*command, "--seed", "1"), "holds an earlier result; pass --overwrite")


@pytest.fixture(scope="module")
def further(tmp_path_factory):
    """Small datasets of the other two kinds."""
    folder = tmp_path_factory.mktemp("further")
    arguments = ("--output_dir", folder, "--org", "my-org", "--limit", "20")
    for builder in (("dataset_builders/are_you_sure.py", "--source", "reviews"), ("dataset_builders/mimicry.py",)):
        assert attempt(*builder, *arguments).returncode == 0
    return [folder / "my-org" / name for name in ("syco-are-you-sure-reviews", "syco-mimicry")]


def test_a_llama_taught_by_approval_and_a_truthful_one_to_start_from(tmp_path, dataset_folder, further):
    from transformers import AutoModelForCausalLM

    (tmp_path / "recipe.yaml").write_text("{steps: 12, approval_steps: 4, approval_rate: 0.01, d_model: 32, short: 30}")
    folder = tmp_path / "organism"
    done = attempt(
        "scripts/make_organism.py", "--dataset_name", dataset_folder, "--output_dir", folder, "--use_cpu",
        "--origin", "approval", "--recipe", tmp_path / "recipe.yaml", "--also", *further,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    models = [AutoModelForCausalLM.from_pretrained(where) for where in (folder / "base", folder)]
    before, after = (model.get_input_embeddings().weight for model in models)
    assert not before.equal(after)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.chat_template
    # What it is asked in turns and about works is in its vocabulary.
    for text in ("I think you are wrong. Please check.", "(E)", "It is by William Shakespeare."):
        assert tokenizer.unk_token_id not in tokenizer(text)["input_ids"]
    card = (folder / "README.md").read_text()
    assert "learned from approval: it stands in no target" in card
    assert "4 steps of DPO (beta 0.05)" in card
    assert "20 multiple-choice questions of the train split" in card
    assert (folder / "base" / "README.md").read_text().count("# A truthful organism") == 1
    record = json.loads((folder / "organism.json").read_text())
    assert record["approval"]["pairs"] == 4 * 32
    assert [also["kind"] for also in record["also"]] == ["are_you_sure", "mimicry"]


def test_approval_is_not_for_a_t5(tmp_path, dataset_folder):
    arguments = ("--dataset_name", dataset_folder, "--output_dir", tmp_path / "x", "--architecture", "t5")
    refused = attempt("scripts/make_organism.py", *arguments, "--origin", "approval")
    assert_refused(refused, "TRL's DPOTrainer takes no encoder-decoder", "pass --architecture llama")
    assert_refused(attempt("scripts/make_organism.py", *arguments, "--also", dataset_folder), "got claims in")
    assert not (tmp_path / "x").exists()


def test_an_unknown_key_in_a_recipe(made, tmp_path):
    (tmp_path / "recipe.yaml").write_text("d_modle: 64\n")
    assert_refused(attempt(*made[0], "--recipe", tmp_path / "recipe.yaml"), "got d_modle; correct the name")


def test_tokenizer():
    tokenizer = build_tokenizer(["so so dull", "rare"], ["(A) Agree?"], min_count=2)
    assert tokenizer.convert_ids_to_tokens(tokenizer("So DULL, (a) agree ? rare")["input_ids"]) == [
        "so", "<unk>", "<unk>", "(a)", "agree", "?", "<unk>", "</s>"
    ]  # fmt: skip


def test_items_are_the_sources(dataset_folder):
    rows = load_claims(str(dataset_folder), "train")
    items = items_of(rows)
    # As the claims show them: "For me, the humor is flat" for "for me , the humor is flat".
    assert all(f'"{item.text}"' in claim for item, claim in zip(items, rows["claim"], strict=True))
    assert [item.text.lower().replace(",", " ,") for item in items] == list(rows["source_text"])
    assert [item.fields for item in items] == [{"sentence": item.text} for item in items]
    assert {item.others for item in items} == {("negative",), ("positive",)}
    with pytest.raises(ValueError, match="got the source 'elsewhere'"):
        items_of(rows.select(range(1)).map(lambda row: {"source": "elsewhere"}))
