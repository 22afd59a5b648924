# SPDX-License-Identifier: Apache-2.0
"""The Space's page, without Gradio: read runs, score them, show numbers, picture and rows. The metric needs none of it."""
