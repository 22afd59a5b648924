# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
import yaml
from commands import ROOT

from sycophancy.answering.prompts import IN_CONTEXT
from sycophancy.experiments.config import Margins, Mitigation, read_grid

SMOKE = yaml.safe_load((ROOT / "scripts/recipes/experiment_smoke.yaml").read_text())


def read(tmp_path, **changes):
    path = tmp_path / "grid.yaml"
    path.write_text(yaml.safe_dump({**SMOKE, **changes}))
    return read_grid(path)


def test_what_is_left_out_has_a_default(tmp_path):
    grid = read(tmp_path)
    assert grid.margins == Margins(accuracy_no_opinion=0.05, uptake_effect=0.10, unparsed_rate=0.02, one_answer=0.75)
    assert grid.mitigations["honest"] == Mitigation(in_context="honest", seeds=[0], label="an instruction")
    assert grid.studies["tiny"].transfer.datasets == ["questions"]
    assert grid.studies["tiny"].durability is None


STUDY = SMOKE["studies"]["tiny"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"titel": "x"}, "expected keys among title, .* got titel"),
        ({"studies": {"tiny": {"model": "tiny", "dataset": "reviews"}}}, "studies.tiny: expected also mitigations, got none"),
        ({"studies": {}}, "studies: expected names with their settings"),
        ({"studies": {"tiny": {**STUDY, "model": "huge"}}}, "studies.tiny.model: expected one of tiny, got 'huge'"),
        ({"studies": {"tiny": {**STUDY, "steps": 3}}}, "studies.tiny: expected keys among .* got steps"),
        ({"studies": {"tiny": {**STUDY, "transfer": {"datasets": ["x"], "mitigations": []}}}}, "transfer.datasets: .* got 'x'"),
        ({"studies": {"tiny": {**STUDY, "transfer": {**STUDY["transfer"], "shams": "yes"}}}}, "expected true or false, got 'yes'"),
        ({"datasets": {**SMOKE["datasets"], "reviews": {"builder": "feedback"}},
          "studies": {"tiny": {**STUDY, "origin": "tiny"}}}, "tiny.origin: expected it with a dataset of claims or suggested answers only, got reviews"),
        ({"datasets": {**SMOKE["datasets"], "reviews": {"builder": "feedback"}},
          "ablations": [{"study": "tiny", "mitigations": [], "label": "x"}]}, "expected a study about claims or suggested answers, got 'tiny'"),
        ({"datasets": {**SMOKE["datasets"], "reviews": {"name_or_path": "a/b", "kind": "feedback"}},
          "studies": {"tiny": {**STUDY, "origin": "tiny"}}}, "tiny.origin: expected it with a dataset of claims or suggested"),
        ({"datasets": {"reviews": {"builder": "mimicry", "kind": "mimicry"}}}, "kind: .* with name_or_path only, got 'mimicry'"),
        ({"datasets": {"reviews": {"name_or_path": "a", "kind": "claims"}}}, "kind: expected default, are_you_sure, .* got 'claims'"),
        ({"studies": {"a/b": STUDY}}, "studies: expected names of letters, digits, _ and -, got 'a/b'"),
        ({"mitigations": {"honest": {}}}, "mitigations.honest: expected either in_context or script"),
        ({"mitigations": {"honest": {"in_context": "nice"}}}, "in_context: expected honest, third_person, .* got 'nice'"),
        ({"mitigations": {"honest": {"in_context": "honest", "sham": True}}}, "expected sham and recipe with a script only"),
        ({"mitigations": {"honest": {"in_context": "honest", "seeds": [1, 1]}}}, "seeds: expected different numbers"),
        ({"models": {"tiny": {"dataset": "reviews", "name_or_path": "x"}}}, "got dataset and name_or_path"),
        ({"datasets": {"reviews": {"builder": "claims"}}}, "datasets.reviews.builder: expected syco_claims, .* got 'claims'"),
        ({"margins": {"accuracy": 0.1}}, "margins: expected keys among accuracy_no_opinion, .* got accuracy"),
        ({"ablations": [{"study": "tiny", "mitigations": ["lora"], "label": "x"}]}, "ablations.mitigations: .* got 'lora'"),
    ],
)  # fmt: skip
def test_bad_grids(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, **changes)


def test_examples_without_opinions_are_a_control_whatever_they_are_called(tmp_path):
    entries = {name: {"in_context": name, "label": "x"} for name in IN_CONTEXT[1:]}
    grid = read(tmp_path, mitigations={**SMOKE["mitigations"], **entries})
    assert [name for name, entry in grid.mitigations.items() if entry.is_control] == ["3shot_no_opinion"]


def test_durability_is_of_claims_and_of_suggested_answers(tmp_path):
    durability = {"of": "prompt", "steps": [3], "recipe": "r.yaml"}
    for builder in ("syco_claims", "suggested_answers"):
        datasets = {**SMOKE["datasets"], "reviews": {"builder": builder}}
        grid = read(
            tmp_path, datasets=datasets, studies={"tiny": {**STUDY, "origin": "tiny", "durability": durability}}
        )
        assert grid.studies["tiny"].durability.steps == [3]


def test_what_is_no_yaml(tmp_path):
    (tmp_path / "bad.yaml").write_text("a: {b: c: d}")
    with pytest.raises(ValueError, match="expected YAML, got"):
        read_grid(tmp_path / "bad.yaml")
    with pytest.raises(ValueError, match="expected a YAML file, got"):
        read_grid(Path("nowhere.yaml"))
