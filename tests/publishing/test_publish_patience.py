# SPDX-License-Identifier: Apache-2.0
"""Which answers pass, how long they ask to wait, and that the clients' session is left as it was."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest
from huggingface_hub import get_session
from huggingface_hub.utils import hf_raise_for_status

from sycophancy.publishing.patience import Trouble, asked_wait, diagnose, one_try_per_request
from sycophancy.publishing.sending import jittered

HUB = "https://hub.example"
COMMITS_PER_HOUR = (
    "You have exceeded the rate limit for repository commits (128 per hour). You can retry this action in about 1 hour."
)
XET_FORBIDDEN = "Network error: Request error: HTTP status client error (403 Forbidden), domain: x"
XET_ERROR = "Server error: Request error: HTTP status server error (500 Internal Server Error), domain: x"


def hub_error(status: int, words: str, url: str = f"{HUB}/api/models/a/b/commit/main", **headers: str) -> Exception:
    """The exception that huggingface_hub makes of such an answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.Response(status, headers=named, json={"error": words}, request=httpx2.Request("POST", url))
    try:
        hf_raise_for_status(response)
    except Exception as error:
        return error
    raise AssertionError("no error")


@pytest.mark.parametrize(
    ("headers", "text", "seconds"),
    [
        ({}, "slow down", None),
        ({"Retry-After": "17"}, "", 17.0),
        ({"retry-after": " 3600 "}, "", 3600.0),
        ({"RateLimit": '"api";r=0;t=55', "Retry-After": "9"}, "", 55.0),
        ({"RateLimit": '"api";r=949;t=55'}, "", None),  # another limit than the one that is used up
        ({"RateLimit": '"api";r=949;t=55'}, COMMITS_PER_HOUR, 3600.0),
        ({}, "Please try again in 2 minutes", 120.0),
        ({}, "Retry in an hour.", 3600.0),
        ({"Retry-After": "soon"}, "", None),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, "", 0.0),  # past
    ],
)
def test_asked_wait(headers: dict[str, str], text: str, seconds: float | None) -> None:
    assert asked_wait(httpx2.Headers(headers), text) == seconds


def test_asked_wait_until_a_date() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=90)
    waits = asked_wait(httpx2.Headers({"Retry-After": format_datetime(soon, usegmt=True)}), "")
    assert 85 < waits <= 90


@pytest.mark.parametrize(
    ("status", "passes"), [(400, False), (401, False), (403, False), (404, False), (408, True), (409, True),
    (412, True), (413, False),
     (429, True), (500, True), (502, True), (503, True), (504, True)],
)  # fmt: skip
def test_statuses(status: int, passes: bool) -> None:
    trouble = diagnose(hub_error(status, "the Hub's words"), HUB)
    assert (trouble.status, trouble.passes, trouble.unreached) == (status, passes, False)
    assert "the Hub's words" in trouble.text
    assert "\n" not in trouble.text


def wrapped(cause: Exception) -> Exception:
    """As huggingface_hub wraps a failed upload."""
    try:
        raise RuntimeError("Error while uploading 'a.parquet' to the Hub.") from cause
    except RuntimeError as error:
        return error


def test_an_expired_address_of_the_storage_host_passes() -> None:
    elsewhere = hub_error(403, "Request has expired", url="https://storage.example/upload/1")
    trouble = diagnose(wrapped(elsewhere), HUB)
    assert (trouble.status, trouble.passes) == (403, True)
    assert trouble.text.startswith("Error while uploading 'a.parquet' to the Hub.")
    assert "Request has expired" in trouble.text


def decode_error() -> Exception:
    try:
        json.loads("<html>")
    except json.JSONDecodeError as error:
        return error
    raise AssertionError("no error")


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (httpx2.ConnectError("refused"), Trouble("ConnectError: refused", passes=True, unreached=True)),
        (httpx2.ReadTimeout("silent"), Trouble("ReadTimeout: silent", passes=True, unreached=True)),
        (httpx2.RemoteProtocolError("cut"), Trouble("RemoteProtocolError: cut", passes=True)),
        (httpx2.UnsupportedProtocol("no scheme"), Trouble("no scheme")),
        (decode_error(), Trouble("the answer was not JSON (a gateway's page?)", passes=True)),
        # hf_xet 1.8, as observed
        (ConnectionError(XET_FORBIDDEN), Trouble(XET_FORBIDDEN, 403)),
        (ConnectionError(XET_ERROR), Trouble(XET_ERROR, 500, passes=True, waited=True)),
        (ConnectionError("reset"), Trouble("reset", passes=True, waited=True)),
        (ValueError("a card that cannot be read"), None),
        (KeyError("ours"), None),
    ],
)
def test_other_troubles(error: Exception, trouble: Trouble | None) -> None:
    assert diagnose(error, HUB) == trouble


def test_waits_double_up_to_half_a_minute() -> None:
    waits = [jittered(1.0, attempts) for attempts in range(1, 9)]
    for wait, middle in zip(waits, (1, 2, 4, 8, 16, 30, 30, 30), strict=True):
        assert 0.75 * middle <= wait <= 1.25 * middle


def test_the_session_is_left_as_it_was() -> None:
    session = get_session()
    before = {name: list(hooks) for name, hooks in session.event_hooks.items()}, session.timeout
    with one_try_per_request():
        assert len(session.event_hooks["response"]) == len(before[0]["response"]) + 1
        assert session.timeout.connect == 5.0
    assert ({name: list(hooks) for name, hooks in session.event_hooks.items()}, session.timeout) == before
