# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from transformers.activations import NewGELUActivation

from sycophancy.answering.gelu import FastGELU, use_fast_gelu
from sycophancy.answering.models import load_model
from sycophancy.organisms.building import OrganismRecipe, build_model


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_is_the_function_that_t5_was_trained_with(dtype):
    states = torch.linspace(-8, 8, 4001, dtype=dtype)
    states = torch.cat([states, torch.tensor([-1e4, 1e4, 0.0], dtype=dtype)])
    before = states.clone()
    torch.testing.assert_close(FastGELU()(states), NewGELUActivation()(states.double()).to(dtype), atol=2e-6, rtol=2e-6)
    assert torch.equal(states, before)


def test_its_gradient_is_that_of_the_function():
    states = torch.linspace(-4, 4, 41, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(FastGELU(), (states,))
    (ours,) = torch.autograd.grad(FastGELU()(states).sum(), states)
    (theirs,) = torch.autograd.grad(NewGELUActivation()(states).sum(), states)
    torch.testing.assert_close(ours, theirs)


def test_a_model_is_loaded_with_it_and_has_no_other(model_folder):
    stock = build_model(OrganismRecipe(num_layers=1), 100)
    assert sum(isinstance(module, NewGELUActivation) for module in stock.modules()) == 2
    assert sum(isinstance(module, FastGELU) for module in use_fast_gelu(stock).modules()) == 2
    loaded, _ = load_model(str(model_folder))
    assert {FastGELU} == {type(module) for module in loaded.modules() if "GELU" in type(module).__name__}
