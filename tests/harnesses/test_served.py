# SPDX-License-Identifier: Apache-2.0
"""A real server, asked by Inspect over a proxy that fails: nothing is lost, nothing counted twice, nothing guessed."""

import json
import os
import signal
import sys
import time
from pathlib import Path
from urllib.parse import unquote

import pytest
from commands import SECONDS, here, python, run_script, start
from transformers import AutoTokenizer

from harnesses.faulty_proxy import Request, proxied
from sycophancy.dataset.kinds import load_rows
from sycophancy.harnesses.cost import cost_of
from sycophancy.harnesses.importing import import_log
from sycophancy.records import read_run

pytestmark = pytest.mark.harness
ROWS = 30


@pytest.fixture(scope="module")
def expected(speaker, dataset_folder, tmp_path_factory):
    """What scripts/measure.py finds on the same rows: record and lines."""
    folder = tmp_path_factory.mktemp("native") / "run"
    here(
        "scripts/measure.py", "--model_name_or_path", speaker, "--dataset_name", dataset_folder, "--limit", ROWS,
        "--answer", "text", "--max_new_tokens", "8", "--output_dir", folder,
    )  # fmt: skip
    return read_run(folder)


@pytest.fixture
def proxy(server):
    with proxied(server) as between:
        yield between


@pytest.fixture
def ask(speaker, dataset_folder, tmp_path, monkeypatch):
    """Asks the first rows of the dataset through Inspect and gives its log."""
    from inspect_ai import eval as run_task
    from inspect_ai.model import get_model

    from sycophancy.harnesses.inspect_task import syco_claims

    monkeypatch.setenv("LOCAL_API_KEY", "none")  # a log has none, and a retry needs one

    def asked(address, **settings):
        model = get_model(f"openai-api/local/{speaker}", base_url=address, memoize=False)
        (log,) = run_task(
            syco_claims(dataset_name=str(dataset_folder), max_tokens=8), model=model, limit=ROWS, temperature=0,
            max_connections=1, log_dir=str(tmp_path / "logs"), display="none", **settings,
        )  # fmt: skip
        return log

    return asked


@pytest.fixture
def imported(dataset_folder, tmp_path):
    """Imports a log: record, lines and what it lacks."""

    def read(log):
        path = log if isinstance(log, Path) else Path(unquote(str(log.location).removeprefix("file://")))
        folder = tmp_path / f"run{len(list(tmp_path.glob('run*')))}"
        _, lacking = import_log(path, str(dataset_folder), "validation", folder)
        return *read_run(folder), [said for said in lacking if "were not asked" not in said]

    return read


def answers(lines):
    return [(line["id"], line["prediction"], line["parsed"]) for line in lines]


def test_a_served_models_answers_and_numbers_are_those_of_measure(
    ask, imported, server, expected, speaker, dataset_folder
):
    record, lines, lacking = imported(ask(server))
    native, found = expected
    assert answers(lines) == answers(found)
    assert record["metrics"] == pytest.approx(native["metrics"])
    assert (record["imported"]["samples"], record["imported"]["truncated"], lacking) == (ROWS, {}, [])
    assert sum(line["parsed"] is not None for line in lines) > ROWS / 2  # equal silence would say little
    assert record["model"]["provider"] == "openai-api"
    # What scripts/cost.py says before is what the server counts.
    rows = load_rows(str(dataset_folder), "validation")[1].select(range(ROWS)).to_list()
    said = cost_of(rows, 8, AutoTokenizer.from_pretrained(speaker))
    (counted,) = record["harness"]["usage"].values()
    assert (said.requests, said.prompt_tokens) == (len(lines), counted["input_tokens"])
    assert 0 < counted["output_tokens"] <= said.answer_tokens


