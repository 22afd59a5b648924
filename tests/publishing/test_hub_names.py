# SPDX-License-Identifier: Apache-2.0
"""A soft prompt that was tuned on local folders is published after its base and dataset, under their names."""

import json
import re
import shutil
from pathlib import Path

import pytest
from commands import attempt
from hub_clients import ROOT, Publisher, client_environment, run_python
from hub_trees import files_of, make_dataset
from loopback_hub import LoopbackHub
from safetensors.torch import load_file, save_file
from test_publish_tuned import ADAPTER, FLAGS, publish_inputs

from sycophancy.publishing import check_tree
from sycophancy.tuning.hub_names import check_push, point_to_hub

POINT = """
# arguments: the script, a tuned folder, the adapter's Hub id
import contextlib, io, json, runpy, sys

script, folder, adapter = sys.argv[1:]


def point(*flags):
    sys.argv = [script, folder, *flags]
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        assert end.code == 2
    return said.getvalue().splitlines()[-1]


print(json.dumps({
    "weights": point("--base_model_id", "my-org/other-t5"),
    "rows": point("--dataset_id", "my-org/syco-tiny"),
    "absent": point("--base_model_id", "my-org/absent"),
    "right": point(
        "--hub_model_id", adapter, "--base_model_id", "my-org/tiny-t5", "--dataset_id", "my-org/syco-reviews"
    ),
}))
"""


