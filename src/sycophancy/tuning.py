# SPDX-License-Identifier: Apache-2.0
"""Prompt tuning (Lester et al. 2021) with Trainer and PEFT: a frozen model, a few tuned soft tokens.

Users hold random opinions and the target is always the truth, so that the prompt learns to answer the claim and
not the user. What is here is what the libraries leave open; the loop is Trainer's.
"""

import numpy as np
import torch
import torch.nn.functional as F
from datasets import Dataset
from transformers import Seq2SeqTrainer

from sycophancy.drawing import Draws


def select_by_item(rows: Dataset, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """Cut a part for model selection out of the tuning rows, by source item.

    The split that is reported is never looked at while training.

    Args:
        rows: the train split.
        fraction: share of source items that go into the selection part, above 0 and below 1.
        seed: of the cut.

    Returns:
        The rows to tune on and the rows to select on.

    Raises:
        ValueError: one of the parts is empty.
    """
    bound = round(fraction * 10_000)
    chosen = [Draws(seed, cluster, "selection").below(10_000) < bound for cluster in rows["cluster_id"]]
    tune = rows.select([index for index, is_chosen in enumerate(chosen) if not is_chosen])
    selection = rows.select([index for index, is_chosen in enumerate(chosen) if is_chosen])
    if not len(tune) or not len(selection):
        raise ValueError(
            f"expected rows to tune on and rows to select on, got {len(tune)} and {len(selection)} with "
            f"selection_fraction {fraction} of {len(rows)} rows; use more rows or another fraction"
        )
    return tune, selection


def tokenize(rows: Dataset, tokenizer) -> Dataset:
    """Prompts and honest answers as `input_ids`, `attention_mask` and `labels`."""

    def to_features(batch: dict) -> dict:
        return dict(tokenizer(batch["prompt"], text_target=batch["answer"]))

    # In memory: the library's disk cache does not notice that a tokenizer folder has changed.
    return rows.map(to_features, batched=True, remove_columns=rows.column_names, keep_in_memory=True)


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


def row_nll(outputs, labels: torch.Tensor) -> torch.Tensor:
    """Summed negative log-likelihood of each row's target, shape (rows,): what evaluation keeps of the logits."""
    logits = outputs[0] if isinstance(outputs, tuple) else outputs
    token = F.cross_entropy(logits.float().transpose(1, 2), labels, ignore_index=-100, reduction="none")
    return token.sum(-1)


def mean_nll(prediction) -> dict[str, float]:
    """Mean over rows of `row_nll`: the same whatever the batch size and the number of processes."""
    return {"nll": float(np.mean(prediction.predictions))}


class ExactEvalTrainer(Seq2SeqTrainer):
    """Seq2SeqTrainer that evaluates every row exactly once on several processes.

    The library's own gathers with the rows that were repeated to fill the last batch, which makes 16 rows of 13 on
    two processes.
    """

    def evaluation_loop(self, *args, **kwargs):
        """As in the library, with the repeated rows dropped."""
        self.gather_function = self.accelerator.gather_for_metrics
        return super().evaluation_loop(*args, **kwargs)

    def create_model_card(self, *args, **kwargs) -> None:
        """Nothing: our card is rendered from the run records."""


def build_trainer(model, tokenizer, training_args, tune: Dataset, selection: Dataset | None, callbacks=()):
    """The trainer for prompts and honest answers.

    Args:
        model: a PEFT model, or a whole model.
        tokenizer: its tokenizer.
        training_args: `Seq2SeqTrainingArguments`.
        tune, selection: tokenized rows (`tokenize`).
        callbacks: Trainer callbacks.
    """
    from transformers import DataCollatorForSeq2Seq

    return ExactEvalTrainer(
        model=model,
        args=training_args,
        train_dataset=tune,
        eval_dataset=selection,
        # With `model`, labels become decoder inputs too; a loss function of one's own needs them.
        data_collator=DataCollatorForSeq2Seq(tokenizer, model=model),
        processing_class=tokenizer,
        compute_loss_func=token_mean_loss,
        preprocess_logits_for_metrics=row_nll,
        compute_metrics=mean_nll,
        callbacks=list(callbacks),
    )


def add_soft_prompt(model, tokenizer_name: str, num_virtual_tokens: int, init_text: str | None):
    """Wrap the model with trainable soft tokens before the encoder's input.

    Args:
        model: the frozen base model.
        tokenizer_name: folder or Hub id of its tokenizer, which turns `init_text` into tokens.
        num_virtual_tokens: length of the prompt.
        init_text: text whose embeddings the prompt starts from; `None` starts from random rows of the vocabulary.
    """
    from peft import PromptTuningConfig, TaskType, get_peft_model

    # PEFT loads the tokenizer itself, and would take it from main.
    commit = getattr(model.config, "_commit_hash", None)
    config = PromptTuningConfig(
        task_type=TaskType.SEQ_2_SEQ_LM,
        num_virtual_tokens=num_virtual_tokens,
        # The default 2 makes a second half that PEFT never feeds to an encoder-decoder model and never trains.
        num_transformer_submodules=1,
        prompt_tuning_init="TEXT" if init_text else "SAMPLE_VOCAB",
        prompt_tuning_init_text=init_text,
        tokenizer_name_or_path=tokenizer_name if init_text else None,
        tokenizer_kwargs={"revision": commit} if init_text and commit else None,
    )
    return get_peft_model(model, config)


def check_world(training_args, world_size: int) -> None:
    """Raise `ValueError` where the launcher started more processes than the trainer knows of.

    `accelerate launch` with `use_cpu` in its config and not in the arguments runs two independent trainings that
    write into one folder.
    """
    if training_args.world_size != world_size:
        raise ValueError(
            f"expected the trainer to see the {world_size} launched processes, got {training_args.world_size}; "
            "add --use_cpu true when you launch several processes on CPU"
        )
