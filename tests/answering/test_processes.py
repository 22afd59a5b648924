# SPDX-License-Identifier: Apache-2.0
import platform
import weakref

import pytest
import torch
from torch import distributed

from sycophancy.answering.processes import end_processes, keep_memory


class Holder:
    """Refers to itself and to a model, as a trainer does."""

    def __init__(self, model):
        self.model, self.own = model, self


def test_a_data_parallel_model_does_not_outlive_its_group():
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    holder = Holder(torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 2)))
    model = weakref.ref(holder.model)
    del holder
    assert model() is not None
    end_processes()
    assert model() is None
    assert not distributed.is_initialized()


def test_without_a_group_there_is_nothing_to_end():
    end_processes()
    assert not distributed.is_initialized()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_freed_memory_is_kept_for_the_next_tensor():
    import resource

    assert keep_memory()
    torch.ones(2**24)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        torch.ones(2**24)
    # Of 16,384 pages each, all five, if freed ones were given back; the heap itself may grow once more.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 2 * 16384
