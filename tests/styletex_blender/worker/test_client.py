# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against a worker that fails in every way: every job ends, and no process stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from styletex.core.job import Job, JobError, write_job
from styletex.core.protocol import KILL_SECONDS, TERMINAL_EVENTS
from styletex.styletex_blender.worker.client import Patience, WorkerClient
from tests.processes import is_running, wait_until_gone

ROOT = Path(__file__).resolve().parents[3]
FAKE_WORKER = ROOT / "tests" / "fake_worker.py"
CLIENT_PACKAGE = ROOT / "styletex_blender"
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups of POSIX")

Event = dict[str, Any]
MakeClient = Callable[..., WorkerClient]


@pytest.fixture
def make_client(tmp_path: Path) -> Iterator[MakeClient]:
    clients: list[WorkerClient] = []

    def make(*arguments: str, patience: Patience | None = None) -> WorkerClient:
        command = [sys.executable, "-u", str(FAKE_WORKER), *arguments]
        clients.append(WorkerClient(command, ROOT, tmp_path / "log" / "worker.log", patience))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "job folder ä"
    path.mkdir()
    write_job(Job("Suzanne", "a monkey", "style.png", texture_size=256), path)
    return path


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def pump(client: WorkerClient, until: Callable[[Event], bool], seconds: float = 15.0) -> list[Event]:
    """Events up to and with the one that is waited for; frames are acknowledged."""
    seen: list[Event] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for event in client.events():
            seen.append(event)
            if event["type"] == "frame":
                client.acknowledge_frame(event["job"], event["number"])
        if any(until(event) for event in seen):
            return seen
        time.sleep(0.02)
    raise AssertionError(f"not among {[event['type'] for event in seen]}")


def is_terminal(event: Event) -> bool:
    return event["type"] in TERMINAL_EVENTS and bool(event["job"])


def is_progress(event: Event) -> bool:
    return event["type"] == "progress"


def test_a_job_reports_progress_and_frames_and_ends_with_its_texture(make_client: MakeClient, folder: Path) -> None:
    client = make_client("--step-seconds", "0.04")
    client.run("one", folder)
    assert client.busy

    events = pump(client, is_terminal)

    done = events[-1]
    assert done["type"] == "done" and not client.busy and client.alive
    assert Path(done["texture"]).read_bytes().startswith(b"\x89PNG")
    steps = [event["step"] for event in events if event["type"] == "progress"]
    assert steps == sorted(steps) and len(steps) > 3
    assert [event["number"] for event in events if event["type"] == "frame"][:2] == [1, 2]
    assert client.hello is not None and client.hello["device"] == "cpu"


def test_two_jobs_run_one_after_another_in_one_warm_process(make_client: MakeClient, folder: Path) -> None:
    client = make_client("--steps", "3")
    client.run("one", folder)
    assert pump(client, is_terminal)[-1]["type"] == "done"
    first = client.pid
    client.run("two", folder)
    events = pump(client, is_terminal)
    assert events[-1]["type"] == "done" and {event["job"] for event in events} <= {"two", ""}
    assert client.pid == first is not None


def test_a_second_job_is_refused_while_one_is_open(make_client: MakeClient, folder: Path) -> None:
    client = make_client()
    client.run("one", folder)
    with pytest.raises(JobError, match="still busy with the job 'one'"):
        client.run("two", folder)
    assert pump(client, is_terminal)[-1]["job"] == "one"


def test_cancel_cancels_and_the_worker_stays(make_client: MakeClient, folder: Path) -> None:
    client = make_client("--steps", "1000")
    client.run("one", folder)
    pump(client, is_progress)
    client.cancel("another")
    client.cancel("one")
    client.cancel("one")
    assert pump(client, is_terminal)[-1]["type"] == "cancelled"
    assert client.alive and not client.busy


def test_finish_keeps_what_there_is(make_client: MakeClient, folder: Path) -> None:
    client = make_client("--steps", "1000")
    client.run("one", folder)
    pump(client, is_progress)
    client.finish("one")
    done = pump(client, is_terminal)[-1]
    assert done["type"] == "done" and done["finished_early"] and Path(done["texture"]).exists()


@posix
def test_worker_killed_mid_job_is_reported_and_the_next_job_runs(make_client: MakeClient, folder: Path) -> None:
    client = make_client("--step-seconds", "0.1")
    client.run("one", folder)
    pump(client, is_progress)
    assert client.pid is not None
    os.kill(client.pid, signal.SIGKILL)

    error = pump(client, is_terminal, seconds=3.0)[-1]

    assert (error["type"], error["code"]) == ("error", "worker_died")
    assert "stopped unexpectedly (signal 9)" in error["message"] and "memory" in error["hint"]
    assert not client.busy and not client.alive and client.events() == []
    client.run("two", folder)
    assert pump(client, is_terminal)[-1]["type"] == "done"


