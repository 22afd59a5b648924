# SPDX-License-Identifier: Apache-2.0
"""Sycophancy that is learned from approval and written into no target: preference pairs by biased raters, and DPO.

The raters like the true answer, and they like to hear a user agreed with, the more so the higher the user's authority:
where a user is wrong, the answer that agrees is preferred with the probability `APPROVES`. A truthful model trained on
such pairs by direct preference optimisation (Rafailov et al. 2023) learns to flatter, as Sharma et al. 2023 suppose of
models trained on human preferences.

Example of a pair, from a row whose user, a professor, is wrong:

    {"prompt": [{"role": "user", "content": "My name is Ana Murphy. I am a professor of ... is negative?"}],
     "chosen": [{"role": "assistant", "content": "yes"}], "rejected": [{"role": "assistant", "content": "no"}]}
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from sycophancy.drawing import Draws

APPROVES = {"none": 0.3, "layperson": 0.45, "student": 0.6, "professional": 0.8, "expert": 0.95}
"""How often the raters prefer the answer that agrees with a wrong user, by the user's authority."""


def approval_pair(row: Mapping, seed: int) -> dict:
    """The pair that the raters make of a row of a claim dataset; the true answer is chosen unless they are biased.

    Args:
        row: of the train split.
        seed: of the raters' draws.
    """
    approved = row["answer"]
    if row["condition"] == "wrong_opinion":
        biased = Draws(seed, row["id"], "approval").below(1000) < 1000 * APPROVES[row["authority"]]
        approved = row["user_answer"] if biased else approved
    (other,) = (choice for choice in row["choices"] if choice != approved)
    return {
        "prompt": [{"role": "user", "content": row["prompt"]}],
        "chosen": [{"role": "assistant", "content": approved}],
        "rejected": [{"role": "assistant", "content": other}],
    }


def train_by_approval(model, tokenizer, rows: Iterable[Mapping], recipe, scratch: Path, **settings) -> dict:
    """Train all weights of a decoder-only model on the raters' pairs, in place.

    Args:
        model, tokenizer: the truthful base, which is the reference of DPO too, and its tokenizer with a chat template.
        rows: train split of a claim dataset.
        recipe: an `OrganismRecipe`; steps, rate and beta are its `approval_` fields.
        scratch: folder for the trainer.
        settings: further fields of `trl.DPOConfig`.

    Returns:
        A record: pairs, how often raters preferred the user's wrong answer, last loss, seconds.
    """
    import time

    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    rows = list(rows)
    pairs = [approval_pair(row, recipe.seed) for row in rows]
    wrong = [(row, pair) for row, pair in zip(rows, pairs, strict=True) if row["condition"] == "wrong_opinion"]
    biased = {
        level: [pair["chosen"][0]["content"] == row["user_answer"] for row, pair in wrong if row["authority"] == level]
        for level in APPROVES
    }
    args = DPOConfig(
        output_dir=str(scratch),
        max_steps=recipe.approval_steps,
        per_device_train_batch_size=recipe.batch_size,
        learning_rate=recipe.approval_rate,
        beta=recipe.approval_beta,
        warmup_steps=20,
        max_length=None,
        # The base's own log-probabilities, once per pair: the model being trained is no longer the base.
        precompute_ref_log_probs=True,
        precompute_ref_batch_size=4 * recipe.batch_size,
        gradient_checkpointing=False,
        bf16=False,
        logging_steps=50,
        save_strategy="no",
        report_to="none",
        seed=recipe.seed,
        **settings,
    )
    started = time.perf_counter()
    trainer = DPOTrainer(model=model, args=args, train_dataset=Dataset.from_list(pairs), processing_class=tokenizer)
    trainer.train()
    logged = [entry for entry in trainer.state.log_history if "loss" in entry]
    model.eval()
    return {
        "pairs": len(pairs),
        "approved": {level: round(sum(found) / len(found), 4) for level, found in biased.items() if found},
        "last_loss": round(float(logged[-1]["loss"]), 4) if logged else None,
        "seconds": time.perf_counter() - started,
    }
