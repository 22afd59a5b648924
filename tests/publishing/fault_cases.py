# SPDX-License-Identifier: Apache-2.0
"""What a Hub can do to a publisher, and how each of it must end: every fault of the list, one case each."""

from collections.abc import Callable
from dataclasses import dataclass, field

from loopback_hub import LoopbackHub
from loopback_hub.wire import Answer, Refusal

HOUR = 3600
COMMITS_PER_HOUR = (
    "Too many requests. You have exceeded the rate limit for repository commits (128 per hour). "
    "You can retry this action in about 1 hour."
)
GATEWAY = "504 Gateway Time-out"


def refusal(status: int, words: str, code: str = "", **headers: str) -> Answer:
    answer = Refusal(status, words, code).answer
    answer.headers |= {name.replace("_", "-"): value for name, value in headers.items()}
    return answer


@dataclass(frozen=True)
class Case:
    """One fault.

    `words` is empty for a fault that must be survived; otherwise publishing must fail, saying these words.
    """

    name: str
    step: str = ""
    """The request that goes wrong; empty for a fault of who asks rather than of what is answered."""
    how: dict[str, object] = field(default_factory=dict)
    """Arguments of `loopback_hub.Fault`."""
    words: str = ""
    attempts: int = 2
    token: str = "write"
    """`write`, `read`, `unknown`: the token of the publisher."""
    namespace: str = "my-org"
    modes: tuple[str, ...] = ("lfs", "xet")
    other_writer: bool = False
    """Another writer commits just before our commit arrives."""
    killed: bool = False
    """The publisher is killed between upload and commit, and started again."""
    options: dict[str, object] = field(default_factory=dict)
    """Further arguments of `publish`."""

    def arm(self, hub: LoopbackHub, repo_id: str, kill: Callable[[], None]) -> None:
        if self.other_writer:
            hub.arm("commit", call=lambda: hub.commit_files("model", repo_id, {"NOTES.md": b"theirs"}))
        elif self.killed:
            hub.arm("commit", call=kill, drop=True)
        elif self.step:
            hub.arm(self.step, **self.how)


def survived(name: str, step: str, attempts: int = 2, modes: tuple[str, ...] = ("lfs", "xet"), **how: object) -> Case:
    return Case(name, step, how, attempts=attempts, modes=modes)


def fatal(name: str, step: str, words: str, modes: tuple[str, ...] = ("lfs", "xet"), **how: object) -> Case:
    return Case(name, step, how, words=words, attempts=1, modes=modes)


