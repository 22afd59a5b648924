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
    """Part the launched processes, once, when all is done; without a launch there is nothing to do.

    Call it where no trainer is referred to any more. A data-parallel model that outlives the group would be its last
    holder: it waits for the group's thread while it holds the interpreter, and that thread waits for the interpreter
    (seen with gloo in torch 2.13, in a process that never ended). A trainer refers to itself, so it is collected first.
    """
    import gc

    import torch

    if torch.distributed.is_available() and torch.distributed.is_initialized():
        gc.collect()
        torch.distributed.destroy_process_group()
