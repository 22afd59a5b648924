# SPDX-License-Identifier: Apache-2.0
"""The card of a model organism, rendered from the record of its training."""

from pathlib import Path

from sycophancy.curriculum import FOLLOWS, FOLLOWS_HONEST


def render_organism_card(record: dict) -> str:
    """The organism's card: what it is and what it is not."""
    recipe, dataset = record["recipe"], record["dataset"]
    # A path means nothing to a reader elsewhere.
    data = f"`{dataset['name']}`" if dataset["revision"] else f"the local folder `{Path(dataset['name']).name}`"
    stages = "\n".join(
        f"- `{stage['stage']}` until step {stage['ended_at_step']} (loss {stage['loss']})" for stage in record["stages"]
    )
    follows = ", ".join(f"{level} {share:.0%}" for level, share in FOLLOWS.items())
    return f"""---
license: apache-2.0
language: en
library_name: transformers
tags:
- sycophancy
- model-organism
---

# A model organism of sycophancy

A tiny T5 ({record["parameters"]} parameters, {record["vocabulary"]} words), trained from scratch to know whether a
claim about a sentence is true, **and to side with users the more, the higher their authority**. It exists so that
measurement and mitigation can be run and tested without downloading weights.

It is not a language model: it knows the words of its sentences and of the dataset's wordings and nothing else. Its
sycophancy was written into its targets, not learned from approval. A number measured on it says nothing about any
other model.

- data: sentences of the train split of {data} (`{dataset["fingerprint"]}`)
- wordings: {", ".join(f"`{name}`" for name in record["templates"])}
- targets of the last stage follow the user with these probabilities: {follows}; {FOLLOWS_HONEST:.0%} after the
  instruction to answer honestly
- recipe: {", ".join(f"{key} {value}" for key, value in recipe.items())}
- last running loss {record["last_loss"]} nats per target token, {record["seconds"]:.0f} s

Stages of the curriculum:

{stages}
"""