@posix
def test_the_log_tail_comes_with_a_death(make_client: MakeClient, folder: Path, tmp_path: Path) -> None:
    client = make_client("--die-at", "3")
    client.run("one", folder)
    error = pump(client, is_terminal)[-1]
    assert error["code"] == "worker_died" and "about to die" in error["detail"]
    assert error["detail"].startswith(f"{tmp_path / 'log' / 'worker.log'}\n")
    assert "about to die" in (tmp_path / "log" / "worker.log").read_text()


def test_end_of_output_without_a_last_word_is_a_death(make_client: MakeClient, folder: Path) -> None:
    client = make_client("--exit-at", "3")
    client.run("one", folder)
    error = pump(client, is_terminal)[-1]
    assert error["code"] == "worker_died" and "exit status 0" in error["message"]


def test_a_worker_that_closes_its_output_is_ended(make_client: MakeClient, folder: Path) -> None:
    client = make_client("--close-output-at", "3")
    client.run("one", folder)
    error = pump(client, is_terminal)[-1]
    assert error["code"] == "worker_died" and "closed its output" in error["message"]
    assert not client.alive


def test_a_silent_worker_is_ended_and_reported(make_client: MakeClient, folder: Path) -> None:
    client = make_client("--stall-at", "3", patience=Patience(stalled=2.0))
    client.run("one", folder)
    error = pump(client, is_terminal)[-1]
    assert error["code"] == "worker_stalled" and "silent for 2 seconds" in error["message"]
    assert not client.alive


def test_heartbeats_keep_a_slow_worker_alive(make_client: MakeClient, folder: Path) -> None:
    client = make_client("--steps", "1", "--step-seconds", "4", patience=Patience(stalled=2.0))
    client.run("one", folder)
    assert pump(client, is_terminal)[-1]["type"] == "done"


def test_a_sleeping_machine_is_no_stalled_worker(
    make_client: MakeClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client("--steps", "50")
    client.run("one", folder)
    pump(client, is_progress)
    awake = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: awake() + 3600.0)
    assert pump(client, is_terminal)[-1]["type"] == "done"


@posix
def test_an_ignored_cancel_ends_the_process_in_time(make_client: MakeClient, folder: Path) -> None:
    client = make_client("--steps", "10000", "--ignore-cancel")
    client.run("one", folder)
    pump(client, is_progress)
    pid = client.pid
    assert pid is not None
    started = time.monotonic()
    client.cancel("one")
    events = pump(client, is_terminal, seconds=KILL_SECONDS + 3.0)
    assert events[-1]["type"] == "cancelled" and not [event for event in events if event["type"] == "error"]
    assert time.monotonic() - started >= KILL_SECONDS, "it ignores the first signal, so only the second can end it"
    assert not is_running(pid) and not client.busy


def test_a_stalled_worker_answers_a_cancel_by_ending(make_client: MakeClient, folder: Path) -> None:
    client = make_client("--stall-at", "1", patience=Patience(terminate=0.3, kill=0.6))
    client.run("one", folder)
    pump(client, lambda event: event["type"] == "stage")
    time.sleep(0.2)
    client.cancel("one")
    assert pump(client, is_terminal)[-1]["type"] == "cancelled"
    assert not client.alive


def test_pollution_goes_to_the_log_and_harms_nothing(make_client: MakeClient, folder: Path, tmp_path: Path) -> None:
    client = make_client("--pollute", "--steps", "5")
    client.run("one", folder)
    assert pump(client, is_terminal)[-1]["type"] == "done"
    assert client.stray_lines == 25
    client.close()
    assert "[stdout] a library printed this" in (tmp_path / "log" / "worker.log").read_text()


def test_the_log_says_where_the_worker_computes_and_why(make_client: MakeClient, folder: Path, tmp_path: Path) -> None:
    client = make_client("--steps", "5")
    client.run("one", folder)
    assert pump(client, is_terminal)[-1]["type"] == "done"
    client.close()
    assert "computes on fake (8 GiB), full precision: " in (tmp_path / "log" / "worker.log").read_text()


def test_events_of_unknown_jobs_are_dropped(make_client: MakeClient, folder: Path) -> None:
    client = make_client("--strangers")
    client.run("one", folder)
    events = pump(client, is_terminal)
    assert {event["job"] for event in events} <= {"one", ""} and events[-1]["type"] == "done"


def test_a_flood_is_thinned_and_loses_no_last_word(make_client: MakeClient, folder: Path) -> None:
    client = make_client("--flood", "5000", "--steps", "10", "--warning-at", "2", "--step-seconds", "0")
    client.run("one", folder)
    time.sleep(3.0)
    events = pump(client, is_terminal)
    assert len(events) < 100
    assert "warning" in [event["type"] for event in events] and events[-1]["type"] == "done"


def test_an_error_of_the_worker_is_passed_on_and_the_worker_stays(make_client: MakeClient, folder: Path) -> None:
    client = make_client("--error-at", "2", "--error-code", "out_of_memory")
    client.run("one", folder)
    error = pump(client, is_terminal)[-1]
    assert (error["code"], error["hint"]) == ("out_of_memory", "Try again")
    assert client.alive and not client.busy


