# SPDX-License-Identifier: Apache-2.0
"""Run every fault in every mode, check how publishing ends, write the table in docs/results/publishing/ from it.

python tests/publishing/fault_matrix.py            compare the table with a new run
python tests/publishing/fault_matrix.py --write    write it
"""

import os
import signal
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":  # pytest gets these paths from conftest.py
    sys.path[:0] = [str(Path(__file__).parents[1])]

from fault_cases import CASES, Case
from hub_clients import MODES, ROOT, Publisher, client_environment
from hub_trees import files_of, make_adapter
from loopback_hub import LoopbackHub
from loopback_hub.store import GITATTRIBUTES, Repo

DOCUMENT = ROOT / "docs" / "results" / "publishing" / "faults.md"
HEAD = "| what happens |"
TAG = "v1.0.0"
AT_ONCE_SECONDS = 5.0


@dataclass(frozen=True)
class Outcome:
    """How one case ended: the cell of the table, and what was not as it must be."""

    cell: str
    wrong: tuple[str, ...] = ()


class Bench:
    """One loopback Hub, one folder to publish, and one publisher per kind of token, for one mode."""

    def __init__(self, folder: Path, mode: str):
        self.folder, self.mode = folder, mode
        self.tree = make_adapter(folder / "tree")
        self.hub = LoopbackHub(folder / "hub")
        self.tokens = {
            "write": self.hub.add_user("ada", ("my-org",)),
            "read": self.hub.add_user("ada", ("my-org",), role="read"),
            "unknown": "hf_" + "Z" * 34,
        }
        self.publishers: dict[str, Publisher] = {}
        self.logs: list[str] = []

    def __enter__(self) -> "Bench":
        self.hub.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        for token in list(self.publishers):
            self.stop(token)
        self.hub.__exit__()

    def stop(self, token: str) -> None:
        publisher = self.publishers.pop(token)
        self.logs.append(publisher.log)
        publisher.__exit__()

    def publisher(self, token: str) -> Publisher:
        if token not in self.publishers:
            home = self.folder / f"home-{token}-{len(self.logs)}"
            environment = client_environment(self.hub.endpoint, home, self.mode, self.tokens[token])
            self.publishers[token] = Publisher(environment)
        return self.publishers[token]

    def run(self, case: Case) -> Outcome:
        """Publish under one fault; how it ended."""
        hub, repo_id = self.hub, f"{case.namespace}/tiny"
        hub.reset()
        publisher = self.publisher(case.token)
        case.arm(hub, repo_id, kill=lambda: os.kill(publisher.process.pid, signal.SIGKILL))
        publisher.start(self.tree, repo_id, "model", tag=TAG, **case.options)
        if case.killed:
            publisher.process.wait(60)
            before = list(hub.repo("model", repo_id).tree())
            self.stop(case.token)
            already = len(hub.records)
            publisher = self.publisher(case.token)
            publisher.start(self.tree, repo_id, "model", tag=TAG)
        answer = publisher.finish()
        repo = hub.repos.get(("model", repo_id))
        wrong = [f"fault not met: {case.name}"] if case.step and not hub.faults.met else []
        if case.words:
            return self.judge_failure(case, answer, repo, wrong)
        outcome = self.judge_success(case, answer, repo, wrong)
        if case.killed:
            if before != [".gitattributes"]:
                outcome = Outcome(outcome.cell, (*outcome.wrong, f"half published: {before}"))
            if "lfs-put" in hub.steps(already):
                outcome = Outcome(outcome.cell, (*outcome.wrong, "uploaded again what was there"))
        return outcome

    def judge_failure(self, case: Case, answer: dict, repo: Repo | None, wrong: list[str]) -> Outcome:
        if "error" not in answer:
            return Outcome("published", (*wrong, "did not fail"))
        if case.words not in answer["text"]:
            wrong.append(f"the Hub's words are missing: {answer['text']}")
        if answer["seconds"] > AT_ONCE_SECONDS:
            wrong.append(f"failed only after {answer['seconds']:.1f} s")
        if repo is not None and (list(repo.tree()) != [".gitattributes"] or repo.tags):
            wrong.append(f"half published: {list(repo.tree())}, tags {repo.tags}")
        when = "at once" if answer["attempts"] <= 1 else f"after {answer['attempts']} attempts"
        wrong += [] if answer["attempts"] in (0, case.attempts) else [f"{answer['attempts']} attempts"]
        status = f"{answer['status']}, " if answer["status"] else ""
        return Outcome(f"fails {when}, nothing published: {status}“{case.words}”", tuple(wrong))

    def judge_success(self, case: Case, answer: dict, repo: Repo | None, wrong: list[str]) -> Outcome:
        if "error" in answer:
            return Outcome("failed", (*wrong, f"failed: {answer['text']}"))
        ours = [commit for commit in repo.log() if commit.author == "ada" and commit.title != "initial commit"]
        expected = {".gitattributes": GITATTRIBUTES, **files_of(self.tree)}
        if case.other_writer:
            expected["NOTES.md"] = b"theirs"
        if len(ours) != 1:
            wrong.append(f"{len(ours)} commits instead of 1")
        if repo.tree() != expected:
            wrong.append(f"not the tree: {sorted(repo.tree())}")
        if repo.tags != {TAG: repo.head} or answer["commit"] != repo.head:
            wrong.append(f"tags {repo.tags}, answer {answer['commit']}, head {repo.head}")
        if not answer["sent"] or answer["attempts"] != case.attempts:
            wrong.append(f"sent {answer['sent']} in {answer['attempts']} attempts, not {case.attempts}")
        attempts = f"{answer['attempts']} attempt" + ("s" if answer["attempts"] > 1 else "")
        what = "1 commit on top of theirs, both kept" if case.other_writer else "1 commit, the exact tree"
        return Outcome(f"{what}, tagged ({attempts})", tuple(wrong))

    def leaks(self) -> list[str]:
        """What the server and the logs say about tokens in wrong places, unknown routes and crashes."""
        found = [*self.hub.leaks, *self.hub.unknown, *self.hub.crashes]
        logs = [*self.logs, *(publisher.log for publisher in self.publishers.values())]
        return found + [f"token {name} in a log" for name, token in self.tokens.items() for log in logs if token in log]


