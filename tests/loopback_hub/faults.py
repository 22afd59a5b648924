# SPDX-License-Identifier: Apache-2.0
"""Faults on request: which request goes wrong, how, and how often.

A fault is armed for a step (the name of a route, see `server.ROUTES`) and is used up by the requests that
meet it. `when="before"` keeps the request from taking effect; `when="after"` lets it take effect and loses
the answer.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from loopback_hub.wire import Answer


@dataclass
class Fault:
    """What to do to the next `times` requests of `step`, after letting `skip` of them pass."""

    step: str
    answer: Answer | None = None
    """Sent instead of the Hub's own answer."""
    when: str = "before"
    drop: bool = False
    """Close the connection without an answer."""
    truncate: bool = False
    """Announce the whole body, send half of it, close the connection. The request takes effect."""
    call: Callable[[], None] | None = None
    """Run first: another writer, a kill. The request then proceeds."""
    times: int = 1
    skip: int = 0


@dataclass
class Faults:
    """The armed faults of one server."""

    armed: list[Fault] = field(default_factory=list)
    met: list[str] = field(default_factory=list)
    """Steps at which a fault was met, in order."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        with self.lock:
            self.armed.append(fault)

    def clear(self) -> None:
        with self.lock:
            self.armed.clear()
            self.met.clear()

    def take(self, step: str) -> Fault | None:
        """The fault that this request meets, if any; uses it up."""
        with self.lock:
            for fault in self.armed:
                if fault.step != step or fault.times == 0:
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    return None
                fault.times -= 1
                self.met.append(step)
                return fault
        return None
