# SPDX-License-Identifier: Apache-2.0
"""Which troubles of the Hub pass, and how long to wait for that.

The clients differ from step to step (huggingface_hub 2.4): a commit is never tried again, an upload up to
five times, and a `Retry-After` of an hour is slept through. While we publish, every request of
`huggingface_hub` gets one try, and the waits are decided in one place. (The requests that `hf_xet` makes
itself keep its own.)
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 120.0
"""The Hub allows itself 60 s for a commit (hub-docs, storage-limits.md); after twice that we ask anew."""

PASSING_STATUSES = frozenset({408, 409, 412, 429})
"""Beside every 5xx: time-out, another operation in progress, somebody else's commit, too many requests."""

CONFLICT = "another conflicting operation is in progress"
"""A 409 that `create_repo` answers by asking again at once and without end."""

UNIT_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True)
class Trouble:
    """One failure of a request to the Hub."""

    text: str
    """The Hub's own words, on one line."""
    status: int | None = None
    """HTTP status; None where there was no answer."""
    passes: bool = False
    """Whether it is worth planning again."""
    asked_wait: float | None = None
    """Seconds that the Hub asks us to wait."""
    unreached: bool = False
    """No answer came at all: no connection, or silence."""
    waited: bool = False
    """Whether the client (hf_xet) has tried again for minutes before it said so."""


def is_passing(status: int) -> bool:
    """Whether an HTTP status speaks of a trouble that passes."""
    return status in PASSING_STATUSES or status >= 500


@contextmanager
def one_try_per_request() -> Iterator[None]:
    """Let a request of `huggingface_hub` fail at once when it is turned away, and at last when unanswered.

    For the length of the block the client's shared session gets time limits (it has none) and a hook that
    raises on the statuses for which it would otherwise wait by itself. Requests that other threads make
    meanwhile are treated alike.
    """
    import httpx2
    from huggingface_hub import get_session
    from huggingface_hub.utils import hf_raise_for_status

    def raise_at_once(response: httpx2.Response) -> None:
        if not is_passing(response.status_code):
            return
        response.read()
        if response.status_code != 409 or CONFLICT in response.text:
            hf_raise_for_status(response)

    session = get_session()
    hooks, timeout = session.event_hooks, session.timeout
    session.event_hooks = {**hooks, "response": [*hooks.get("response", []), raise_at_once]}
    session.timeout = httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    try:
        yield
    finally:
        session.event_hooks, session.timeout = hooks, timeout


def diagnose(error: BaseException, endpoint: str) -> Trouble | None:
    """Tell what an exception of the clients means; None if it is not about the Hub."""
    import httpx2
    from huggingface_hub.errors import OfflineModeIsEnabled

    for cause in causes(error):
        text = one_line(error if cause is error else f"{error} {cause}")
        response = getattr(cause, "response", None)
        if isinstance(response, httpx2.Response):
            return answered(text, response, endpoint)
        if isinstance(cause, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError | OfflineModeIsEnabled):
            return Trouble(text)
        if isinstance(cause, httpx2.TransportError):
            unreached = isinstance(cause, httpx2.ConnectError | httpx2.TimeoutException | httpx2.ProxyError)
            return Trouble(f"{type(cause).__name__}: {text}", passes=True, unreached=unreached)
        if isinstance(cause, json.JSONDecodeError):
            return Trouble("the answer was not JSON (a gateway's page?)", passes=True)
        if isinstance(cause, ConnectionError):  # hf_xet; it puts the status into the text, if there was one
            match = re.search(r"HTTP status \w+ error \((\d{3})", text)
            status = int(match.group(1)) if match else None
            passes = status is None or is_passing(status)
            return Trouble(text, status, passes, waited=passes)
    return None


def answered(text: str, response: Any, endpoint: str) -> Trouble:
    """The trouble of a request that got an answer."""
    status = response.status_code
    from_storage = urlsplit(str(response.request.url)).netloc != urlsplit(endpoint).netloc
    # A signed address of the storage host runs out; planning again brings a new one.
    passes = is_passing(status) or (status == 403 and from_storage)
    return Trouble(text, status, passes, asked_wait(response.headers, text) if is_passing(status) else None)


def asked_wait(headers: Any, text: str) -> float | None:
    """Seconds that an answer asks us to wait: `RateLimit` when used up, `Retry-After`, or its words."""
    from huggingface_hub.utils import parse_ratelimit_headers

    limit = parse_ratelimit_headers(headers)
    if limit is not None and limit.remaining == 0:
        return float(limit.reset_in_seconds)
    value = (headers.get("Retry-After") or "").strip()
    if value.isdigit():
        return float(value)
    if value:
        try:
            return max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0.0)
        except (TypeError, ValueError):
            pass
    # The limit of commits per hour comes with no number but in the text: "retry this action in about 1 hour".
    match = re.search(r"(?:retry|try again)[^.]*?\b(\d+|an?)\s+(second|minute|hour|day)", text, re.IGNORECASE)
    if match is None:
        return None
    count = int(match.group(1)) if match.group(1).isdigit() else 1
    return float(count * UNIT_SECONDS[match.group(2).lower()])


def causes(error: BaseException) -> Iterator[BaseException]:
    """The exception, what it was raised from, and so on."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def one_line(text: object) -> str:
    """`text` with every run of white space as one blank."""
    return " ".join(str(text).split())
