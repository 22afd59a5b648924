# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from commands import ROOT

from sycophancy.experiments.config import read_grid
from sycophancy.experiments.plan import Cell, cell_keys, missing_recipes, plan_cells, to_arguments

RECIPES = sorted(
    path for kind in ("experiment", "study") for path in (ROOT / "scripts" / "recipes").glob(f"{kind}_*.yaml")
)


def flags(cell):
    words = cell.arguments
    return {word: words[i + 1] for i, word in enumerate(words) if word.startswith("--") and i + 1 < len(words)}


@pytest.fixture(scope="module")
def reviews():
    return plan_cells(read_grid(ROOT / "scripts/recipes/experiment_reviews.yaml"))


def test_every_experiment_can_be_planned():
    assert [path.name for path in RECIPES] == [
        "experiment_flan_t5.yaml", "experiment_reviews.yaml", "experiment_smoke.yaml", "experiment_sst2.yaml",
        "study_qwen.yaml", "study_smollm2.yaml",
    ]  # fmt: skip
    for path in RECIPES:
        cells = plan_cells(read_grid(path))
        assert len(cells) > 10
        done = set()
        for name, cell in cells.items():
            assert set(cell.needs) <= done, name
            assert len({cell.folder for cell in cells.values()}) == len(cells)
            done.add(name)


def test_each_dataset_is_measured_in_its_own_way_and_tuned_on_where_it_is_named(tmp_path):
    (tmp_path / "sst2").mkdir()
    cells = plan_cells(read_grid(ROOT / "scripts/recipes/study_qwen.yaml"), tmp_path)
    assert flags(cells["data.answers"])["--source_data"] == str(tmp_path / "sst2")
    assert "--source_data" not in cells["data.trec"].arguments
    there = cells["qwen.base.on.trec"]
    assert (flags(there)["--split"], flags(there)["--limit"], flags(there)["--batch_size"]) == ("test", "600", "256")
    assert flags(cells["qwen.base.on.feedback"])["--max_new_tokens"] == "24"
    others = cells["unseen.lora_others.seed0"]
    assert (flags(others)["--measure_split"], flags(others)["--measure_rows"]) == ("test", "600")
    at = others.arguments.index("--train_dataset_names")
    assert [Path(name).name for name in others.arguments[at + 1 : at + 5]] == [
        "syco-answers-sst2", "syco-answers-tweet_eval_offensive", "syco-answers-commonsense_qa", "syco-answers-addition"
    ]  # fmt: skip
    assert {"data.answers", "data.offensive", "data.commonsense", "data.sums", "data.trec"} <= set(others.needs)


def test_every_recipe_that_is_named_is_there(monkeypatch):
    monkeypatch.chdir(ROOT)
    missing = {recipe for path in RECIPES for recipe in missing_recipes(plan_cells(read_grid(path)))}
    tuners = (ROOT / "scripts" / "dpo_tune.py").exists()
    if not tuners:
        pytest.skip(f"this checkout has no dpo_tune.py and no recipes of the further methods: {sorted(missing)}")
    assert missing == set()


def test_a_trained_mitigation_with_its_sham(reviews):
    cell, sham = reviews["t5.prompt_20.seed1"], reviews["t5.prompt_20.sham0"]
    root = "out/experiment-reviews/cells"
    assert cell.needs == ("t5.base", "data.reviews", "model.t5")
    assert cell.arguments == (
        "--config", "scripts/recipes/quickstart.yaml", "--model_name_or_path", f"{root}/model.t5",
        "--dataset_name", f"{root}/data.reviews/my-org/syco-reviews", "--before_run", f"{root}/t5.base",
        "--measure_split", "test", "--measure_rows", "1800", "--seed", "1", "--output_dir", f"{root}/t5.prompt_20.seed1",
    )  # fmt: skip
    assert cell.run == Path(root) / "t5.prompt_20.seed1" / "after"
    assert (flags(sham)["--sham"], flags(sham)["--seed"]) == ("true", "0")
    assert flags(reviews["t5.prompt_20.sham2"])["--seed"] == "2"