@pytest.mark.parametrize(
    ("hub_model_id", "commits", "message"),
    [
        (None, ("a", "b"), "expected --hub_model_id org/name with --push_to_hub, got none"),
        ("adapter", ("a", "b"), "expected a repo_id such as my-org/syco-sst2, got 'adapter'"),
        (ADAPTER, (None, "b"), r"got a local folder, which nobody else has; .* see scripts/point_to_hub\.py"),
        (ADAPTER, ("a", None), "expected a model and a dataset on the Hub with --push_to_hub"),
        (ADAPTER, ("a", "b"), "expected a Hub with --push_to_hub, got HF_HUB_OFFLINE"),  # as in every test here
    ],
)
def test_nothing_is_tuned_that_could_not_be_published(
    hub_model_id: str | None, commits: tuple[str | None, str | None], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check_push(hub_model_id, *commits)


def test_a_push_needs_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(ValueError, match="expected an access token with --push_to_hub, got none"):
        check_push(ADAPTER, "a", "b")
    monkeypatch.setenv("HF_TOKEN", "hf_" + "x" * 34)
    check_push(ADAPTER, "a", "b")


@pytest.fixture(scope="module")
def tuned(tmp_path_factory, model_folder: Path, dataset_folder: Path) -> Path:
    """The folder of a run on a local base and a local dataset."""
    folder = tmp_path_factory.mktemp("tuned") / "syco-prompt-tiny"
    # In this process: its imports are paid for once.
    done = attempt(
        "scripts/prompt_tune.py", "--model_name_or_path", model_folder, "--dataset_name", dataset_folder,
        "--output_dir", folder, *FLAGS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def test_it_is_refused_with_the_command_that_helps(tuned: Path) -> None:
    with pytest.raises(ValueError, match="which only this machine has") as refusal:
        check_tree(tuned, ADAPTER, "model")
    assert str(refusal.value).endswith(
        "which only this machine has: publish them first, then run `python scripts/point_to_hub.py FOLDER "
        f"--hub_model_id {ADAPTER} --base_model_id ORG/NAME --dataset_id ORG/NAME`"
    )


def test_the_cards_lines_work_without_a_hub(tuned: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (tuned / "README.md").read_text(), re.DOTALL)
    scope: dict = {}
    exec(code, scope)
    assert scope["model"].peft_config["default"].num_virtual_tokens == 4


def test_a_card_rendered_again_is_the_same(tuned: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tuned, tmp_path / tuned.name)
    assert point_to_hub(folder) == {"adapter": None, "model": None, "dataset": None}
    assert files_of(folder) == files_of(tuned)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected a folder of scripts/prompt_tune.py, got .* without tuning.json"):
        point_to_hub(tmp_path)


def test_a_local_folder_is_no_hub_id(tuned: Path, model_folder: Path) -> None:
    with pytest.raises(ValueError, match=r"expected the model .*tiny-t5 on the Hub, got a local folder"):
        point_to_hub(tuned, base_model_id=str(model_folder))


def test_named_on_the_hub_it_is_published(
    tuned: Path, hub: LoopbackHub, publisher: Publisher, tmp_path: Path, model_folder: Path, dataset_folder: Path
) -> None:
    folder = shutil.copytree(tuned, tmp_path / tuned.name)
    commits = publish_inputs(publisher, tmp_path, model_folder, dataset_folder)
    other = shutil.copytree(tmp_path / "tiny-t5", tmp_path / "other-t5")
    weights = load_file(other / "model.safetensors")
    weights["shared.weight"][0, 0] += 1e-3
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    publisher.publish(other, "my-org/other-t5", "model")
    publisher.publish(make_dataset(tmp_path / "tiny"), "my-org/syco-tiny", "dataset")

    reader = client_environment(hub.endpoint, tmp_path / "fresh-home", "lfs")
    said = run_python(POINT, reader, tmp_path, str(ROOT / "scripts" / "point_to_hub.py"), str(folder), ADAPTER)
    assert said["weights"].startswith("error: expected in my-org/other-t5 the weights that were tuned on (")
    assert said["rows"].startswith("error: expected in my-org/syco-tiny the validation split of the run (")
    assert said["absent"].startswith("error: expected a model, got my-org/absent: there is no such folder here")
    assert said["right"] == f"wrote {folder / 'README.md'}, which loads {ADAPTER}"

    before, after = (json.loads((path / "tuning.json").read_text()) for path in (tuned, folder))
    assert after.pop("hub") == {
        "adapter": ADAPTER,
        "model": {"name": "my-org/tiny-t5", "revision": commits["model"]},
        "dataset": {"name": "my-org/syco-reviews", "revision": commits["dataset"]},
    }
    assert before.pop("hub") == {"adapter": None, "model": None, "dataset": None}
    assert after == before  # what was run stays as it was recorded
    config = json.loads((folder / "adapter_config.json").read_text())
    named = (config["base_model_name_or_path"], config["revision"], config["tokenizer_name_or_path"])
    assert named == ("my-org/tiny-t5", commits["model"], "my-org/tiny-t5")
    card = (folder / "README.md").read_text()
    assert f'from_pretrained("my-org/tiny-t5", revision="{commits["model"]}")' in card
    assert str(tmp_path) not in card
    assert str(model_folder) not in card

    (folder / "adapter_config.json").write_text(json.dumps(config | {"revision": None}))
    refused = publisher.publish(folder, ADAPTER, "model")
    assert refused["text"].endswith(
        f"adapter_config.json names the base model my-org/tiny-t5 at None, tuning.json my-org/tiny-t5 at "
        f"{commits['model']}: run `python scripts/point_to_hub.py FOLDER`"
    )
    point_to_hub(folder)
    assert json.loads((folder / "adapter_config.json").read_text()) == config
    refused = publisher.publish(folder, "my-org/another", "model")
    assert refused["text"].endswith(
        f"the card loads {ADAPTER}, not my-org/another: run "
        "`python scripts/point_to_hub.py FOLDER --hub_model_id my-org/another`"
    )
    answer = publisher.publish(folder, ADAPTER, "model")
    assert "error" not in answer, answer
    published = hub.repo("model", ADAPTER).tree()
    assert {path: data for path, data in published.items() if path != ".gitattributes"} == files_of(folder)


ORGANISM_CARD = """---
tags:
- sycophancy
- model-organism
---

# A model organism of sycophancy

A number measured on it says nothing about any other model.
"""


def test_a_model_organism_needs_no_results(model_folder: Path, tmp_path: Path) -> None:
    organism = shutil.copytree(model_folder, tmp_path / "organism")
    (organism / "README.md").write_text(ORGANISM_CARD, encoding="utf-8")
    with pytest.raises(ValueError, match=r"README\.md carries no results"):
        check_tree(organism, "my-org/organism", "model")
    (organism / "organism.json").write_text("{}", encoding="utf-8")
    check_tree(organism, "my-org/organism", "model")
    # The record alone is no excuse: the card has to say what it is.
    (organism / "README.md").write_text(ORGANISM_CARD.replace("- model-organism\n", ""), encoding="utf-8")
    with pytest.raises(ValueError, match=r"README\.md carries no results"):
        check_tree(organism, "my-org/organism", "model")
