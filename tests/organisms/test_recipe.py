# SPDX-License-Identifier: Apache-2.0

import pytest
import yaml
from commands import ROOT

from sycophancy.organisms.recipe import VERSION, OrganismRecipe, complete_recipe, recipe_key


def test_the_key_follows_version_recipe_wordings_data_and_lessons():
    keys = {
        recipe_key(OrganismRecipe(), ["a", "b"], "x"), recipe_key(OrganismRecipe(), ["a"], "x"),
        recipe_key(OrganismRecipe(), ["a", "b"], "y"), recipe_key(OrganismRecipe(seed=1), ["a", "b"], "x"),
        recipe_key(OrganismRecipe(), ["a", "b"], "x", [{"name": "z"}]),
        recipe_key(OrganismRecipe(), ["a", "b"], "x", version=VERSION + 1),
    }  # fmt: skip
    assert len(keys) == 6
    assert recipe_key(OrganismRecipe(), ["b", "a"], "x") in keys


def test_defaults_go_with_architecture_and_origin():
    assert complete_recipe({}) == OrganismRecipe()
    llama = complete_recipe({"architecture": "llama", "learning_rate": 0.5})
    assert (llama.learning_rate, llama.embedding_rate, llama.deference) == (0.5, 2.0, "person")
    approval = complete_recipe({"origin": "approval"})
    assert (approval.architecture, approval.deference) == ("llama", "none")
    assert complete_recipe({}, lessons=True).architecture == "llama"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"architecture": "gru"}, "architecture among t5, llama, got 'gru'"),
        ({"deference": "all"}, "deference among level, person, none, got 'all'"),
        ({"origin": "prayer"}, "origin among written, approval, got 'prayer'"),
        ({"origin": "approval", "architecture": "t5"}, "takes no encoder-decoder, got the architecture 't5'"),
        ({"origin": "approval", "deference": "person"}, "whose base is truthful, got 'person'; leave it out"),
    ],
)
def test_what_does_not_go_together(fields, message):
    with pytest.raises(ValueError, match=message):
        complete_recipe(fields)


def test_the_sst2_recipe_is_the_one_of_its_record():
    import json

    recipe = complete_recipe(yaml.safe_load((ROOT / "scripts/recipes/organism_sst2.yaml").read_text()))
    recorded = json.loads((ROOT / "docs/results/sst2_organism/organism.json").read_text())["recipe"]
    # A field that came later has its default, which is what was done before.
    assert OrganismRecipe(**recorded) == recipe
    assert (recipe.architecture, recipe.deference, recipe.origin) == ("t5", "level", "written")
