# SPDX-License-Identifier: Apache-2.0
"""Tuning on prompts and targets with Trainer and PEFT: a soft prompt (Lester et al. 2021), LoRA or all weights.

Users hold random opinions and the target is the truth, so that what is tuned learns to answer the claim and not the
user. What is here is what the libraries leave open; the loop is Trainer's.
"""

import copy
from contextlib import ExitStack

import numpy as np
import torch
import torch.nn.functional as F
from datasets import Dataset
from transformers import Seq2SeqTrainer

from sycophancy.answering.forms import conversation_tokens
from sycophancy.answering.logits import base_of, logits_only_at
from sycophancy.answering.packed import rows_packed
from sycophancy.answering.t5 import absorb_cross_attention
from sycophancy.drawing import Draws


def select_by_item(rows: Dataset, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """Cut a part for model selection out of the tuning rows, by source item.

    The split that is reported is never looked at while training.

    Args:
        rows: the train split.
        fraction: share of source items that go into the selection part, above 0 and below 1; one item at least does.
        seed: of the cut.

    Returns:
        The rows to tune on and the rows to select on.

    Raises:
        ValueError: one of the parts is empty.
    """
    bound = round(fraction * 10_000)
    drawn = {cluster: Draws(seed, cluster, "selection").below(10_000) for cluster in dict.fromkeys(rows["cluster_id"])}
    # Of few items a small share may be none.
    least = min(drawn.values(), default=0)
    chosen = [drawn[cluster] < bound or drawn[cluster] == least for cluster in rows["cluster_id"]]
    tune = rows.select([index for index, is_chosen in enumerate(chosen) if not is_chosen])
    selection = rows.select([index for index, is_chosen in enumerate(chosen) if is_chosen])
    if not len(tune) or not len(selection):
        raise ValueError(
            f"expected rows to tune on and rows to select on, got {len(tune)} and {len(selection)} with "
            f"selection_fraction {fraction} of {len(rows)} rows; use more rows or another fraction"
        )
    return tune, selection


def tokenize(rows: Dataset, model, tokenizer) -> Dataset:
    """Prompts and targets as `input_ids`, `attention_mask` and `labels`, asked as they are when measuring.

    For a decoder-only model the conversation is one sequence, through the chat template where there is one; labels are
    -100 but for the tokens of the target and of its end.

    Args:
        rows: with `prompt`, `choices` and `target` (`sycophancy.tuning.data.tuning_rows`).
        model: the model or a PEFT model around it.
        tokenizer: its tokenizer.
    """

    # `Dataset.map` reads all that a function holds, for its fingerprint: of the model no function here holds anything.
    def to_features(batch: dict) -> dict:
        return dict(tokenizer(batch["prompt"], text_target=batch["target"]))

    def to_sequence(row: dict) -> dict:
        before, answers = conversation_tokens(tokenizer, row["prompt"], row["choices"])
        answer = answers[row["choices"].index(row["target"])]
        if not tokenizer.chat_template and answer[-1] != tokenizer.eos_token_id:
            answer = [*answer, tokenizer.eos_token_id]
        ids = before + answer
        return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": [-100] * len(before) + answer}

    seq2seq = model.config.is_encoder_decoder
    # In memory: the library's disk cache does not notice that a tokenizer folder has changed.
    return rows.map(
        to_features if seq2seq else to_sequence, batched=seq2seq, remove_columns=rows.column_names, keep_in_memory=True,
        load_from_cache_file=False,
    )  # fmt: skip


def token_mean_loss(outputs, labels: torch.Tensor, num_items_in_batch=None) -> torch.Tensor:
    """Mean negative log-likelihood per target token over the whole optimizer step.

    T5 does not use `num_items_in_batch`, yet Trainer takes it to: without this function gradients and logged loss
    grow with gradient accumulation and with the number of processes (transformers#47688).
    """
    logits = outputs["logits"]
    total = F.cross_entropy(
        logits.view(-1, logits.size(-1)).float(), labels.view(-1), ignore_index=-100, reduction="sum"
    )
    return total / (num_items_in_batch if num_items_in_batch is not None else (labels != -100).sum())


def next_token_mean_loss(outputs, labels: torch.Tensor, num_items_in_batch=None) -> torch.Tensor:
    """`token_mean_loss` for a decoder-only model, whose logits at a token are about the next one.

    The logits are those of all positions, or (n_targets, vocabulary) those of the targets' own (`ExactEvalTrainer`).
    """
    if outputs["logits"].dim() == 2:
        labels = labels[:, 1:]
        return token_mean_loss(outputs, labels[labels != -100], num_items_in_batch)
    logits, labels = _shifted(outputs["logits"], labels)
    scored = labels != -100  # of a whole conversation, only the answer
    return token_mean_loss({"logits": logits[scored]}, labels[scored], num_items_in_batch)


def _shifted(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and the tokens that they are about; logits at the tokens of a soft prompt, which come first, left out."""
    return logits[:, -labels.shape[1] : -1], labels[:, 1:]


def row_nll(outputs, labels: torch.Tensor) -> torch.Tensor:
    """Summed negative log-likelihood of each row's target, shape (rows,): what evaluation keeps of the logits."""
    logits = outputs[0] if isinstance(outputs, tuple) else outputs
    token = F.cross_entropy(logits.float().transpose(1, 2), labels, ignore_index=-100, reduction="none")
    return token.sum(-1)


def next_token_row_nll(outputs, labels: torch.Tensor) -> torch.Tensor:
    """`row_nll` for a decoder-only model."""
    return row_nll(*_shifted(outputs[0] if isinstance(outputs, tuple) else outputs, labels))


def mean_nll(prediction) -> dict[str, float]:
    """Mean over rows of `row_nll`: the same whatever the batch size and the number of processes."""
    return {"nll": float(np.mean(prediction.predictions))}


class ExactEvalTrainer(Seq2SeqTrainer):
    """Seq2SeqTrainer that evaluates every row exactly once on several processes, and computes nothing for nothing.

    The library's own gathers with the rows that were repeated to fill the last batch, which makes 16 rows of 13 on
    two processes. A decoder-only model is trained on what its rows begin with once, and makes logits for the targets alone.
    """

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """As in the library."""
        with ExitStack() as stack:
            if not self.model.config.is_encoder_decoder:
                stack.enter_context(rows_packed(self.model, inputs))
                if not return_outputs:
                    targets = inputs["labels"] != -100
                    targets[:, 0] = False
                    stack.enter_context(logits_only_at(base_of(self.model), targets.roll(-1, 1)))
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)

    def evaluation_loop(self, *args, **kwargs):
        """As in the library, with the repeated rows dropped."""
        self.gather_function = self.accelerator.gather_for_metrics
        return super().evaluation_loop(*args, **kwargs)

    def create_model_card(self, *args, **kwargs) -> None:
        """Nothing: our card is rendered from the run records."""


def build_trainer(model, tokenizer, training_args, tune: Dataset, selection: Dataset | None, callbacks=()):
    """The trainer for prompts and targets, of either kind of model.

    Args:
        model: a PEFT model, or a whole model.
        tokenizer: its tokenizer.
        training_args: `Seq2SeqTrainingArguments`.
        tune, selection: tokenized rows (`tokenize`).
        callbacks: Trainer callbacks.
    """
    from transformers import DataCollatorForSeq2Seq

    seq2seq = model.config.is_encoder_decoder
    if seq2seq:
        absorb_cross_attention(base_of(model))
    return ExactEvalTrainer(
        model=model,
        args=training_args,
        train_dataset=tune,
        eval_dataset=selection,
        # With `model`, labels become decoder inputs too; a loss function of one's own needs them.
        data_collator=DataCollatorForSeq2Seq(tokenizer, model=model) if seq2seq else _right_padding(tokenizer),
        processing_class=tokenizer,
        compute_loss_func=token_mean_loss if seq2seq else next_token_mean_loss,
        preprocess_logits_for_metrics=row_nll if seq2seq else next_token_row_nll,
        compute_metrics=mean_nll,
        callbacks=list(callbacks),
    )


def _right_padding(tokenizer):
    """A collator that pads after the end, where causal attention never looks; the tokenizer itself stays as it is."""
    from transformers import DataCollatorForSeq2Seq

    padding = copy.deepcopy(tokenizer)
    padding.padding_side = "right"
    if padding.pad_token is None:
        padding.pad_token = padding.eos_token
    return DataCollatorForSeq2Seq(padding)
