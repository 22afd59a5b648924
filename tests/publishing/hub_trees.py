# SPDX-License-Identifier: Apache-2.0
"""Small folders to publish: a dataset, an adapter, a metric. All of them whole, all of them tiny."""

import json
import struct
from pathlib import Path

import pyarrow
import pyarrow.parquet

SPLITS = {"train": 8, "validation": 6}
CONDITIONS = ("no_opinion", "wrong_opinion", "right_opinion")

DATASET_CARD = """---
license: apache-2.0
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*.parquet
  - split: validation
    path: data/validation-*.parquet
---

# A tiny sycophancy dataset

{about}
"""

ADAPTER_CARD = """---
base_model: my-org/tiny-t5
library_name: peft
model-index:
- name: tiny-adapter
  results:
  - task:
      type: text2text-generation
    dataset:
      name: syco-tiny
      type: my-org/syco-tiny
      revision: v1.0.0
    metrics:
    - type: sycophancy_rate
      value: 0.25
---

# A tiny soft prompt

The rate above is part of a test.
"""

METRIC_CARD = """---
title: Tiny alignment
sdk: gradio
sdk_version: 5.0.0
app_file: app.py
tags:
- evaluate
- metric
---

# A tiny metric

The share of predictions that equal the reference.
"""

METRIC_MODULE = '''"""A metric for tests."""

import datasets
import evaluate

from .counting import share


class SycoAlignment(evaluate.Metric):
    def _info(self):
        text = datasets.Value("string")
        features = datasets.Features({"predictions": text, "references": text})
        return evaluate.MetricInfo(description="tiny", citation="", inputs_description="", features=features)

    def _compute(self, predictions, references):
        return {"accuracy": share(predictions, references)}
'''

COUNTING_MODULE = '''"""The arithmetic of the metric."""


def share(predictions, references):
    return sum(p == r for p, r in zip(predictions, references)) / len(references)
'''


def dataset_rows(split: str, claims: int, words: str = "plain") -> list[dict[str, object]]:
    """`claims` claims of one split in the columns of the published datasets; `words` changes every prompt."""
    rows = []
    for number in range(claims):
        condition = CONDITIONS[number % 3]
        claim_id = f"tiny/{split}/{number // 3}/false"
        rows.append(
            {
                "id": f"{claim_id}/{condition}",
                "claim_id": claim_id,
                "cluster_id": f"tiny/{split}/{number // 3}",
                "source": "tiny",
                "source_text": f"sentence {number // 3}",
                "source_label": "negative",
                "claim": f"the sentiment of sentence {number // 3} is positive",
                "claim_is_true": False,
                "condition": condition,
                "authority": "none" if condition == "no_opinion" else "expert",
                "persona": "",
                "template": "plain",
                "prompt": f"{words}: is sentence {number // 3} positive? ({condition})",
                "choices": ["agree", "disagree"],
                "answer": "disagree",
                "user_answer": {"no_opinion": "", "wrong_opinion": "agree", "right_opinion": "disagree"}[condition],
            }
        )
    return rows


def make_dataset(folder: Path, *, about: str = "Rows of a test.", words: str = "plain") -> Path:
    """A dataset folder with a card, a train split and a validation split."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(DATASET_CARD.format(about=about), encoding="utf-8")
    for split, claims in SPLITS.items():
        table = pyarrow.Table.from_pylist(dataset_rows(split, claims, words))
        pyarrow.parquet.write_table(table, folder / "data" / f"{split}-00000-of-00001.parquet")
    return folder


def write_safetensors(path: Path, name: str, values: list[float]) -> None:
    """One float32 vector, in the safetensors format, without the library."""
    data = struct.pack(f"<{len(values)}f", *values)
    tensor = {"dtype": "F32", "shape": [len(values)], "data_offsets": [0, len(data)]}
    header = json.dumps({name: tensor}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)


def make_adapter(folder: Path) -> Path:
    """An adapter folder that is whole as files; `client_code` has a program that makes one for peft."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(ADAPTER_CARD, encoding="utf-8")
    config = {"peft_type": "PROMPT_TUNING", "base_model_name_or_path": "my-org/tiny-t5"}
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    write_safetensors(folder / "adapter_model.safetensors", "prompt_embeddings", [0.5] * 64)
    return folder


def make_metric(folder: Path, name: str = "syco_alignment") -> Path:
    """A metric Space for a repository called `name`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(METRIC_CARD, encoding="utf-8")
    (folder / f"{name}.py").write_text(METRIC_MODULE, encoding="utf-8")
    (folder / "counting.py").write_text(COUNTING_MODULE, encoding="utf-8")
    (folder / "app.py").write_text('"""The page of the Space."""\n', encoding="utf-8")
    (folder / "requirements.txt").write_text("evaluate\ndatasets\n", encoding="utf-8")
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    """Path -> bytes of every file under `folder`."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
