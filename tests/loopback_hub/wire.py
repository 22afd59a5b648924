# SPDX-License-Identifier: Apache-2.0
"""Requests and answers of the loopback Hub as plain values, and the errors it answers with."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs


@dataclass
class User:
    """Somebody with a token."""

    name: str
    orgs: tuple[str, ...]
    role: str
    """`write` or `read`: what the token may do."""

    def may_write(self, namespace: str) -> bool:
        return self.role == "write" and (namespace == self.name or namespace in self.orgs)


@dataclass
class Request:
    """One HTTP request, its body read. `path` is raw: revisions and file names in it are still quoted."""

    method: str
    path: str
    query: str
    headers: Any
    body: bytes
    host: str
    match: dict[str, str] = field(default_factory=dict)
    user: User | None = None

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            raise Refusal(400, "the body is not JSON") from None

    def parameter(self, name: str) -> str | None:
        return parse_qs(self.query).get(name, [None])[-1]


@dataclass
class Answer:
    """One HTTP answer."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def of_json(cls, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> "Answer":
        body = json.dumps(value).encode()
        return cls(status, {"Content-Type": "application/json; charset=utf-8", **(headers or {})}, body)

    @classmethod
    def of_html(cls, status: int, title: str) -> "Answer":
        body = f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{title}</body></html>".encode()
        return cls(status, {"Content-Type": "text/html; charset=utf-8"}, body)


class Refusal(Exception):
    """An error answer. `code` is the Hub's `X-Error-Code`, from which the clients choose their exception."""

    def __init__(self, status: int, message: str, code: str = "", **body: Any):
        super().__init__(message)
        headers = {"X-Error-Message": message}
        if code:
            headers["X-Error-Code"] = code
        # A body of {"error": ...} is what the Hub sends and what the clients print.
        self.answer = Answer.of_json({"error": message, **body}, status, headers)


def no_repo(user: User | None) -> Refusal:
    """The Hub does not tell an anonymous caller whether a repository is missing or private: 401 for both."""
    if user is None:
        return Refusal(401, "Invalid username or password.", "RepoNotFound")
    return Refusal(404, "Repository not found", "RepoNotFound")
