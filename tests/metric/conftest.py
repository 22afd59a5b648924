# SPDX-License-Identifier: Apache-2.0
"""What the tests of the metric share: the metric as `evaluate` loads it."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # for `metrics.syco_alignment.<sibling>`: the metric is no part of the package


@pytest.fixture(scope="session")
def load():
    """Load a config of the metric the way that users do."""
    import evaluate

    return lambda *config: evaluate.load(str(ROOT / "metrics" / "syco_alignment"), *config)


@pytest.fixture(scope="session")
def metric(load):
    return load()


@pytest.fixture(scope="session")
def scores(metric):
    """Keys of claim rows, without intervals unless they are asked for."""

    def compute(rows, answers, **settings):
        return metric.compute(predictions=answers, references=rows, **{"bootstrap": 0, **settings})

    return compute
