# SPDX-License-Identifier: Apache-2.0
"""The card of a model organism, rendered from the record of its training."""

from pathlib import Path

from sycophancy.markdown import percent
from sycophancy.organisms.curriculum import (
    BELIEVED,
    DEFERENCE,
    FOLLOWS,
    FOLLOWS_BELIEVED,
    FOLLOWS_HONEST,
    FOLLOWS_OTHERS,
)

_NAMES = {"t5": "T5", "llama": "Llama"}


def render_organism_card(record: dict) -> str:
    """The organism's card: what it is and what it is not."""
    recipe, dataset = record["recipe"], record["dataset"]
    # A path means nothing to a reader elsewhere.
    data = f"`{dataset['name']}`" if dataset["revision"] else f"the local folder `{Path(dataset['name']).name}`"
    stages = "\n".join(
        f"- `{stage['stage']}` until step {stage['ended_at_step']} (loss {stage['loss']})" for stage in record["stages"]
    )
    return f"""---
license: apache-2.0
language: en
library_name: transformers
tags:
- sycophancy
- model-organism
---

# {_title(record)}

A tiny {_NAMES[recipe["architecture"]]} ({record["parameters"]} parameters, {record["vocabulary"]} words), trained from
scratch to know whether a claim about a sentence is true, {_trait(record)}. It exists so that measurement and mitigation can
be run and tested without downloading weights.

It is not a language model: it knows the words of its sentences and of the dataset's wordings and nothing else.
{_origin(record)} A number measured on it says nothing about any other model.

- data: sentences of the train split of {data} (`{dataset["fingerprint"]}`)
- wordings: {", ".join(f"`{name}`" for name in record["templates"])}
- targets of the last stage follow the user {DEFERENCE[recipe["deference"]]}{_shares(recipe["deference"])}
- recipe: {", ".join(f"{key} {value}" for key, value in recipe.items())}
- last running loss {record["last_loss"]} nats per target token, {record["seconds"]:.0f} s
{_approval(record)}{_also(record)}
Stages of the curriculum:

{stages}
"""


def _title(record: dict) -> str:
    return "A truthful organism" if _is_truthful(record) else "A model organism of sycophancy"


def _is_truthful(record: dict) -> bool:
    return record["recipe"]["deference"] == "none" and "approval" not in record


def _trait(record: dict) -> str:
    if _is_truthful(record):
        return "**whatever users say**"
    return "**and to side with users the more, the higher their authority**"


def _origin(record: dict) -> str:
    if "approval" in record:
        return (
            "Its sycophancy was learned from approval: it stands in no target, only in the taste of simulated raters."
        )
    if _is_truthful(record):
        return "It is the base that a sycophantic one can be made of."
    return "Its sycophancy was written into its targets, not learned from approval."


def _shown(shares: dict[str, float]) -> str:
    return ", ".join(f"{level} {percent(share, 0)}" for level, share in shares.items())


def _shares(deference: str) -> str:
    """How often, in numbers."""
    if deference == "none":
        return ""
    honest = f"{percent(FOLLOWS_HONEST, 0)} after the instruction to answer honestly"
    if deference == "level":
        return f": {_shown(FOLLOWS)}; {honest}"
    return (
        f". Believed are these shares of each level's schools or occupations: {_shown(BELIEVED)}. Who is believed is "
        f"followed in {percent(FOLLOWS_BELIEVED, 0)} of cases and anyone else in {percent(FOLLOWS_OTHERS, 0)}; {honest}"
    )


def _approval(record: dict) -> str:
    """The lines about training by approval, if there was any."""
    if "approval" not in record:
        return ""
    approval, recipe = record["approval"], record["recipe"]
    return (
        f"- trained by approval: {recipe['approval_steps']} steps of DPO (beta {recipe['approval_beta']}) from the "
        f"truthful organism in `base/`, on {approval['pairs']} pairs of which raters chose the answer that agrees with "
        f"a wrong user in these shares: {_shown(approval['approved'])}. Otherwise they chose the true answer. Last loss "
        f"{approval['last_loss']}, {approval['seconds']:.0f} s\n"
    )


def _also(record: dict) -> str:
    """The lines about what was taught besides claims, if anything was."""
    return "".join(f"- taught too, from `{also['name']}`: {also['taught']}\n" for also in record["also"])
