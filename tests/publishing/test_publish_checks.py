# SPDX-License-Identifier: Apache-2.0
"""A whole folder passes; every way of not being whole is named, and nothing else is said."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hub_trees import dataset_rows, make_adapter, make_dataset, make_metric, write_safetensors

from sycophancy.publishing import check_tree

TOKEN = "hf_" + "aB3" * 12
MAKERS = {
    "dataset": (make_dataset, "my-org/syco-tiny"),
    "model": (make_adapter, "my-org/tiny-adapter"),
    "space": (make_metric, "my-org/syco_alignment"),
}


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    """Replace `old`, which must be there, in a file."""

    def spoil(tree: Path) -> None:
        text = (tree / name).read_text(encoding="utf-8")
        assert old in text
        (tree / name).write_text(text.replace(old, new), encoding="utf-8")

    return spoil


def add(name: str, content: bytes = b"x") -> Callable[[Path], None]:
    return lambda tree: (tree / name).write_bytes(content)


def remove(name: str) -> Callable[[Path], None]:
    return lambda tree: (tree / name).unlink()


def write_rows(name: str, rows: list[dict[str, object]]) -> Callable[[Path], None]:
    def spoil(tree: Path) -> None:
        schema = pyarrow.Table.from_pylist(dataset_rows("train", 1)).schema
        table = pyarrow.Table.from_pylist(rows, schema=schema)
        pyarrow.parquet.write_table(table, tree / "data" / name, compression="zstd")

    return spoil


def truncate(name: str) -> Callable[[Path], None]:
    return lambda tree: (tree / name).write_bytes((tree / name).read_bytes()[:-10])


def adapter_config(**changes: object) -> Callable[[Path], None]:
    def spoil(tree: Path) -> None:
        config = json.loads((tree / "adapter_config.json").read_text())
        (tree / "adapter_config.json").write_text(json.dumps({**config, **changes}))

    return spoil


def checkpoint(tree: Path) -> None:
    (tree / "checkpoints" / "checkpoint-8").mkdir(parents=True)
    (tree / "checkpoints" / "checkpoint-8" / "optimizer.pt").write_bytes(b"x")


def full_model(tree: Path) -> None:
    (tree / "adapter_config.json").unlink()
    (tree / "config.json").write_text("{}")


def with_token(tree: Path) -> None:
    rows = dataset_rows("train", 40)
    rows[17]["prompt"] = f"plain: is sentence 1 {TOKEN}?"  # neither first nor last: those two stand in the footer
    write_rows("train-00000-of-00001.parquet", rows)(tree)
    assert TOKEN.encode() not in (tree / "data" / "train-00000-of-00001.parquet").read_bytes()  # compressed


TRAIN = "data/train-00000-of-00001.parquet"
SPOILED = [
    # every kind
    ("dataset", remove("README.md"), "there is no README.md"),
    ("dataset", edit("README.md", "---\nlicense", "license"), "does not begin with YAML"),
    ("model", edit("README.md", "base_model: my", "base_model: [my"), "the YAML of README.md cannot be read"),
    ("dataset", edit("README.md", "Rows of a test.", "TODO: describe"), "README.md still contains TODO"),
    (
        "dataset",
        edit("README.md", "Rows of a test.", "[More Information Needed]"),
        "[More Information Needed]",
    ),
    ("dataset", edit("README.md", "Rows of a test.", "{{ description }}"), "an unfilled template field"),
    ("dataset", edit("README.md", "Rows of a test.", "TBD"), "README.md still contains TBD"),
    (
        "model",
        edit("README.md", "The rate", "<!-- Provide a summary. -->"),
        "an instruction of the card template",
    ),
    ("model", add("training_args.bin"), "training_args.bin must not be published"),
    ("model", add(".env", b"A=1"), ".env must not be published"),
    ("model", add("run.json.tmp"), "run.json.tmp looks like a file that was still being written"),
    ("model", add("run.json", json.dumps({"env": TOKEN}).encode()), "run.json contains a Hugging Face token"),
    ("model", add("id", b"-----BEGIN OPENSSH PRIVATE KEY-----\n"), "id contains a private key"),
    ("space", edit("app.py", "The page", f"token={TOKEN}"), "app.py contains a Hugging Face token"),
    # datasets
    ("dataset", add("syco-tiny.py"), "syco-tiny.py in a dataset makes load_dataset refuse the repository"),
    ("dataset", truncate(TRAIN), "load_dataset cannot load it: ArrowInvalid"),
    ("dataset", remove(TRAIN), "load_dataset cannot load it: ValueError: Couldn't infer"),
    ("dataset", write_rows("train-00000-of-00001.parquet", []), f"{TRAIN} has no rows"),
    (
        "dataset",
        write_rows("extra.parquet", dataset_rows("train", 2)),
        "data/extra.parquet belongs to no split",
    ),
    ("dataset", with_token, "default/train, column prompt, contains a Hugging Face token"),
    # models
    ("model", edit("README.md", "value: 0.25", "value: .nan"), "README.md carries no results"),
    ("model", edit("README.md", "model-index", "other-index"), "README.md carries no results"),
    ("model", edit("README.md", "value: 0.25", "value: n/a"), "README.md carries no results"),
    ("model", remove("adapter_model.safetensors"), "there is no adapter_model.safetensors"),
    ("model", truncate("adapter_model.safetensors"), "is not a whole safetensors file"),
    ("model", adapter_config(base_model_name_or_path="/home/ada/t5"), "names the base model '/home/ada/t5'"),
    ("model", adapter_config(base_model_name_or_path="out/quickstart/base"), "expected its id on the Hub"),
    ("model", adapter_config(base_model_name_or_path=None), "names the base model None"),
    ("model", remove("adapter_config.json"), "this is no model"),
    ("model", checkpoint, "checkpoint-8/ holds checkpoints of training"),
    ("model", add("tuning.json", b"{}"), "tuning.json is not the record of a tuning run"),
    # Spaces
    ("space", edit("README.md", "sdk: gradio\n", ""), "has no sdk"),
    (
        "space",
        lambda tree: (tree / "syco_alignment.py").rename(tree / "metric.py"),
        "looks for syco_alignment.py",
    ),
]


@pytest.mark.parametrize("repo_type", MAKERS)
def test_a_whole_folder_passes(repo_type: str, tmp_path: Path) -> None:
    make, repo_id = MAKERS[repo_type]
    check_tree(make(tmp_path), repo_id, repo_type)


def test_a_whole_model_with_eval_results_instead_of_model_index_passes(tmp_path: Path) -> None:
    make_adapter(tmp_path)
    full_model(tmp_path)
    edit("README.md", "model-index", "other-index")(tmp_path)
    (tmp_path / ".eval_results").mkdir()
    (tmp_path / ".eval_results" / "syco.yaml").write_text("- dataset: {id: my-org/syco-tiny}\n  value: 0.25\n")
    check_tree(tmp_path, "my-org/tiny", "model")


@pytest.mark.parametrize(("repo_type", "spoil", "message"), SPOILED, ids=[message for _, _, message in SPOILED])
def test_a_spoiled_folder_is_refused_for_that_one_reason(
    repo_type: str, spoil: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    make, repo_id = MAKERS[repo_type]
    spoil(make(tmp_path))
    with pytest.raises(ValueError, match="is not ready to be published") as refusal:
        check_tree(tmp_path, repo_id, repo_type)
    problems = str(refusal.value).split(f"published as {repo_id}: ")[1].split("; ")
    assert len(problems) == 1, problems
    assert message in problems[0]


def test_all_reasons_are_given_at_once(tmp_path: Path) -> None:
    make_adapter(tmp_path)
    add("training_args.bin")(tmp_path)
    edit("README.md", "value: 0.25", "value: TODO")(tmp_path)
    write_safetensors(tmp_path / "adapter_model.safetensors", "x", [1.0])
    truncate("adapter_model.safetensors")(tmp_path)
    with pytest.raises(ValueError, match=r"training_args.*TODO.*no results.*not a whole safetensors"):
        check_tree(tmp_path, "my-org/tiny", "model")


def test_the_callers_own_token_is_found_whatever_it_looks_like(tmp_path: Path) -> None:
    make_dataset(tmp_path)
    check_tree(tmp_path, "my-org/syco-tiny", "dataset", token="not-in-there")
    with pytest.raises(ValueError, match=r"default/train, column claim_id, contains your own access token"):
        check_tree(tmp_path, "my-org/syco-tiny", "dataset", token="tiny/train/0")


@pytest.mark.parametrize(
    ("repo_id", "repo_type", "message"),
    [
        ("syco", "dataset", "expected a repo_id such as my-org/syco-sst2, got 'syco'"),
        ("my-org/a/b", "dataset", "expected a repo_id"),
        ("my-org/../b", "dataset", "expected a repo_id"),
        ("my-org/syco", "datasets", "expected a repo_type of dataset, model, space, got 'datasets'"),
    ],
)
def test_wrong_names_are_refused(repo_id: str, repo_type: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        check_tree(make_dataset(tmp_path), repo_id, repo_type)
