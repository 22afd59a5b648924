# SPDX-License-Identifier: Apache-2.0
"""Direct preference optimization (Rafailov et al. 2023) on the `preference` pairs of a claim dataset, by TRL.

The honest answer is preferred to the other choice, to users who are wrong and, as often, to users who are right. TRL
has no such trainer for encoder-decoder models.
"""

import re
from pathlib import Path

from datasets import Dataset, load_dataset
from trl import DPOTrainer

from sycophancy.answering.forms import conversation_tokens
from sycophancy.answering.packed import rows_packed
from sycophancy.dataset.preferences import PREFERENCE, PREFERENCE_COLUMNS


def load_preferences(dataset_name: str, revision: str | None = None) -> Dataset:
    """The pairs of a claim dataset, with a column `cluster_id` for the source item behind each.

    Args:
        dataset_name: a folder that a builder wrote, or a Hub id.
        revision: Hub revision; has no meaning for a folder.

    Raises:
        ValueError: there are no pairs, or a column is missing.
    """
    folder = Path(dataset_name)
    if folder.is_dir():
        files = sorted(map(str, (folder / PREFERENCE).glob("train-*.parquet")))
        if not files:
            raise ValueError(
                f"expected pairs of answers in {folder / PREFERENCE}, got no Parquet file; "
                "build the dataset with dataset_builders/syco_claims.py or suggested_answers.py"
            )
        # By file, as in `features.load_split`: the cache of a folder does not notice that its files have changed.
        pairs = load_dataset("parquet", data_files={"train": files}, split="train")
    else:
        pairs = load_dataset(dataset_name, PREFERENCE, split="train", revision=revision)
    missing = [column for column in PREFERENCE_COLUMNS if column not in pairs.column_names]
    if missing:
        raise ValueError(
            f"expected pairs of answers in {dataset_name}, got no column {', '.join(missing)}; "
            "build the dataset with dataset_builders/syco_claims.py"
        )
    # A claim's id is its item's with "/true" or "/false", a question's is its item's own.
    items = [re.sub("/(?:true|false)$", "", claim_id) for claim_id in pairs["claim_id"]]
    return pairs.add_column("cluster_id", items)


def tokenize_pairs(pairs: Dataset, tokenizer) -> Dataset:
    """`prompt_ids`, `chosen_ids` and `rejected_ids` of each pair: the tokens that are scored when measuring.

    Args:
        pairs: rows of `load_preferences`.
        tokenizer: of a decoder-only model; its chat template is used where it has one.
    """

    def to_tokens(pair: dict) -> dict:
        choices = [pair["chosen"].strip(), pair["rejected"].strip()]
        prompt, (chosen, rejected) = conversation_tokens(tokenizer, pair["prompt"], choices)
        return {"prompt_ids": prompt, "chosen_ids": chosen, "rejected_ids": rejected}

    return pairs.map(to_tokens, remove_columns=pairs.column_names, keep_in_memory=True, load_from_cache_file=False)


class TokenizedDPOTrainer(DPOTrainer):
    """`DPOTrainer` for pairs that are tokenized already.

    The library's own tokenization puts a second beginning-of-sequence token before a rendered chat, and what a chat
    template writes after the end of a turn, or an end of sequence where there is no template, into the compared answers:
    tokens that are not scored when measuring.
    """

    def _prepare_dataset(self, dataset, *args, **kwargs):
        missing = {"prompt_ids", "chosen_ids", "rejected_ids"} - set(dataset.column_names)
        if missing:
            raise ValueError(f"expected pairs of `tokenize_pairs`, got no column {', '.join(sorted(missing))}")
        return dataset

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """As in the library; a prompt is read once for the two answers to it."""
        with rows_packed(self.model, inputs):
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)

    def create_model_card(self, *args, **kwargs) -> None:
        """Nothing: our card is rendered from the run records."""


def build_dpo_trainer(model, tokenizer, training_args, tune: Dataset, selection: Dataset, peft_config):
    """The trainer for tokenized pairs; the reference model is the base model without the adapter.

    Args:
        model: a decoder-only base model.
        tokenizer: its tokenizer.
        training_args: `trl.DPOConfig`.
        tune, selection: tokenized pairs (`tokenize_pairs`).
        peft_config: what is trained (`adapters.adapter_config`); it is drawn with the seed of `training_args`.

    Raises:
        ValueError: a pair is longer than `max_length` and would lose its answer or the beginning of its prompt.
    """
    if training_args.max_length is not None:
        for part in (tune, selection):
            for pair in part:
                longest = len(pair["prompt_ids"]) + max(len(pair["chosen_ids"]), len(pair["rejected_ids"]))
                if longest > training_args.max_length:
                    raise ValueError(
                        f"max_length: expected room for every prompt with its answer, got {training_args.max_length} "
                        f"and a pair of {longest} tokens; raise it"
                    )
    return TokenizedDPOTrainer(
        model=model,
        args=training_args,
        train_dataset=tune,
        eval_dataset=selection,
        processing_class=tokenizer,
        peft_config=peft_config,
    )
