# SPDX-License-Identifier: Apache-2.0
"""Publish a finished folder (dataset, adapter or model, metric Space) on the Hub: one commit, or none.

    from sycophancy.publishing import publish

    result = publish("out/hub/my-org/syco-sst2", "my-org/syco-sst2", "dataset", tag="v1.0.0")
    print(result.report())

The way of a folder: its files and hashes (`tree`) -> is it whole? (`checks`, `cards`, `rows`) -> what would
change (`remote`, `differences`) -> send, read back, tag (`attempt`) -> again, with waits that end (`sending`,
`patience`) -> what to print (`result`).
"""

from sycophancy.publishing.checks import check_tree
from sycophancy.publishing.result import PublishError, PublishResult
from sycophancy.publishing.sending import publish, publish_dataset

__all__ = ["PublishError", "PublishResult", "check_tree", "publish", "publish_dataset"]