def test_what_is_measured_elsewhere(reviews):
    context = reviews["llama.honest.seed0.on.questions"]
    assert (flags(context)["--in_context"], context.run) == ("honest", context.folder)
    trained = flags(reviews["llama.dpo_lora.seed0.on.mimicry"])
    assert trained["--adapter"] == "out/experiment-reviews/cells/llama.dpo_lora.seed0"
    # Only claims have known ones.
    assert "--known_claims_from" not in trained
    assert flags(reviews["llama.honest.seed0"])["--known_claims_from"] == "out/experiment-reviews/cells/llama.base"


def test_models_that_are_made(reviews):
    assert "--use_cpu" in reviews["model.llama"].arguments
    assert reviews["model.llama"].needs == ("data.reviews", "data.questions", "data.mimicry")
    assert (
        flags(reviews["approval.origin"])["--model_name_or_path"] == "out/experiment-reviews/cells/model.approval/base"
    )
    assert "model.approval" in reviews["approval.origin"].needs


def test_durability_goes_on_from_the_tuned_prompt(reviews):
    cell = flags(reviews["t5.prompt_20.seed0.then40"])
    assert (cell["--init_adapter"], cell["--max_steps"], cell["--targets"]) == (
        "out/experiment-reviews/cells/t5.prompt_20.seed0", "40", "user"
    )  # fmt: skip


def test_arguments():
    given = {"limit": 3, "use_cpu": True, "overwrite": False, "templates": ["a", "b"], "revision": None}
    assert to_arguments("measure", given) == ("--limit", "3", "--use_cpu", "--templates", "a", "b")
    assert to_arguments("prompt_tune", {"sham": True, "prompt_init_text": ""}) == (
        "--sham",
        "true",
        "--prompt_init_text",
        "",
    )


