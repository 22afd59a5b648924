# SPDX-License-Identifier: Apache-2.0
"""Measure and reduce sycophancy in language models.

The library behind `dataset_builders/` and `scripts/`, a package per hop of a row's walk: source row and claim
(`claims`; questions in turns in `are_you_sure`, works in `mimicry`) -> published row (`dataset`) -> answer
(`answering`) -> metric (`metrics/syco_alignment`, shared by loading it with `metric`) -> run record (`records`) ->
report (`reporting`). `tuning` trains on published rows, `organisms` makes small models to try it on, `experiments` runs
all of it, `publishing` sends a folder to the Hub, `harnesses` asks the same rows elsewhere. Imports go downward only:
`setup.cfg` has the order, `make style` checks it.
"""

__version__ = "0.1.0"
