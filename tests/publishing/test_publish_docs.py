# SPDX-License-Identifier: Apache-2.0
"""The commands of `docs/publishing.md` exist, with these flags."""

import re
import shlex

import pytest
from commands import ROOT, python
from transformers import Seq2SeqTrainingArguments

TEXT = (ROOT / "docs" / "publishing.md").read_text(encoding="utf-8")
COMMANDS = [line for line in TEXT.splitlines() if re.match(r"(python|accelerate launch) ", line)]


def test_commands_were_found() -> None:
    assert len(COMMANDS) == 8


@pytest.mark.parametrize("script", ["publish", "publish_collection", "point_to_hub", "prompt_tune"])
def test_each_flag_of_a_command_exists(script: str) -> None:
    known = python(f"scripts/{script}.py", "--help").stdout
    if script == "prompt_tune":
        known += " ".join(f"--{name}" for name in Seq2SeqTrainingArguments.__dataclass_fields__)
    used = [shlex.split(command) for command in COMMANDS if f"scripts/{script}.py" in command]
    assert used
    for words in used:
        after = words[words.index(f"scripts/{script}.py") :]
        flags = [word for word in after if word.startswith("--")]
        assert [flag for flag in flags if not re.search(rf"{flag}\b", known) and flag != "--config"] == []
        assert [word for word in words if word.endswith(".yaml") and not (ROOT / word).is_file()] == []


def test_what_the_code_refuses_is_what_the_page_says() -> None:
    """The command in the refusal of a local folder stands on the page, with real names in place of ORG/NAME."""
    assert re.search(r"point_to_hub\.py \S+ --hub_model_id my-org/\S+ --base_model_id my-org/\S+ --dataset_id", TEXT)