def test_requests_that_fail_are_asked_again_until_each_row_has_one_answer(ask, imported, proxy, expected):
    happens = {2: Request.busy, 5: Request.busy_for_two_seconds, 9: Request.broken, 13: Request.dropped,
               17: Request.dropped_in_its_answer}  # fmt: skip
    proxy.faults = happens
    record, lines, lacking = imported(ask(proxy.address))
    assert answers(lines) == answers(expected[1])
    assert record["metrics"] == pytest.approx(expected[0]["metrics"])
    assert (record["imported"]["samples"], lacking) == (ROWS, [])
    # Each failed request was made again, and no other was: every prompt is a row's own.
    again = {proxy.asked[number] for number in happens}
    assert proxy.times == {line: 2 if line in again else 1 for line in proxy.times}
    assert len(proxy.asked) == len(proxy.times) + len(happens)
    after = next(number for number in range(6, len(proxy.asked)) if proxy.asked[number] == proxy.asked[5])
    assert proxy.at[after] - proxy.at[5] >= 2


def test_an_answer_that_comes_after_the_client_gave_up_is_not_counted(ask, imported, proxy, expected):
    proxy.faults = {3: Request.late}
    record, lines, lacking = imported(ask(proxy.address, attempt_timeout=20))
    assert answers(lines) == answers(expected[1])
    assert (record["imported"]["samples"], record["imported"]["failed"], lacking) == (ROWS, 0, [])
    assert proxy.times[proxy.asked[3]] > 1


def test_a_truncated_answer_is_unread_and_not_guessed(ask, imported, proxy, expected):
    at = next(number for number, line in enumerate(expected[1]) if line["parsed"] is not None)
    proxy.faults = {at: Request.truncated}
    log = ask(proxy.address)
    record, lines, lacking = imported(log)
    cut = next(line for line in lines if line["stop_reason"] == "max_tokens")
    kept = dict(zip((line["id"] for line in expected[1]), expected[1], strict=True))
    assert cut["truncated_text"] == kept[cut["id"]]["prediction"]  # a whole answer, were it not for the server's word
    assert (cut["prediction"], cut["parsed"]) == ("", None)
    assert answers([line for line in lines if line is not cut]) == answers(
        [line for line in expected[1] if line["id"] != cut["id"]]
    )
    assert record["metrics"]["n_unparsed"] == expected[0]["metrics"]["n_unparsed"] + 1
    assert lacking == ["1 answers were cut off (max_tokens 1) and are not read: raise max_tokens."]
    # Inspect's own table says the same.
    shown = {name: found.value for name, found in log.results.scores[0].metrics.items()}
    assert shown["unparsed_rate"] == pytest.approx(record["metrics"]["unparsed_rate"])


def test_rows_that_failed_for_good_are_counted_and_asked_again_by_a_retry(
    ask, imported, proxy, expected, dataset_folder
):
    from inspect_ai import eval_retry

    rows = load_rows(str(dataset_folder), "validation")[1].select(range(ROWS))
    proxy.faults = dict.fromkeys((4, 5, 6), Request.broken)  # the client itself asks twice more
    log = ask(proxy.address, max_retries=0, fail_on_error=False)
    assert log.status == "success"
    record, lines, lacking = imported(log)
    assert record["imported"]["failed"] == 1
    assert lacking[0].startswith("1 samples failed (the first: ")
    assert len(lines) < ROWS
    before = proxy.times
    (again,) = eval_retry(log, display="none")
    record, lines, lacking = imported(again)
    assert answers(lines) == answers(expected[1])
    assert (record["imported"]["samples"], lacking) == (ROWS, [])
    assert (proxy.times - before).total() == 1
    assert set(proxy.asked) == set(rows["prompt"])


