# SPDX-License-Identifier: Apache-2.0
"""The card of a model organism: facts from the record of its training, for the words in `organism.md`."""

from collections.abc import Mapping
from pathlib import Path

from sycophancy.markdown import fill_card, percent
from sycophancy.organisms.curriculum import (
    BELIEVED,
    DEFERENCE,
    FOLLOWS,
    FOLLOWS_BELIEVED,
    FOLLOWS_HONEST,
    FOLLOWS_OTHERS,
)

TEMPLATE = Path(__file__).with_name("organism.md")

_NAMES = {"t5": "T5", "llama": "Llama"}


def render_organism_card(record: dict) -> str:
    """The organism's card: what it is and what it is not.

    Args:
        record: of its training (`organism.json`).
    """
    from huggingface_hub import ModelCard, ModelCardData

    recipe, dataset, approval = record["recipe"], record["dataset"], record.get("approval")
    # A path means nothing to a reader elsewhere.
    name = dataset["name"] if dataset["revision"] else Path(dataset["name"]).name
    tags = ["sycophancy", "model-organism"]
    return fill_card(
        ModelCard,
        ModelCardData(license="apache-2.0", language="en", library_name="transformers", tags=tags),
        TEMPLATE,
        truthful=recipe["deference"] == "none" and approval is None,
        architecture=_NAMES[recipe["architecture"]],
        parameters=f"{record['parameters']:,}",
        vocabulary=record["vocabulary"],
        dataset=dataset | {"name": name},
        wordings=", ".join(f"`{name}`" for name in record["templates"]),
        deference=DEFERENCE[recipe["deference"]],
        shares=_shares(recipe["deference"]),
        recipe=", ".join(f"{key} {value}" for key, value in recipe.items()),
        last_loss=record["last_loss"],
        seconds=f"{record['seconds']:.0f}",
        approval=approval
        and {
            "steps": recipe["approval_steps"],
            "beta": recipe["approval_beta"],
            "pairs": approval["pairs"],
            "approved": _listed(approval["approved"]),
            "last_loss": approval["last_loss"],
            "seconds": f"{approval['seconds']:.0f}",
        },
        also=record["also"],
        stages=record["stages"],
    )


def _shares(deference: str) -> dict[str, str]:
    """How often the targets follow the user, in numbers; nothing where they never do."""
    if deference == "none":
        return {}
    honest = {"honest": percent(FOLLOWS_HONEST, 0)}
    if deference == "level":
        return honest | {"by_level": _listed(FOLLOWS)}
    return honest | {
        "believed": _listed(BELIEVED),
        "follows_believed": percent(FOLLOWS_BELIEVED, 0),
        "follows_others": percent(FOLLOWS_OTHERS, 0),
    }


def _listed(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{level} {percent(share, 0)}" for level, share in shares.items())
