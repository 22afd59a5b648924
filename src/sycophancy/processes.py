# SPDX-License-Identifier: Apache-2.0
"""The processes of `accelerate launch` find each other, on CPU too."""

import os


def start_processes():
    """The state of this process among those that were launched (`accelerate.PartialState`).

    Without an accelerator `PartialState()` ignores the other processes, and each would do the whole work and write
    the same files; they have to be told that the CPU is meant.

    Raises:
        ValueError: several processes were launched that do not see each other.
    """
    import torch
    from accelerate import PartialState

    state = PartialState(cpu=not torch.accelerator.is_available())
    launched = int(os.environ.get("WORLD_SIZE", 1))
    if state.num_processes != launched:
        raise ValueError(
            f"expected the {launched} processes that were launched to see each other, got {state.num_processes}; "
            "launch with a file of accelerate_configs/"
        )
    return state


def end_processes() -> None:
    """Part the launched processes, once, when all is done; without a launch there is nothing to do."""
    import torch

    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