def run_mode(folder: Path, mode: str) -> dict[str, Outcome]:
    """Every case of one mode, by name. Raises AssertionError if a token went astray."""
    with Bench(folder, mode) as bench:
        outcomes = {case.name: bench.run(case) for case in CASES if mode in case.modes}
        assert not bench.leaks(), bench.leaks()
    return outcomes


def run_all(folder: Path) -> dict[str, dict[str, Outcome]]:
    """Every case of every mode: mode -> name -> outcome. The modes run side by side: they mostly wait."""
    with ThreadPoolExecutor(len(MODES)) as pool:
        return dict(zip(MODES, pool.map(lambda mode: run_mode(folder / mode, mode), MODES), strict=True))


def table(outcomes: dict[str, dict[str, Outcome]]) -> str:
    """The Markdown table: fault x mode x outcome."""
    lines = [f"{HEAD} plain LFS | xet |", "|---|---|---|"]
    for case in CASES:
        cells = [outcomes[mode][case.name].cell if case.name in outcomes[mode] else "does not occur" for mode in MODES]
        lines.append(f"| {case.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def committed_table() -> str:
    """The table as it stands in the documentation, at its end."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return text[text.index(HEAD) :].strip()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        outcomes = run_all(Path(folder))
    for mode in MODES:
        for name, outcome in outcomes[mode].items():
            for text in outcome.wrong:
                print(f"{mode}: {name}: {text}", file=sys.stderr)
    if any(outcome.wrong for mode in MODES for outcome in outcomes[mode].values()):
        sys.exit(1)
    made = table(outcomes)
    if "--write" in sys.argv[1:]:
        text = DOCUMENT.read_text(encoding="utf-8")
        DOCUMENT.write_text(f"{text[: text.index(HEAD)]}{made}\n", encoding="utf-8")
    elif made != committed_table():
        print(f"{DOCUMENT} does not have the table of this run; run with --write", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
