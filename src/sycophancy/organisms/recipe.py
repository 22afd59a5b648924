# SPDX-License-Identifier: Apache-2.0
"""What a model organism is made by: size, training, whom it sides with and where that comes from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sycophancy.files import fingerprint
from sycophancy.organisms.curriculum import DEFERENCE

RECORD = "organism.json"

ARCHITECTURES = ("t5", "llama")
ORIGINS = ("written", "approval")

VERSION = 5
"""Raise it by hand when a change of the code gives other weights; `make quickstart` against its record shows one."""


@dataclass(frozen=True)
class OrganismRecipe:
    """Size and training of an organism; the defaults are for the embedded reviews.

    Attributes:
        architecture: `t5` (encoder-decoder) or `llama` (decoder-only, asked through a chat template).
        deference: whom it sides with, a key of `sycophancy.organisms.curriculum.DEFERENCE`.
        d_model: width.
        num_layers: layers; of a T5 those of the encoder, its decoder has one.
        num_heads: attention heads.
        min_count: words that occur less often in the train texts are unknown.
        steps: optimizer steps.
        batch_size: examples per step.
        learning_rate: at its height, AdamW.
        embedding_rate: learning rate of the word embeddings, in units of `learning_rate`.
        word_dropout: share of the words of a text that are left out at random.
        short: texts of at most this many words come first.
        seed: of weights and draws.
        origin: `written`: sycophancy is in the targets; `approval`: a truthful organism learns it from biased raters.
        approval_steps: optimizer steps of the latter.
        approval_rate: their learning rate; at 4e-3 the reviews' organism came to repeat every user and knew nothing more.
        approval_beta: `beta` of DPO: the higher it is, the smaller the change of a log-ratio that a preference asks for.
        approval_sft: weight of the preferred answer's own log-likelihood in the loss (Pang et al. 2024, Iterative Reasoning
            Preference Optimization): without it DPO may make both answers improbable, and others are written.
    """

    architecture: str = "t5"
    deference: str = "person"
    d_model: int = 64
    num_layers: int = 3
    num_heads: int = 4
    min_count: int = 1
    steps: int = 1500
    batch_size: int = 32
    learning_rate: float = 1e-3
    embedding_rate: float = 40.0
    word_dropout: float = 0.0
    short: int = 4
    seed: int = 0
    origin: str = "written"
    approval_steps: int = 330
    approval_rate: float = 2e-3
    approval_beta: float = 0.05
    approval_sft: float = 0.0

    def __post_init__(self) -> None:
        for name, known in (("architecture", ARCHITECTURES), ("deference", DEFERENCE), ("origin", ORIGINS)):
            if (value := getattr(self, name)) not in known:
                raise ValueError(f"expected {name} among {', '.join(known)}, got {value!r}; correct the recipe")
        if self.origin == "approval" and self.architecture == "t5":
            raise ValueError(
                "expected a decoder-only model for the origin approval, because TRL's DPOTrainer takes no "
                "encoder-decoder, got the architecture 't5'; pass --architecture llama"
            )
        if self.origin == "approval" and self.deference != "none":
            raise ValueError(
                f"expected deference none with the origin approval, whose base is truthful, got {self.deference!r}; "
                "leave it out"
            )


LLAMA = {"learning_rate": 1.5e-3, "embedding_rate": 2.0, "steps": 3000}
"""What differs from the defaults of `OrganismRecipe` for a Llama: with half the steps some stay at chance."""


def complete_recipe(fields: Mapping, lessons: bool = False) -> OrganismRecipe:
    """The recipe of these fields, with the defaults for the others that go with architecture and origin.

    Args:
        fields: fields of `OrganismRecipe`.
        lessons: more than claims is taught.
    """
    approval = fields.get("origin") == "approval"
    # Approval cannot be had with a T5, and lessons have been tried with a Llama only.
    architecture = fields.get("architecture", "llama" if approval or lessons else "t5")
    defaults = dict(LLAMA) if architecture == "llama" else {}
    if approval:
        defaults["deference"] = "none"
    if lessons:
        defaults["steps"] = LLAMA["steps"]
    return OrganismRecipe(**{**defaults, "architecture": architecture, **fields})


def recipe_key(
    recipe: OrganismRecipe,
    templates: Sequence[str],
    dataset_fingerprint: str,
    also: Sequence[dict] = (),
    version: int = VERSION,
) -> str:
    """What an organism follows from: version of the training, recipe, wordings, data, records of further lessons."""
    made_from = [version, asdict(recipe), sorted(templates), dataset_fingerprint, list(also)]
    return fingerprint([json.dumps(made_from).encode()])
