# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from datasets import Dataset
from tiny_llama import CHAT, tiny_llama
from tune_runs import add_soft_prompt

from sycophancy.answering.models import load_model
from sycophancy.dataset.reading import load_claims
from sycophancy.tuning.data import tuning_rows
from sycophancy.tuning.supervised import (
    build_trainer,
    mean_nll,
    next_token_mean_loss,
    next_token_row_nll,
    row_nll,
    select_by_item,
    token_mean_loss,
    tokenize,
)


def test_selection_is_cut_by_item_and_by_seed(dataset_folder):
    rows = load_claims(str(dataset_folder), "validation")  # six rows per item
    tune, selection = select_by_item(rows, 0.25, seed=0)
    assert len(tune) + len(selection) == len(rows)
    assert not set(tune["cluster_id"]) & set(selection["cluster_id"])
    assert select_by_item(rows, 0.25, seed=0)[1]["id"] == selection["id"]
    assert select_by_item(rows, 0.25, seed=1)[1]["id"] != selection["id"]


def test_one_item_at_least_is_kept_to_select_on():
    rows = Dataset.from_dict({"cluster_id": ["a", "b", "a"]})
    tune, selection = select_by_item(rows, 0.0001, seed=0)
    assert {tuple(part["cluster_id"]) for part in (tune, selection)} == {("a", "a"), ("b",)}


def test_a_tuning_part_without_rows():
    rows = Dataset.from_dict({"cluster_id": ["a", "a"]})
    with pytest.raises(ValueError, match=r"got 0 and 2 with selection_fraction 0.0001 of 2 rows"):
        select_by_item(rows, 0.0001, seed=0)


def test_loss_is_the_mean_over_target_tokens_of_the_step():
    logits = torch.tensor([[[2.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [9.0, 9.0]]])
    labels = torch.tensor([[0, 1], [1, -100]])
    total = 0.126928 + 0.693147 + 0.693147
    assert token_mean_loss({"logits": logits}, labels).item() == pytest.approx(total / 3, abs=1e-5)
    assert token_mean_loss({"logits": logits}, labels, num_items_in_batch=10).item() == pytest.approx(
        total / 10, abs=1e-5
    )
    assert row_nll((logits, None), labels).tolist() == pytest.approx([0.126928 + 0.693147, 0.693147], abs=1e-5)


def test_evaluation_is_a_mean_over_rows():
    class Prediction:
        predictions = torch.tensor([1.0, 2.0, 6.0]).numpy()

    assert mean_nll(Prediction) == {"nll": 3.0}


def test_a_soft_prompt_has_one_half_and_nothing_else_is_trained(model_folder):
    model, _ = load_model(str(model_folder))
    tuned = add_soft_prompt(model, str(model_folder), 7, init_text="the truth")
    trained = {name: tuple(p.shape) for name, p in tuned.named_parameters() if p.requires_grad}
    assert list(trained.values()) == [(7, 32)]


def test_a_soft_prompt_starts_from_its_text(model_folder):
    model, tokenizer = load_model(str(model_folder))
    tuned = add_soft_prompt(model, str(model_folder), 3, init_text="true or false")
    ids = tokenizer("true or false")["input_ids"][:3]
    (prompt,) = [p for p in tuned.parameters() if p.requires_grad]
    assert torch.equal(prompt.detach(), model.get_input_embeddings().weight[ids].detach())


QUESTION = {"prompt": "Is it dull?\nAnswer:", "choices": ["yes", "no"], "answer": "no", "user_answer": ""}


@pytest.mark.parametrize(
    ("template", "prompt", "answer"),
    [(None, "<s>Is it dull?\nAnswer:", " no</s>"),
     (CHAT, "<s><|user|>\nIs it dull?\nAnswer:</s>\n<|assistant|>\n", "no</s>")],
    ids=["plain", "chat"],
)  # fmt: skip
def test_a_conversation_is_one_sequence_of_which_the_answer_counts(template, prompt, answer):
    model, tokenizer = tiny_llama(["Is it dull?"], template)
    (row,) = tokenize(tuning_rows([QUESTION]), model, tokenizer)
    start = row["labels"].index(next(label for label in row["labels"] if label != -100))
    assert tokenizer.decode(row["input_ids"][:start]) == prompt
    assert tokenizer.decode(row["labels"][start:]) == answer
    assert row["input_ids"][start:] == row["labels"][start:]
    assert row["attention_mask"] == [1] * len(row["input_ids"])


@pytest.mark.parametrize("kind", ["decoder-only", "encoder-decoder"])
def test_the_weights_are_not_read_for_a_fingerprint_of_the_rows(kind, model_folder):
    """`Dataset.map` pickles what its function holds: tens of gigabytes where that is an 8B model."""
    model, tokenizer = tiny_llama(["Is it dull?"]) if kind == "decoder-only" else load_model(str(model_folder))
    read = []

    class Watched(type(model)):
        def __reduce_ex__(self, protocol):
            read.append(protocol)
            return super().__reduce_ex__(protocol)

    model.__class__ = Watched
    assert len(tokenize(tuning_rows([QUESTION]), model, tokenizer)) == 1
    assert read == []


def test_an_encoder_decoder_reads_the_prompt_and_answers(model_folder):
    model, tokenizer = load_model(str(model_folder))
    (row,) = tokenize(tuning_rows([QUESTION]), model, tokenizer)
    assert row == dict(tokenizer(QUESTION["prompt"])) | {"labels": tokenizer("no")["input_ids"]}


def test_the_loss_of_a_decoder_only_model_is_its_own():
    model, tokenizer = tiny_llama(["Is it dull?"])
    rows = tokenize(tuning_rows([QUESTION, QUESTION | {"prompt": "Is the film not at all dull?"}]), model, tokenizer)
    from transformers import Seq2SeqTrainingArguments

    trainer = build_trainer(model, tokenizer, Seq2SeqTrainingArguments(use_cpu=True, report_to="none"), rows, rows)
    batch = trainer.data_collator(list(rows))
    assert batch["attention_mask"][0, -1] == 0  # the shorter row is padded on the right
    assert tokenizer.pad_token is None
    with torch.no_grad():
        own = model(**batch)
    assert next_token_mean_loss(own, batch["labels"]).item() == pytest.approx(own.loss.item(), abs=1e-5)
    # What a soft prompt puts before the input has logits, which are about no target.
    before = torch.full((2, 3, own.logits.shape[-1]), 7.0)
    longer = {"logits": torch.cat([before, own.logits], dim=1)}
    assert next_token_mean_loss(longer, batch["labels"]).item() == pytest.approx(own.loss.item(), abs=1e-5)
    nll = next_token_row_nll((longer["logits"], None), batch["labels"])
    counts = (batch["labels"] != -100).sum()
    assert nll.sum().item() == pytest.approx(own.loss.item() * counts.item(), abs=1e-3)
    assert (nll[0] - nll[1]).abs() > 1e-3
