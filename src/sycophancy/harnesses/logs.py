# SPDX-License-Identifier: Apache-2.0
"""What the log of a harness says, whichever harness it is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

CUT = ("max_tokens", "model_length", "content_filter")
"""Stop reasons, in the words of Inspect, after which an answer is not what the model had to say."""

ANSWERED = "answers"
"""In the store of an Inspect sample that asks several rows: what was answered to each."""

_SECRET = re.compile(r"key|token$|secret|password|credential|authorization|headers?$", re.IGNORECASE)


@dataclass(frozen=True)
class Sample:
    """What a log says of one row.

    Attributes:
        id: of the row.
        row: those of its columns that the log has; `prompt` is what the user said to the model.
        text: the raw answer, or the choice that scores give; `None` where there is none, because the sample failed.
        scores: the log-probability of each choice; `None` for an answer in text.
        epoch: which answer to the row this is, from 1 on.
        stopped: why the answer ended, `""` where the log does not say.
    """

    id: str
    row: Mapping
    text: str | None
    scores: Mapping[str, float] | None = None
    epoch: int = 1
    stopped: str = ""

    @property
    def is_cut(self) -> bool:
        """Whether the answer ended before the model was done."""
        return self.text is not None and self.stopped in CUT


@dataclass(frozen=True)
class Log:
    """A log.

    Attributes:
        samples: in the order of the log.
        model: what it says of the model: `name`, `provider` and what it was loaded with.
        harness: what it says of the run: name and version of the harness, task, status, generation settings.
        seconds: how long the run took; `None` where it does not say.
        gives_stops: whether it says why answers ended.
        in_context: what stood before the prompt, `none` for nothing.
        errors: what failed samples failed with, in the order of the log.
        told: what else a record keeps of it.
        in_turns: whether its samples are questions, each with what followed the model's own first answer.
    """

    samples: Sequence[Sample]
    model: Mapping
    harness: Mapping
    seconds: float | None = None
    gives_stops: bool = False
    in_context: str = "none"
    errors: Sequence[str] = field(default_factory=list)
    told: Mapping = field(default_factory=dict)
    in_turns: bool = False


def without_secrets(settings: Mapping) -> dict:
    """Settings as they may be recorded: without keys of an API, and whatever else is nobody's business."""
    return {name: value for name, value in settings.items() if not _SECRET.search(name)}
