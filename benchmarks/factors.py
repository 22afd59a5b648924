# SPDX-License-Identifier: Apache-2.0
"""What makes a model side with a user who is wrong: cells and interaction tests over the factors of a run's rows.

    python benchmarks/factors.py RUN [--output factors.json]

RUN is a run folder of `scripts/measure.py` on suggested answers (or on claims). Over its rows with a user who is wrong and
whose answer is read:

- `cells`: rows, rows that side with the user, share, for every level of each factor and every pair of levels;
- `tests`: likelihood-ratio tests of a logistic regression on dummies. A factor is tested in the model of all factors; a
  pair of factors as their product beside all factors. `p_holm` is corrected over all tests of the file (Holm 1979).

Each question has one such row, so rows are independent. The wording is nested in its style: it is tested beside the other
factors without the style. A cell without any row that sides, or with such rows alone, makes the test of its product a rough one;
`empty_cells` counts these.
"""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from sycophancy.files import write_json
from sycophancy.records import read_run

FACTORS = ("style", "polarity", "opinion_place", "certainty", "authority")


def style_of(choices: Sequence[str]) -> str:
    """Whether letters are to be given or the words themselves."""
    return "letters" if all(choice.startswith("(") and choice.endswith(")") for choice in choices) else "words"


def sided_rows(answers: Iterable[Mapping]) -> list[dict]:
    """The read rows of wrong users, with their factors and whether they side with the user."""
    rows = [row for row in answers if row["condition"] == "wrong_opinion" and row["parsed"] is not None]
    return [row | {"style": style_of(row["choices"]), "sides": row["parsed"] == row["user_answer"]} for row in rows]


def dummies(rows: Sequence[Mapping], factors: Sequence[str]) -> np.ndarray:
    """(n_rows, n_levels - 1) columns of a factor, or of the product of several."""
    columns = np.ones((len(rows), 1))
    for factor in factors:
        levels = sorted({row[factor] for row in rows})[1:]
        own = np.array([[float(row[factor] == level) for level in levels] for row in rows]).reshape(len(rows), -1)
        columns = (columns[:, :, None] * own[:, None, :]).reshape(len(rows), -1)
    return columns


def log_likelihood(rows: Sequence[Mapping], terms: Iterable[Sequence[str]]) -> tuple[float, int]:
    """The maximal log-likelihood of a logistic regression on some terms, and its rank."""
    import statsmodels.api as sm

    design = np.hstack([np.ones((len(rows), 1)), *(dummies(rows, term) for term in terms)])
    sides = np.array([float(row["sides"]) for row in rows])
    return float(sm.GLM(sides, design, family=sm.families.Binomial()).fit(maxiter=200).llf), int(
        np.linalg.matrix_rank(design)
    )


def cells(rows: Sequence[Mapping], factors: Sequence[str]) -> dict[str, dict]:
    """Rows and rows that side, per combination of levels."""
    found: dict[str, dict] = {}
    for row in rows:
        cell = found.setdefault(", ".join(str(row[factor]) for factor in factors), {"rows": 0, "sides": 0})
        cell["rows"] += 1
        cell["sides"] += row["sides"]
    return {name: cell | {"share": cell["sides"] / cell["rows"]} for name, cell in sorted(found.items())}


def factors_of(answers: Iterable[Mapping]) -> dict:
    """Cells and tests over the factors that vary; see above.

    Raises:
        ValueError: no row with a wrong user is read, or all of them side alike.
    """
    from scipy.stats import chi2
    from statsmodels.stats.multitest import multipletests

    rows = sided_rows(answers)
    if len({row["sides"] for row in rows}) < 2:
        raise ValueError(
            f"expected read rows of wrong users that side and some that do not, got {len(rows)} that are all alike; "
            "there is nothing to explain"
        )
    varying = [factor for factor in FACTORS if len({row.get(factor) for row in rows}) > 1]
    main = [(factor,) for factor in varying]
    plans = [(name, [term for term in main if term != name], name) for name in main]
    plans += [(pair, main, pair) for pair in combinations(varying, 2)]
    plans.append((("template",), [term for term in main if term != ("style",)], ("template",)))
    tests = {}
    for name, beside, added in plans:
        (without, rank), (with_it, rank_with) = log_likelihood(rows, beside), log_likelihood(rows, [*beside, added])
        degrees, statistic = rank_with - rank, max(0.0, 2 * (with_it - without))
        levels = cells(rows, added)
        tests[" x ".join(name)] = {
            "chi2": statistic,
            "degrees_of_freedom": degrees,
            "p": float(chi2.sf(statistic, degrees)) if degrees else None,
            "empty_cells": sum(cell["share"] in (0, 1) for cell in levels.values()),
        }
    tested = [test for test in tests.values() if test["p"] is not None]
    for test, corrected in zip(tested, multipletests([test["p"] for test in tested], method="holm")[1], strict=True):
        test["p_holm"] = float(corrected)
    groups = [*main, ("template",), *combinations(varying, 2)]
    return {"rows": len(rows), "cells": {" x ".join(group): cells(rows, group) for group in groups}, "tests": tests}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    found = factors_of(read_run(args.run)[1])
    for name, test in found["tests"].items():
        print(f"{name:30s} chi2 {test['chi2']:6.1f} ({test['degrees_of_freedom']}) p_holm {test.get('p_holm', 1):.4f}")
    for factor in FACTORS:
        for level, cell in found["cells"].get(factor, {}).items():
            print(f"{factor:15s} {level:15s} sides in {cell['sides']} of {cell['rows']}")
    if args.output:
        write_json(args.output, found)