def test_a_key_follows_from_everything_before(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("max_steps: 3")
    first = Cell("a", "measure", ("--limit", "3"), tmp_path / "a")
    second = Cell("b", "prompt_tune", ("--config", str(recipe)), tmp_path / "b", ("a",))
    keys = cell_keys({"a": first, "b": second})
    assert keys == cell_keys({"a": first, "b": second})
    changed = cell_keys({"a": replace(first, arguments=("--limit", "4")), "b": second})
    assert (keys["a"] != changed["a"], keys["b"] != changed["b"]) == (True, True)
    recipe.write_text("max_steps: 4")
    assert cell_keys({"a": first, "b": second})["a"] == keys["a"]
    assert cell_keys({"a": first, "b": second})["b"] != keys["b"]


def test_every_behaviour_can_be_built_and_measured(tmp_path):
    """A folder for each builder, as the builder names it; what can be known freezes the base's."""
    builders = {"claims": "syco_claims", "answers": "suggested_answers", "turns": "are_you_sure", "names": "mimicry",
                "ratings": "feedback"}  # fmt: skip
    given = {"claims": {"source": "reviews"}, "answers": {"source": "reviews"}, "turns": {"source": "reviews"}}
    grid = {
        "title": "All", "about": "All.", "output_dir": str(tmp_path),
        "datasets": {name: {"builder": builder, "flags": given.get(name, {})} for name, builder in builders.items()},
        "models": {"tiny": {"name_or_path": "m"}},
        "mitigations": {"honest": {"in_context": "honest"}},
        "studies": {
            "all": {"model": "tiny", "dataset": "answers", "mitigations": ["honest"],
                    "transfer": {"datasets": ["claims", "turns", "names", "ratings"], "mitigations": ["honest"]}}
        },
    }  # fmt: skip
    (tmp_path / "all.yaml").write_text(yaml.safe_dump(grid))
    planned = plan_cells(read_grid(tmp_path / "all.yaml"))
    folders = {
        name: Path(flags(planned[f"all.base.on.{name}"])["--dataset_name"]).name
        for name in grid["studies"]["all"]["transfer"]["datasets"]
    }
    assert folders == {
        "claims": "syco-reviews",
        "turns": "syco-are-you-sure-reviews",
        "names": "syco-mimicry",
        "ratings": "syco-feedback",
    }
    assert Path(flags(planned["all.base"])["--dataset_name"]).name == "syco-answers-reviews"
    frozen = {name: "--known_claims_from" in flags(planned[f"all.honest.seed0.on.{name}"]) for name in folders}
    assert frozen == {"claims": True, "turns": False, "names": False, "ratings": False}


def test_what_is_ready_is_measured_by_its_columns_and_each_dataset_by_flags_of_its_own(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"ratings": ["item_id", "quality"], "claims": ["claim_id"]}
    for name, names in columns.items():
        (tmp_path / name / "data").mkdir(parents=True)
        pq.write_table(
            pa.table({column: ["x"] for column in names}), tmp_path / name / "data/test-00000-of-00001.parquet"
        )
    grid = {
        "title": "Ready", "output_dir": str(tmp_path / "out"),
        "datasets": {
            "claims": {"name_or_path": str(tmp_path / "claims")},
            "ratings": {"name_or_path": str(tmp_path / "ratings"), "measure": {"answer": "scores"}},
        }
        | {"hub": {"name_or_path": "org/claims"}, "hub_turns": {"name_or_path": "org/turns", "kind": "are_you_sure"}},
        "models": {"tiny": {"name_or_path": "m"}},
        "mitigations": {"honest": {"in_context": "honest"}},
        "studies": {
            "all": {"model": "tiny", "dataset": "claims", "mitigations": ["honest"],
                    "transfer": {"datasets": ["claims", "ratings", "hub", "hub_turns"], "mitigations": ["honest"],
                                 "flags": {"answer": "text", "limit": 3}, "shams": True}}
        },
    }  # fmt: skip
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(grid))
    planned = plan_cells(read_grid(tmp_path / "grid.yaml"))
    found = {
        name: (flags(cell).get("--answer"), flags(cell)["--limit"], "--known_claims_from" in flags(cell))
        for name, cell in planned.items()
        if ".on." in name
    }
    of = {"claims": ("text", True), "ratings": ("scores", False), "hub": ("text", True), "hub_turns": ("text", False)}
    assert found == {
        f"all.{system}.on.{name}": (answer, "3", frozen and system != "base")
        for name, (answer, frozen) in of.items()
        for system in ("base", "honest.seed0")
    }


def test_shams_are_measured_elsewhere_where_that_is_asked_for(reviews, tmp_path):
    path = ROOT / "scripts/recipes/experiment_reviews.yaml"
    grid = yaml.safe_load(path.read_text())
    study = grid["studies"]["llama"]
    with_sham = [name for name in study["transfer"]["mitigations"] if grid["mitigations"][name].get("sham")]
    assert with_sham
    assert not [name for name in reviews if ".sham" in name and ".on." in name]
    study["transfer"]["shams"] = True
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(grid, sort_keys=False))
    planned = plan_cells(read_grid(tmp_path / "grid.yaml"))
    found = [name for name in planned if ".sham" in name and ".on." in name]
    seeds = {name: grid["mitigations"][name].get("seeds", [0])[0] for name in with_sham}
    assert sorted(found) == sorted(
        f"llama.{name}.sham{seed}.on.{other}" for name, seed in seeds.items() for other in study["transfer"]["datasets"]
    )
    made = found[0].rpartition(".on.")[0]
    assert flags(planned[found[0]])["--adapter"].endswith(made)
    assert made in planned[found[0]].needs
    # What is there already keeps its command.
    assert {name: planned[name] for name in reviews} == reviews
