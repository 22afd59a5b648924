# SPDX-License-Identifier: Apache-2.0
"""The processes of `accelerate launch` find each other, on CPU too, and keep their memory."""

import ctypes
import os
import sys


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


def keep_memory() -> bool:
    """Let this process keep freed memory for its next tensors instead of giving it back to the system; whether it can.

    On a CPU a layer takes and frees the same few megabytes again and again, and glibc hands what is larger than a bound
    back each time: clearing new pages cost a quarter of a forward pass. `LD_PRELOAD` of another allocator, as PyTorch's
    tuning guide has it, does the same. Other C libraries are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return False
    # M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of malloc.h; musl has no such function.
    change = getattr(ctypes.CDLL(None), "mallopt", None)
    return change is not None and all([change(-3, 2**30), change(-1, -1)])


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
