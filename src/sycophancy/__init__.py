# SPDX-License-Identifier: Apache-2.0
"""Measure and reduce sycophancy in language models.

The thin library behind `dataset_builders/` and `scripts/`. A row's walk: source row (`sources`) -> claim
(`claims`) -> prompt (`people`, `wordings`) -> published row (`rows`) -> answer (`answering`) -> metric
(`metrics/syco_alignment`, shared by loading it) -> run record (`records`) -> report and card (`reporting`).
"""

__version__ = "0.1.0"
