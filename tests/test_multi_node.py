# SPDX-License-Identifier: Apache-2.0
"""Two machines, played by two launches on this one: they find each other, share the rows, and can be killed."""

import contextlib
import json
import os
import signal
import time

import psutil
import pytest
from commands import SECONDS, free_port, start_warm

ROWS = 240


def start_nodes(folder, *command):
    """`accelerate launch` as on two machines, with the project's config for several."""
    launch = ["-m", "accelerate.commands.launch", "--config_file", "accelerate_configs/multi_node.yaml"]
    meeting = ["--main_process_ip", "127.0.0.1", "--main_process_port", str(free_port())]
    size = ["--num_processes", "2", "--mixed_precision", "no"]
    return [
        start_warm(folder / f"node{rank}", *launch, *meeting, *size, "--machine_rank", str(rank), *command)
        for rank in range(2)
    ]


def kill(nodes):
    """Everything at once: a launcher's workers are sessions of their own and would go on without it."""
    running = [psutil.Process(node.pid) for node in nodes if node.is_alive()]
    for process in [child for node in running for child in node.children(recursive=True)] + running:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    for node in nodes:
        node.join()


def command(model_folder, dataset_folder, output, *flags):
    return (
        "scripts/measure.py", "--model_name_or_path", model_folder, "--dataset_name", dataset_folder, "--batch_size", "3",
        "--limit", str(ROWS), "--output_dir", output, *flags,
    )  # fmt: skip


def measured_here(monkeypatch, *flags):
    """The same command as one process, in this one."""
    import scripts.measure

    monkeypatch.setattr("sys.argv", [str(part) for part in flags])
    scripts.measure.main()


def test_a_killed_run_goes_on_over_two_nodes_and_ends_as_if_it_had_not_been_killed(
    monkeypatch, tmp_path, model_folder, dataset_folder
):
    answers, output = tmp_path / "killed" / "predictions.jsonl.partial", tmp_path / "killed"
    run = start_warm(tmp_path / "printed", *command(model_folder, dataset_folder, output))
    deadline = time.monotonic() + SECONDS
    while not answers.exists() or answers.stat().st_size < 5000:
        assert run.is_alive(), (tmp_path / "printed.err").read_text()[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.killpg(run.pid, signal.SIGKILL)
    run.join()
    assert sorted(file.name for file in output.iterdir()) == ["predictions.jsonl.partial", "unfinished.json"]
    before = len(answers.read_bytes().splitlines())
    assert 0 < before < ROWS
    with pytest.raises(ValueError, match="holds an unfinished run; pass --resume"):
        measured_here(monkeypatch, *command(model_folder, dataset_folder, output))
    with pytest.raises(ValueError, match="got batch_size 4 instead of 3"):
        measured_here(monkeypatch, *command(model_folder, dataset_folder, output), "--batch_size", "4", "--resume")

    nodes = start_nodes(tmp_path, *command(model_folder, dataset_folder, output, "--resume"))
    try:
        deadline = time.monotonic() + SECONDS
        for node in nodes:
            node.join(max(0, deadline - time.monotonic()))
    finally:
        if any(node.is_alive() for node in nodes):
            kill(nodes)
    said = (tmp_path / "node0.err").read_text() + (tmp_path / "node1.err").read_text()
    assert [node.exitcode for node in nodes] == [0, 0], said[-3000:]
    assert "wrote" in (tmp_path / "node0").read_text()
    assert (tmp_path / "node1").read_text() == ""
    measured_here(monkeypatch, *command(model_folder, dataset_folder, tmp_path / "whole"))
    for folder in (output, tmp_path / "whole"):
        assert sorted(file.name for file in folder.iterdir()) == ["predictions.jsonl", "run.json"]
    assert (output / "predictions.jsonl").read_bytes() == (tmp_path / "whole" / "predictions.jsonl").read_bytes()
    killed, whole = (json.loads((folder / "run.json").read_text()) for folder in (output, tmp_path / "whole"))
    assert killed["hardware"]["processes"] == 2
    for key in ("metrics", "by_authority", "by_template", "dataset", "model"):
        assert killed[key] == whole[key], key
    # Nothing was answered twice but what the kill cut off.
    assert round(killed["rows_per_second"] * killed["seconds"]) == pytest.approx(ROWS - before, abs=3)