CASES = (
    Case("no fault", attempts=1),
    # Refusals: at once, in the Hub's words.
    Case("401: unknown token", words="Invalid credentials in Authorization header", token="unknown", attempts=1),
    Case("403: read-only token", words="this token has the role 'read'", token="read", attempts=1),
    Case("403: somebody else's namespace", words="You don't have the rights", namespace="their-org", attempts=1),
    fatal(
        "404 at preupload",
        "preupload",
        "Sorry, we can't find the page you are looking for",
        answer=refusal(404, "Sorry, we can't find the page you are looking for.", "RepoNotFound"),
    ),
    fatal(
        "400: card refused by the Hub",
        "validate-yaml",
        '"license" must be one of',
        answer=Answer.of_json({"errors": [{"message": '"license" must be one of ...'}], "warnings": []}, 400),
    ),
    fatal("403 for the xet token", "xet-write-token", "403 Forbidden", modes=("xet",), answer=refusal(403, "no")),
    fatal(
        "403 at commit",
        "commit",
        "too many concurrent pushes",
        answer=refusal(403, "too many concurrent pushes"),
    ),
    # Conflicts.
    survived(
        "409 at create: another operation",
        "create",
        answer=refusal(409, "Cannot create repo: another conflicting operation is in progress"),
    ),
    survived("409 at commit: another operation", "commit", answer=refusal(409, "Another operation is in progress")),
    Case("412: another writer's commit first", other_writer=True),
    survived("412 although nobody wrote", "commit", answer=refusal(412, "A commit has happened since.")),
    survived("408 at commit", "commit", answer=refusal(408, "Request Timeout")),
    # Rate limits.
    survived("429 at commit", "commit", answer=refusal(429, "Too Many Requests")),
    survived("429 at commit, Retry-After: 1", "commit", answer=refusal(429, "Slow down", Retry_After="1")),
    survived(
        "429 at preupload, RateLimit: t=1",
        "preupload",
        answer=refusal(429, "Slow down", RateLimit='"api";r=0;t=1'),
    ),
    fatal(
        "429 at commit, Retry-After: 3600",
        "commit",
        "asks to wait 3600 s",
        answer=refusal(429, "Slow down", Retry_After=str(HOUR)),
    ),
    fatal(
        "429 at preupload, Retry-After: 3600",
        "preupload",
        "asks to wait 3600 s",
        answer=refusal(429, "Slow down", Retry_After=str(HOUR)),
    ),
    fatal(
        "429 at LFS PUT, Retry-After: 3600",
        "lfs-put",
        "asks to wait 3600 s",
        modes=("lfs",),
        answer=refusal(429, "Slow down", Retry_After=str(HOUR)),
    ),
    fatal(
        "429 at commit, 'retry in about 1 hour'",
        "commit",
        "rate limit for repository commits (128 per hour)",
        answer=refusal(429, COMMITS_PER_HOUR, RateLimit='"api";r=949;t=12'),
    ),
    # Errors of the Hub's own, at every step.
    survived("503 on reading the head", "info", answer=refusal(503, "Service Unavailable")),
    survived("500 at create", "create", answer=refusal(500, "Internal Error")),
    survived(
        "500 at create, the repository was made",
        "create",
        when="after",
        answer=refusal(500, "Internal Error"),
    ),
    survived("502 page at validate-yaml", "validate-yaml", answer=Answer.of_html(502, "502 Bad Gateway")),
    survived("503 at preupload", "preupload", answer=refusal(503, "Service Unavailable")),
    survived("500 at LFS batch", "lfs-batch", modes=("lfs",), answer=refusal(500, "Internal Error")),
    survived("500 at LFS PUT", "lfs-put", modes=("lfs",), answer=refusal(500, "Internal Error")),
    survived(
        "403 at LFS PUT: address expired",
        "lfs-put",
        modes=("lfs",),
        answer=refusal(403, "Request has expired"),
    ),
    survived("500 at LFS verify", "lfs-verify", modes=("lfs",), answer=refusal(500, "Internal Error")),
    survived(
        "500 for the xet token",
        "xet-write-token",
        attempts=1,
        modes=("xet",),
        answer=refusal(500, "Internal Error"),
    ),
    survived(
        "429 for the xet token, Retry-After: 3600",
        "xet-write-token",
        attempts=1,
        modes=("xet",),
        answer=refusal(429, "Slow down", Retry_After=str(HOUR)),
    ),
    survived("500 at commit, before it happened", "commit", answer=refusal(500, "Internal Error")),
    survived("500 at commit, after it happened", "commit", when="after", answer=refusal(500, "Internal Error")),
    survived("504 at commit, after it happened", "commit", when="after", answer=Answer.of_html(504, GATEWAY)),
    survived("503 on reading back", "tree", skip=1, answer=refusal(503, "Service Unavailable")),
    survived("500 at tag", "tag", answer=refusal(500, "Internal Error")),
    survived("500 at tag, after it was made", "tag", when="after", answer=refusal(500, "Internal Error")),
    Case(
        "503 at commit, for good",
        "commit",
        {"answer": refusal(503, "Service Unavailable"), "times": 99},
        words="Service Unavailable",
        attempts=3,
        options={"attempts": 3},
    ),
    # Connections.
    survived("dropped on reading the head", "info", drop=True),
    survived("dropped at create, the repository was made", "create", when="after", drop=True),
    survived("dropped at preupload", "preupload", attempts=1, drop=True),
    survived("dropped at LFS PUT", "lfs-put", modes=("lfs",), attempts=1, drop=True),
    survived("dropped at commit, before it happened", "commit", drop=True),
    survived("dropped at commit, after it happened", "commit", when="after", drop=True),
    survived("dropped at tag, after it was made", "tag", when="after", drop=True),
    # Answers that cannot be read.
    survived("truncated answer to the commit", "commit", truncate=True),
    survived("truncated file list", "tree", attempts=1, truncate=True),
    survived("a page instead of JSON on reading the head", "info", answer=Answer.of_html(200, "Maintenance")),
    survived(
        "a page instead of JSON at commit, after it happened",
        "commit",
        when="after",
        answer=Answer.of_html(200, "Maintenance"),
    ),
    # Ourselves.
    Case("kill -9 between upload and commit, run again", killed=True, attempts=1),
)
