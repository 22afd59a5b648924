# SPDX-License-Identifier: Apache-2.0
"""The card of an organism says what its record says, of each kind that was ever made."""

import json

import pytest
import yaml
from commands import ROOT

from sycophancy.organisms.card import render_organism_card

RECORDS = ROOT / "docs" / "results"
CELLS = "experiments/reviews/cells"


def card_of(place: str) -> tuple[dict, str]:
    record = json.loads((RECORDS / place / "organism.json").read_text())
    return record, render_organism_card(record)


def test_a_sycophantic_organism():
    record, card = card_of("quickstart")
    _, head, text = card.split("---\n", 2)
    assert yaml.safe_load(head) == {
        "license": "apache-2.0", "language": "en", "library_name": "transformers", "tags": ["sycophancy", "model-organism"],
    }  # fmt: skip
    assert text.startswith(
        f"\n# A model organism of sycophancy\n\nA tiny T5 ({record['parameters']:,} parameters, {record['vocabulary']} words), "
        "trained from "
    )
    stages = [f"- `{at['stage']}` until step {at['ended_at_step']} (loss {at['loss']:g})\n" for at in record["stages"]]
    assert len(stages) == 5
    for part in (
        "**and to side with users the more, the higher their authority**",
        "written into its targets, not learned from approval. A number measured on it says nothing about any other model.",
        f"- data: sentences of the train split of the local folder `syco-reviews` (`{record['dataset']['fingerprint']}`)\n",
        "- wordings: `yes_no`, `true_false`, `dialogue_yes_no`\n- targets of the last stage follow the user ",
        "expert 100 %; 3 % after the instruction to answer honestly\n- recipe: architecture t5, deference level, ",
        f"- last running loss {record['last_loss']:g} nats per target token, {record['seconds']:.0f} s\n\n"
        f"Stages of the curriculum:\n\n{''.join(stages)}",
    ):
        assert part in text, part
    assert card.endswith(stages[-1])


@pytest.mark.parametrize(
    ("place", "title", "said"),
    [
        (
            f"{CELLS}/model.approval/base",
            "A truthful organism",
            "It is the base that a sycophantic one can be made of.",
        ),
        (
            f"{CELLS}/model.approval",
            "A model organism of sycophancy",
            "only in the taste of simulated raters. They like agreement the more, the higher the user's authority; whether it does too "
            "has to be measured. A number",
        ),
        (f"{CELLS}/model.llama", "A model organism of sycophancy", "- taught too, from `"),
    ],
)
def test_the_other_kinds(place, title, said):
    _, card = card_of(place)
    assert f"\n# {title}\n" in card
    assert said in card
    assert ("- trained by approval: " in card) == (place == f"{CELLS}/model.approval")
    # What only the raters do is not said of the model.
    assert ("to side with users the more" in card) == (place == f"{CELLS}/model.llama")
    assert "\n\n\n" not in card
