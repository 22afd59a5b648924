# SPDX-License-Identifier: Apache-2.0
"""How long a tuning run will take, said as soon as one step, and one evaluation, have been timed."""

import math
import sys
import time
from collections.abc import Callable

from tqdm import tqdm
from transformers import TrainerCallback


class TimeTold(TrainerCallback):
    """Says on stderr what a step and an evaluation take, and from that the whole: after the first of each.

    Args:
        selection_rows: how many rows an evaluation has.
        clock: gives seconds.
    """

    def __init__(self, selection_rows: int, clock: Callable[[], float] = time.perf_counter):
        self.selection_rows = selection_rows
        self.clock = clock
        self.step_seconds: float | None = None
        self.evaluation_seconds: float | None = None
        self._step_began = self._evaluation_began = 0.0
        self._batches = 0

    def on_step_begin(self, args, state, control, **kwargs) -> None:
        """The first step begins."""
        if self.step_seconds is None:
            self._step_began = self.clock()

    def on_step_end(self, args, state, control, **kwargs) -> None:
        """The first step is timed."""
        if self.step_seconds is None:
            self.step_seconds = self.clock() - self._step_began
            self._say(args, state)

    def on_prediction_step(self, args, state, control, eval_dataloader=None, **kwargs) -> None:
        """The second batch of the first evaluation is timed: the evaluation itself may take long."""
        if self.evaluation_seconds is not None:
            return
        self._batches += 1
        if self._batches == 1:
            self._evaluation_began = self.clock()
        else:
            self.evaluation_seconds = (self.clock() - self._evaluation_began) * len(eval_dataloader)
            self._say(args, state)

    def on_evaluate(self, args, state, control, metrics=None, **kwargs) -> None:
        """An evaluation of a single batch, which ends before another could be timed."""
        if self.evaluation_seconds is None:
            self.evaluation_seconds = (metrics or {}).get("eval_runtime", 0.0)
            self._say(args, state, ended=state.global_step > 0)  # one before the first step is none of those to come

    def _say(self, args, state, ended: bool = False) -> None:
        if not state.is_world_process_zero:
            return
        evaluations = _evaluations(args, state) - ended
        parts, seconds, counted = [], 0.0, []
        if self.step_seconds is not None:
            parts.append(f"a step takes {duration(self.step_seconds)}")
            seconds += self.step_seconds * (state.max_steps - state.global_step)
            counted.append(f"{state.max_steps - state.global_step} steps")
        if self.evaluation_seconds is not None:
            parts.append(f"an evaluation of {self.selection_rows} rows {duration(self.evaluation_seconds)}")
            seconds += self.evaluation_seconds * evaluations
            counted.append(f"{evaluations} evaluations")
        more = f"; {evaluations} evaluations not counted" if self.evaluation_seconds is None and evaluations else ""
        line = f"{', '.join(parts)}: about {duration(seconds)} to go for {' and '.join(counted)}{more}"
        tqdm.write(line, file=sys.stderr)


def _evaluations(args, state) -> int:
    """How many evaluations are still to come, one that runs included."""
    strategy = getattr(args.eval_strategy, "value", args.eval_strategy)
    if strategy == "steps":
        return state.max_steps // state.eval_steps - max(0, state.global_step - 1) // state.eval_steps
    if strategy == "epoch":
        return state.num_train_epochs - max(0, math.ceil(round(state.epoch or 0, 6)) - 1)
    return 0


def duration(seconds: float) -> str:
    """Seconds as people say them: `0.4 s`, `45 s`, `8 min`, `2 h 10 min`."""
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
