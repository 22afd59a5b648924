# SPDX-License-Identifier: Apache-2.0
"""Datasets as tasks of lm-evaluation-harness and Inspect, and their logs as runs. See docs/harnesses.md."""
