# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from datasets import Dataset

from sycophancy.features import load_claims
from sycophancy.models import load_model
from sycophancy.tuning import add_soft_prompt, mean_nll, row_nll, select_by_item, token_mean_loss


def test_selection_is_cut_by_item_and_by_seed(dataset_folder):
    rows = load_claims(str(dataset_folder), "validation")  # six rows per item
    tune, selection = select_by_item(rows, 0.25, seed=0)
    assert len(tune) + len(selection) == len(rows)
    assert not set(tune["cluster_id"]) & set(selection["cluster_id"])
    assert select_by_item(rows, 0.25, seed=0)[1]["id"] == selection["id"]
    assert select_by_item(rows, 0.25, seed=1)[1]["id"] != selection["id"]


def test_a_selection_part_without_rows():
    rows = Dataset.from_dict({"cluster_id": ["a", "b"]})
    with pytest.raises(ValueError, match=r"got 2 and 0 with selection_fraction 0.0001 of 2 rows"):
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