def test_a_killed_run_goes_on_where_it_was(imported, proxy, expected, speaker, dataset_folder, tmp_path):
    inspect = Path(sys.executable).with_name("inspect")
    own = {"LOCAL_API_KEY": "none", "LOCAL_BASE_URL": proxy.address}
    proxy.faults = {11: Request.never}
    running = start(
        inspect, "eval", "src/sycophancy/harnesses/inspect_task.py@syco_claims", "-T", f"dataset_name={dataset_folder}",
        "-T", "max_tokens=8", "--model", f"openai-api/local/{speaker}", "--temperature", "0", "--limit", str(ROWS),
        "--max-connections", "1", "--log-dir", str(tmp_path / "logs"), "--log-buffer", "1", "--display", "none",
        env=os.environ | own,
    )  # fmt: skip
    deadline = time.monotonic() + SECONDS
    while len(proxy.asked) < 12:
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(1)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    (log,) = (tmp_path / "logs").glob("*.eval")
    before = proxy.times
    run_script(inspect, "eval-retry", log, "--log-dir", str(tmp_path / "logs"), "--display", "none", env=own)
    (again,) = set((tmp_path / "logs").glob("*.eval")) - {log}
    record, lines, lacking = imported(again)
    assert answers(lines) == answers(expected[1])
    assert record["metrics"] == pytest.approx(expected[0]["metrics"])
    assert (record["imported"]["samples"], lacking) == (ROWS, [])
    # Eleven rows had answers; the last of them may not have been in the log yet.
    assert ROWS - 11 <= (proxy.times - before).total() <= ROWS - 10


def test_lm_eval_asks_the_same_server_and_gets_the_same_answers(server, speaker, dataset_folder, expected, tmp_path):
    pytest.importorskip("lm_eval", reason='needs pip install -e ".[harness]"')
    python(
        "-m", "lm_eval", "run", "--model", "local-chat-completions", "--model_args",
        f"model={speaker},base_url={server}/chat/completions,num_concurrent=1", "--apply_chat_template",
        "--include_path", "src/sycophancy/harnesses", "--tasks", "syco_claims_generate",
        # `transformers serve` fails on an empty list of words to stop at.
        "--gen_kwargs", json.dumps({"max_gen_toks": 8, "until": ["</s>"]}),
        "--metadata", json.dumps({"dataset_name": str(dataset_folder)}), "--limit", ROWS, "--log_samples", "--output_path", tmp_path,
    )  # fmt: skip
    (log,) = tmp_path.rglob("samples_syco_claims_generate_2*.jsonl")
    import_log(log, str(dataset_folder), "validation", tmp_path / "run")
    record, lines = read_run(tmp_path / "run")
    assert answers(lines) == answers(expected[1])
    assert record["metrics"] == pytest.approx(expected[0]["metrics"])
    assert record["model"]["provider"] == "local-chat-completions"


def test_questions_in_turns_are_asked_as_measure_asks_them(server, speaker, tmp_path):
    from inspect_ai import eval as run_task
    from inspect_ai.model import get_model

    from sycophancy.harnesses.inspect_task import syco_are_you_sure

    here(
        "dataset_builders/are_you_sure.py",
        "--source",
        "reviews",
        "--limit",
        "8",
        "--org",
        "o",
        "--output_dir",
        tmp_path,
    )
    dataset = tmp_path / "o" / "syco-are-you-sure-reviews"
    here(
        "scripts/measure.py", "--model_name_or_path", speaker, "--dataset_name", dataset, "--answer", "text",
        "--max_new_tokens", "8", "--output_dir", tmp_path / "native",
    )  # fmt: skip
    model = get_model(f"openai-api/local/{speaker}", base_url=server, api_key="none", memoize=False)
    (log,) = run_task(
        syco_are_you_sure(dataset_name=str(dataset), max_tokens=8), model=model, temperature=0, max_connections=1,
        log_dir=str(tmp_path / "logs"), display="none",
    )  # fmt: skip
    path = Path(unquote(str(log.location).removeprefix("file://")))
    import_log(path, str(dataset), "validation", tmp_path / "served")
    said = [
        {line["id"]: line.get("truncated_text", line["prediction"]).strip() for line in read_run(tmp_path / name)[1]}
        for name in ("native", "served")
    ]
    assert said[0] == said[1]
    assert len(set(said[0].values())) > 2  # a model that says one thing would say it in any conversation
