# SPDX-License-Identifier: Apache-2.0
"""The claim datasets as tasks of other harnesses: lm-evaluation-harness and Inspect. See docs/harnesses.md."""
