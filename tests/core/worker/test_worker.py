# SPDX-License-Identifier: GPL-3.0-or-later
"""The real worker as a real process, with a quick engine (``quick_worker.py``)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.job import DEVICES, EXIT_STATUS, Job, write_job
from core.protocol import PARENT_VARIABLE, TERMINAL_EVENTS, message_writer
from tests.core.worker.running_worker import QUICK_WORKER, RunningWorker, last
from tests.processes import is_running, wait_until_gone

linux = pytest.mark.skipif(sys.platform != "linux", reason="/dev/full, PR_SET_PDEATHSIG")


def test_hello_says_who_it_is_and_heartbeats_go_on(worker: RunningWorker) -> None:
    hello = last(worker.until("hello"))
    assert hello["pid"] == worker.process.pid and hello["device_name"] == "quick"
    sequence = [event["seq"] for _ in range(2) for event in worker.until("heartbeat")]
    assert sequence == sorted(set(sequence))


def test_the_real_hello_names_versions_and_the_device_with_its_reason() -> None:
    from core.worker.hello import describe_machine

    hello = describe_machine()
    told = {"versions", "device", "device_name", "memory_bytes", "precision", "device_reason"}
    assert set(hello) == told
    assert hello["device_name"] in hello["device_reason"]
    assert {"styletex", "python", "torch", "diffusers"} <= set(hello["versions"]) and all(hello["versions"].values())
    assert hello["device"] in DEVICES and hello["device_name"] and hello["memory_bytes"] > 1 << 28


def test_a_job_ends_with_one_done_that_names_its_texture(worker: RunningWorker) -> None:
    folder = worker.run("one", "plain")
    events = worker.until(*TERMINAL_EVENTS)
    done = last(events)
    assert done["type"] == "done" and not done["finished_early"] and done["seconds"] > 0.0
    assert done["texture"] == str(folder / "base_color.png") and done["report"] == str(folder / "report.json")
    assert [event["step"] for event in events if event["type"] == "progress"] == list(range(1, 21))
    assert "heartbeat" in [event["type"] for event in worker.until("heartbeat")], "it lives on"


def test_cancel_keeps_nothing_and_the_worker_lives_on(worker: RunningWorker) -> None:
    folder = worker.run("one", "long")
    worker.until("progress")
    worker.send("cancel", "one")
    assert last(worker.until(*TERMINAL_EVENTS))["type"] == "cancelled"
    assert not (folder / "base_color.png").exists()
    worker.run("two", "plain")
    assert last(worker.until("done", job="two"))["job"] == "two"


def test_pause_ends_the_job_for_now_and_says_how_far_it_is_safe(worker: RunningWorker) -> None:
    worker.run("one", "patient")
    reached = last(worker.until("progress"))["step"]
    worker.send("pause", "one")
    *_, saved, paused = worker.until(*TERMINAL_EVENTS)
    assert saved["type"] == "checkpoint" and saved["step"] >= reached and saved["steps"] == 1000
    assert paused["type"] == "paused"
    worker.run("two", "plain")
    assert last(worker.until(*TERMINAL_EVENTS))["type"] == "done"


def test_finish_bakes_what_there_is(worker: RunningWorker) -> None:
    folder = worker.run("one", "long")
    worker.until("progress")
    worker.send("finish", "one")
    done = last(worker.until(*TERMINAL_EVENTS))
    assert done["type"] == "done" and done["finished_early"] and (folder / "base_color.png").exists()


def test_a_second_run_waits_for_its_turn(worker: RunningWorker) -> None:
    worker.run("one", "plain")
    worker.run("two", "plain")
    events = worker.until("done", job="two")
    assert [event["job"] for event in events if event["type"] == "done"] == ["one", "two"]


def test_a_job_that_waits_for_the_start_says_so(tmp_path: Path) -> None:
    worker = RunningWorker([*QUICK_WORKER, "1.0", "2.0"], tmp_path)
    try:
        worker.run("one", "plain")
        events = worker.until("hello")
        assert [event["name"] for event in events if event["type"] == "stage" and event["job"] == "one"] == ["start"]
        assert last(worker.until(*TERMINAL_EVENTS))["type"] == "done"
    finally:
        worker.end()


def test_a_waiting_job_can_be_cancelled(worker: RunningWorker) -> None:
    worker.until("hello")
    worker.run("one", "long")
    worker.run("two", "plain")
    worker.send("cancel", "two")
    worker.send("cancel", "one")
    events = worker.until("cancelled", job="two")
    assert [event["type"] for event in events if event["job"] == "two"] == ["cancelled"]


def test_commands_for_unknown_jobs_are_dropped(worker: RunningWorker) -> None:
    for kind in ("cancel", "pause", "finish", "acknowledge_frame"):
        worker.send(kind, "nobody")
    worker.run("one", "plain")
    events = worker.until(*TERMINAL_EVENTS)
    assert last(events)["type"] == "done" and {event["job"] for event in events} == {"", "one"}


@pytest.mark.parametrize(
    "line",
    [
        b"hello\n",
        b"\xff\xfe\n",
        b"[]\n",
        b"[" * 100_000 + b"\n",
        b'{"v": 2, "job": "", "seq": 0, "type": "quit"}\n',
        b'{"v": 1, "job": "", "seq": 0, "type": "done"}\n',
        b'{"v": 1, "job": "", "seq": 0, "type": []}\n',
        b'{"v": 1, "job": "", "seq": 0, "type": "run"}\n',
        b'{"v": 1, "job": "one", "seq": 0, "type": "run", "folder": 3}\n',
        b'{"v": 1, "job": "one", "seq": 0, "type": "run", "folder": "relative"}\n',
        b'{"v": 1, "job": "one", "seq": 0, "type": "run", "folder": "/no/such\\u0000folder"}\n',
        b'{"v": 1, "job": "one", "seq": 0, "type": "run", "folder": "/no/such/folder"}\n',
        b"x" * 3_000_000 + b"\n",
    ],
    ids=lambda line: line[:60].decode("latin-1"),
)
def test_a_bad_command_is_answered_and_the_worker_lives_on(lasting_worker: RunningWorker, line: bytes) -> None:
    lasting_worker.write(line)
    assert last(lasting_worker.until("error"))["code"] == "bad_request"
    job = f"after {len(list(lasting_worker.folder.iterdir()))}"
    lasting_worker.run(job, "plain")
    assert last(lasting_worker.until("done"))["job"] == job


def test_a_name_may_be_used_again_but_not_twice_at_once(worker: RunningWorker) -> None:
    folder = worker.run("one", "plain")
    worker.send("run", "one", folder=str(folder))
    refusal = last(worker.until("error"))
    assert refusal["job"] == "" and "'one'" in refusal["message"]
    worker.until("done", job="one")
    worker.send("run", "one", folder=str(folder))
    worker.until("done", job="one")


def test_a_setting_out_of_range_names_itself(worker: RunningWorker) -> None:
    folder = worker.folder / "one"
    folder.mkdir()
    text = '{"object_name": "a", "prompt": "a", "style_image": "s.png", "texture_size": 300}'
    (folder / "job.json").write_text(text)
    worker.send("run", "one", folder=str(folder))
    error = last(worker.until("error"))
    assert (error["job"], error["code"]) == ("one", "bad_setting") and "300" in error["message"]


def test_standard_output_stays_clean_whoever_writes(worker: RunningWorker) -> None:
    worker.run("one", "pollute")
    # Every line of its standard output is parsed as an event while this waits.
    assert last(worker.until(*TERMINAL_EVENTS))["type"] == "done"
    for words in (b"loading prints", b"printed", b"to descriptor 1", b"put by the C library", b"a child"):
        assert words in worker.complaints


@pytest.mark.parametrize(
    ("word", "code", "message"),
    [
        ("job_error", "bad_mesh", "no faces"),
        ("memory", "out_of_memory", "Memory ran out"),
        ("accelerator", "out_of_memory", "CUDA out of memory"),
        ("host", "out_of_memory", "can't allocate memory"),
        ("safetensors", "disk_full", "No space left"),
        ("quota", "disk_full", "quota"),
        ("file", "internal", "style.png"),
        ("import", "dependencies", "embreex"),
        ("fault", "internal", "ZeroDivisionError: division by zero"),
        ("wordy", "internal", "ValueError: xxx"),
        ("exit", "internal", "SystemExit: a library gave up"),
        ("key", "internal", "KeyError: 'StyleTex'"),
    ],
)
def test_a_failure_names_its_cause_and_the_worker_lives_on(
    lasting_worker: RunningWorker, word: str, code: str, message: str
) -> None:
    lasting_worker.run(word, f"fail {word}")
    error = last(lasting_worker.until(*TERMINAL_EVENTS, job=word))
    assert (error["type"], error["code"]) == ("error", code)
    assert message in error["message"] and error["hint"]
    assert bool(error["detail"]) == (word != "job_error"), "a fault comes with its traceback"
    lasting_worker.complains_of(error["detail"].encode())
    lasting_worker.run(f"after {word}", "plain")
    assert last(lasting_worker.until("done"))["job"] == f"after {word}"


@linux
def test_a_full_disk_is_reported_as_such(worker: RunningWorker) -> None:
    worker.run("one", "fill_the_disk")
    error = last(worker.until(*TERMINAL_EVENTS))
    assert error["code"] == "disk_full" and "Free some space" in error["hint"]


def test_where_the_accelerator_is_beyond_repair_it_tells_and_leaves(worker: RunningWorker) -> None:
    worker.run("one", "fail broken")
    error = last(worker.until(*TERMINAL_EVENTS))
    assert error["type"] == "error" and "illegal memory access" in error["message"]
    assert worker.leaves() == EXIT_STATUS["worker_died"]


def test_quit_ends_it_even_in_a_job(worker: RunningWorker) -> None:
    worker.run("one", "long")
    worker.until("progress")
    worker.send("quit")
    assert worker.leaves() == 0


def test_the_end_of_standard_input_ends_it_even_in_a_job(worker: RunningWorker) -> None:
    worker.run("one", "long")
    worker.until("progress")
    assert worker.process.stdin is not None
    worker.process.stdin.close()
    assert worker.leaves() == 0


def test_a_cut_output_ends_it() -> None:
    process = subprocess.Popen(QUICK_WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdin is not None and process.stdout is not None
    process.stdout.close()
    try:
        assert process.wait(10.0) == EXIT_STATUS["worker_died"]
    finally:
        process.kill()
        process.stdin.close()


def test_an_idle_worker_leaves_and_a_working_one_does_not(tmp_path: Path) -> None:
    worker = RunningWorker([*QUICK_WORKER, "0.004"], tmp_path)
    try:
        # The job takes longer than the idle time.
        worker.run("one", "plain")
        assert last(worker.until(*TERMINAL_EVENTS))["type"] == "done"
        assert worker.leaves() == 0
    finally:
        worker.end()


def test_a_missing_package_is_said_before_leaving(tmp_path: Path) -> None:
    # Without site-packages there is no PyTorch.
    command = [sys.executable, "-S", "-u", "-c", "import sys; from core.worker.worker import main; sys.exit(main())"]
    worker = RunningWorker(command, tmp_path)
    try:
        error = last(worker.until("error"))
        assert (error["job"], error["code"]) == ("", "dependencies") and "No module named" in error["message"]
        assert worker.leaves() == EXIT_STATUS["dependencies"]
    finally:
        worker.end()


@linux
@pytest.mark.parametrize("prompt", ["long", "hold_the_interpreter"])
def test_it_dies_with_a_parent_that_is_killed(tmp_path: Path, prompt: str) -> None:
    # The second prompt holds the interpreter, so that only the kernel can end it.
    folder = tmp_path / "job"
    folder.mkdir()
    write_job(Job("Suzanne", prompt, "style.png"), folder)
    run = message_writer()("run", "one", folder=str(folder))
    script = (
        "import subprocess, sys\n"
        f"worker = subprocess.Popen({QUICK_WORKER!r}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        f"worker.stdin.write({run!r}); worker.stdin.flush()\n"
        "for line in worker.stdout:\n"
        "    if b'stage' in line: print(worker.pid, flush=True)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert is_running(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until_gone(pid, 5.0)


@linux
def test_it_leaves_at_once_when_its_parent_died_before_it_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PARENT_VARIABLE, "1")
    worker = RunningWorker(QUICK_WORKER, tmp_path)
    try:
        assert worker.leaves() == 0
        assert worker.events.get(timeout=5.0) is None, "it has nothing to say"
    finally:
        worker.end()
