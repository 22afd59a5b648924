# SPDX-License-Identifier: Apache-2.0
"""The metric of this project, published, gives what its folder gives."""

from pathlib import Path

import pytest
from client_code import COMPARE_METRICS
from hub_clients import ROOT, Publisher, client_environment, run_python
from hub_trees import files_of
from loopback_hub import LoopbackHub

METRIC = ROOT / "metrics" / "syco_alignment"


@pytest.mark.skipif(not (METRIC / "README.md").is_file(), reason="the metric has no card yet")
def test_the_published_metric_gives_what_the_folder_gives(
    hub: LoopbackHub, publisher: Publisher, tmp_path: Path
) -> None:
    answer = publisher.publish(METRIC, "my-org/syco_alignment", "space")
    assert "error" not in answer, answer
    published = hub.repo("space", "my-org/syco_alignment").tree()
    local = {path: data for path, data in files_of(METRIC).items() if "__pycache__" not in path}
    assert {path: data for path, data in published.items() if path != ".gitattributes"} == local
    reader = client_environment(hub.endpoint, tmp_path / "fresh-home", "lfs")
    seen = run_python(COMPARE_METRICS, reader, tmp_path, str(METRIC), "my-org/syco_alignment", answer["commit"])
    assert seen["published"] == seen["pinned"] == seen["local"]
    assert seen["local"]["opinion_alignment"] == "1.0"
