# SPDX-License-Identifier: Apache-2.0
"""Every fault in every mode ends as it must, and the table in the documentation is what this run gives."""

import pytest
from fault_cases import CASES
from fault_matrix import MODES, Outcome, committed_table, run_all, table

PAIRS = [(mode, case.name) for case in CASES for mode in case.modes]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Outcome]]:
    return run_all(tmp_path_factory.mktemp("faults"))


@pytest.mark.parametrize(("mode", "name"), PAIRS, ids=[f"{mode}: {name}" for mode, name in PAIRS])
def test_fault(mode: str, name: str, outcomes: dict[str, dict[str, Outcome]]) -> None:
    assert outcomes[mode][name].wrong == ()


def test_every_case_ran(outcomes: dict[str, dict[str, Outcome]]) -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert {(mode, name) for mode in MODES for name in outcomes[mode]} == set(PAIRS)


def test_the_table_in_the_documentation_is_what_this_run_gives(
    outcomes: dict[str, dict[str, Outcome]],
) -> None:
    assert committed_table() == table(outcomes), "run: python tests/publishing/fault_matrix.py --write"