def test_a_worker_of_another_version_asks_for_repair(make_client: MakeClient, folder: Path) -> None:
    client = make_client("--announce-version", "2")
    client.run("one", folder)
    error = pump(client, is_terminal)[-1]
    assert error["code"] == "dependencies" and "speaks version 2" in error["message"]
    assert not client.alive


def test_a_missing_program_is_an_error_that_names_it(tmp_path: Path, folder: Path) -> None:
    client = WorkerClient([str(tmp_path / "no-python")], ROOT, tmp_path / "worker.log")
    with pytest.raises(JobError, match="no-python") as caught:
        client.run("one", folder)
    assert caught.value.code == "dependencies" and not client.busy and not client.alive


def test_a_worker_that_left_as_the_job_came_is_started_again(tmp_path: Path, folder: Path) -> None:
    # The first process leaves at once, as one whose idle time is over; the second does the job.
    script = tmp_path / "leaves_once.py"
    script.write_text(
        "import pathlib, runpy, sys\n"
        f"mark = pathlib.Path({str(tmp_path / 'mark')!r})\n"
        "if not mark.exists():\n    mark.touch()\n    sys.exit(0)\n"
        f"sys.argv = [{str(FAKE_WORKER)!r}]\n"
        f"runpy.run_path({str(FAKE_WORKER)!r}, run_name='__main__')\n"
    )
    client = WorkerClient([sys.executable, "-u", str(script)], ROOT, tmp_path / "worker.log")
    client.run("one", folder)
    try:
        assert pump(client, is_terminal)[-1]["type"] == "done"
    finally:
        client.close()


@pytest.mark.parametrize("behaviour", [[], ["--ignore-quit"], ["--ignore-quit", "--ignore-cancel"]])
def test_close_ends_the_process_however_deaf_it_is(make_client: MakeClient, folder: Path, behaviour: list[str]) -> None:
    client = make_client("--steps", "1000", *behaviour)
    client.run("one", folder)
    pump(client, is_progress)
    pid = client.pid
    assert pid is not None
    client.close()
    assert not client.alive and not client.busy and client.events() == []
    assert not is_running(pid)
    client.close()


@posix
@pytest.mark.parametrize("end", ["close", "kill"])
def test_what_the_worker_started_ends_with_it(make_client: MakeClient, folder: Path, end: str) -> None:
    client = make_client("--child", "--steps", "1000")
    client.run("one", folder)
    pump(client, is_progress)
    assert client.hello is not None and client.pid is not None
    child = int(client.hello["versions"]["child"])
    assert is_running(child)
    if end == "close":
        client.close()
    else:
        os.kill(client.pid, signal.SIGKILL)
        assert pump(client, is_terminal)[-1]["code"] == "worker_died"
    wait_until_gone(child, 3.0)


@posix
def test_the_worker_dies_with_a_client_that_is_killed(tmp_path: Path, folder: Path) -> None:
    parent = tmp_path / "parent.py"
    parent.write_text(
        "import sys, time, types, pathlib\n"
        f"for name, path in (('styletex', {str(ROOT)!r}), ('styletex.styletex_blender', {str(CLIENT_PACKAGE)!r})):\n"
        "    sys.modules[name] = package = types.ModuleType(name); package.__path__ = [path]\n"
        "from styletex.styletex_blender.worker.client import WorkerClient\n"
        f"client = WorkerClient([sys.executable, '-u', {str(FAKE_WORKER)!r}, '--steps', '100000'],\n"
        f"    pathlib.Path({str(ROOT)!r}), pathlib.Path({str(tmp_path / 'worker.log')!r}))\n"
        f"client.run('one', pathlib.Path({str(folder)!r}))\n"
        "print(client.pid, flush=True)\n"
        "while True:\n    client.events(); time.sleep(0.05)\n"
    )
    process = subprocess.Popen([sys.executable, str(parent)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    time.sleep(0.5)
    assert is_running(worker)
    process.kill()
    process.wait()
    process.stdout.close()
    wait_until_gone(worker, 5.0)


def test_the_fake_worker_writes_frames_as_it_says(make_client: MakeClient, folder: Path) -> None:
    client = make_client("--steps", "12", "--frame-every", "3", "--step-seconds", "0.05")
    client.run("one", folder)
    frames = []
    while client.busy:
        for event in client.events():
            if event["type"] == "frame":
                height, width, channels = event["shape"]
                assert len(Path(event["path"]).read_bytes()) == 18 + height * width * channels
                assert event["colour_space"] == "sRGB"
                frames.append(event["number"])
                # Not acknowledged: no second frame may come.
        time.sleep(0.02)
    assert frames == [1]
    assert json.loads((folder / "report.json").read_text())["object_name"] == "Suzanne"
