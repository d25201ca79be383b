# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's side of the installer, without Blender: every run ends with one event, and no process stays."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from styletex.core.job import JobError
from styletex.styletex_blender.install import installer_process, installer_python
from styletex.styletex_blender.install.installation import look_at
from styletex.styletex_blender.install.installer_process import InstallerProcess
from styletex.styletex_blender.install.installer_python import installer_command
from styletex.styletex_blender.install.installer_run import InstallerRun
from tests.processes import is_running, wait_until_gone
from vendor_install.installed import POINTER, RECORD, fingerprint

ROOT = Path(__file__).resolve().parents[3]
FAKE_INSTALLER = ROOT / "tests" / "fake_installer.py"
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups of POSIX")

Event = dict[str, Any]
Start = Callable[..., InstallerProcess]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log ä" / "install.log"


@pytest.fixture
def start(tmp_path: Path, log: Path) -> Iterator[Start]:
    """Starts the fake installer with its behaviours, or another command."""
    started: list[InstallerProcess] = []

    def begin(*behaviour: str, command: list[str] | None = None) -> InstallerProcess:
        fake = [sys.executable, "-u", str(FAKE_INSTALLER), *behaviour, "install", "--target", str(tmp_path / "target")]
        started.append(InstallerProcess(command or fake, ROOT, log))
        return started[-1]

    yield begin
    for process in started:
        process.close()


def pump(process: InstallerProcess, until: Callable[[Event], bool] = lambda _: False, seconds: float = 15.0):
    """Events up to the one that is waited for, or to the end."""
    seen: list[Event] = []
    deadline = time.monotonic() + seconds
    while not process.over:
        assert time.monotonic() < deadline, f"no end; events {seen[-3:]}"
        for event in process.events():
            seen.append(event)
            if until(event):
                return seen
        time.sleep(0.02)
    return seen


def test_installation_shows_stages_bytes_speed_and_time_left_and_ends_once(start: Start, log: Path) -> None:
    process = start()
    run = InstallerRun("install")
    percents, speeds = [], []
    endings = 0
    for event in pump(process):
        run.take(event)
        percents.append(run.percent)
        speeds.append(run.download.get("bytes_per_second"))
        endings += event["type"] in ("done", "error", "cancelled")
    assert percents == sorted(percents) and percents[-1] == 100.0
    assert 11_200_000 in speeds
    assert run.ending is not None and run.ending["type"] == "done" and endings == 1
    assert process.events() == []
    assert not is_running(process.pid)
    text = log.read_text(encoding="utf-8")
    assert "a line of a tool, 20" in text and "Install PyTorch" in text


def test_progress_never_goes_back_but_when_the_installation_begins_anew() -> None:
    run = InstallerRun("install")
    run.take({"type": "stage", "title": "Install PyTorch", "number": 5, "of": 6})
    run.take({"type": "progress", "percent": 90.0})
    run.take({"type": "progress", "percent": 87.9, "bytes": 5, "total_bytes": 9})
    assert (run.percent, run.download["bytes"]) == (90.0, 5)
    run.take({"type": "stage", "title": "Find a Python", "number": 1, "of": 6})
    assert run.percent == 0.0


def test_log_lines_and_tools_do_not_reach_blender(start: Start) -> None:
    assert not [event for event in pump(start()) if event["type"] == "log"]


def test_failure_keeps_its_code_message_and_hint(start: Start) -> None:
    last = pump(start("--end-at", "torch", "--ending", "disk_full"))[-1]
    assert (last["code"], last["message"]) == ("disk_full", "The fake met disk_full")


@posix
def test_killed_installer_is_an_error_that_says_so(start: Start) -> None:
    last = pump(start("--end-at", "packages", "--ending", "killed"))[-1]
    assert last["code"] == "installer_died"
    assert "ended by signal 9" in last["message"] and "as it was" in last["hint"]


def test_installer_that_breaks_is_an_error_with_its_last_line(start: Start) -> None:
    last = pump(start("--end-at", "packages", "--ending", "exit"))[-1]
    assert "ended with status 7" in last["message"]
    assert "something nobody thought of" in last["message"]


def test_end_without_a_word_is_an_error_even_with_status_0(start: Start) -> None:
    assert pump(start("--end-at", "check", "--ending", "silent"))[-1]["code"] == "installer_died"


def test_lines_that_are_no_events_go_to_the_log(start: Start, log: Path) -> None:
    events = pump(start("--end-at", "tool", "--ending", "garbage"))
    assert events[-1]["type"] == "done"
    assert all("percent" in event for event in events if event["type"] == "progress")
    assert "unheard of" in log.read_text(encoding="utf-8")


@posix
def test_cancel_ends_the_installer_with_its_children(start: Start) -> None:
    process = start("--end-at", "torch", "--ending", "child")
    note = pump(process, lambda event: event["type"] == "note")[-1]
    process.cancel()
    assert pump(process)[-1] == {"type": "cancelled"}
    wait_until_gone(int(note["text"].split()[1]), 10.0)


@posix
def test_installer_that_does_not_hear_a_cancel_is_killed(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installer_process, "TIDY_SECONDS", 0.3)
    process = start("--end-at", "torch", "--ending", "hang")
    pump(process, lambda event: event["type"] == "stage" and event["stage"] == "torch")
    time.sleep(0.2)
    process.cancel()
    assert pump(process, seconds=3.0)[-1] == {"type": "cancelled"}


@posix
def test_closing_blender_ends_even_an_installer_that_hangs(start: Start) -> None:
    process = start("--end-at", "torch", "--ending", "hang")
    pump(process, lambda event: event["type"] == "stage" and event["stage"] == "torch")
    begin = time.monotonic()
    process.close()
    assert time.monotonic() - begin < 3.5
    assert not is_running(process.pid)


def test_program_that_is_not_there_is_one_message(start: Start) -> None:
    with pytest.raises(JobError, match="The installer cannot be started"):
        start(command=["no-such-program-anywhere"])


def test_blender_whose_python_does_not_start_says_what_was_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'command not found' >&2; exit 127\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path / "nowhere"))
    with pytest.raises(JobError) as raised:
        installer_command(["install"])
    assert str(broken) in raised.value.message and "command not found" in raised.value.message
    assert "nowhere" in raised.value.message


def test_python_beside_blenders_library_is_taken_when_the_one_of_the_path_is_broken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "")
    assert installer_python._problem(installer_command(["install"])[0]) == ""


# The real installer.


def real(*arguments: str) -> list[str]:
    return installer_command([arguments[0], "--json-events", "--end-with-input", *arguments[1:]])


def test_real_installer_refuses_a_target_that_is_a_file(start: Start, tmp_path: Path) -> None:
    target = tmp_path / "a file"
    target.write_text("precious")
    last = pump(start(command=real("install", "--target", str(target))))[-1]
    assert (last["type"], last["code"]) == ("error", "bad_target")
    assert target.read_text() == "precious"


def test_real_installer_says_which_pythons_it_tried(start: Start, tmp_path: Path) -> None:
    command = real("install", "--target", str(tmp_path / "target"), "--python", "/no/python")
    last = pump(start(command=command))[-1]
    assert last["code"] == "no_python" and "/no/python" in last["message"]
    assert look_at(tmp_path / "target").state == "absent"


def test_real_doctor_reports_line_by_line_how_to_mend(start: Start, tmp_path: Path) -> None:
    run = InstallerRun("doctor")
    for event in pump(start(command=real("doctor", "--target", str(tmp_path / "target")))):
        run.take(event)
    assert [finding.name for finding in run.findings] == ["disk space", "environment"]
    assert run.wrong[0].mend and run.ending is not None and run.ending["type"] == "done"


def test_real_installer_removes_what_was_installed(start: Start, tmp_path: Path) -> None:
    target = tmp_path / "target"
    (target / "env-00000000-1" / "bin").mkdir(parents=True)
    (target / POINTER).write_text("env-00000000-1")
    assert pump(start(command=real("remove", "--target", str(target))))[-1]["type"] == "done"
    assert not target.exists()


def test_wrong_option_is_an_error_with_what_the_installer_said(start: Start) -> None:
    last = pump(start(command=real("install", "--device", "abacus")))[-1]
    assert last["code"] == "installer_died" and "abacus" in last["message"]


@pytest.fixture
def silent_index() -> Iterator[dict[str, str]]:
    """Variables with which the installer waits for an index that does not answer."""
    if shutil.which("uv") is None and not Path(sys.executable).with_name("uv").exists():
        pytest.skip("needs uv")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        yield {**os.environ, "UV_DEFAULT_INDEX": address, "PIP_INDEX_URL": address, "PATH": path}


@posix
def test_real_installer_cancels_itself_when_its_input_ends(tmp_path: Path, silent_index: dict[str, str]) -> None:
    target, said = tmp_path / "target", tmp_path / "events"
    with said.open("w") as output:
        installer = subprocess.Popen(
            real("install", "--device", "cpu", "--target", str(target)),
            cwd=ROOT,
            env=silent_index,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.DEVNULL,
        )
    while '"packages"' not in said.read_text():
        assert installer.poll() is None
        time.sleep(0.02)
    assert installer.stdin is not None
    installer.stdin.close()
    assert installer.wait(10.0) == 130
    assert json.loads(said.read_text().splitlines()[-1]) == {"type": "cancelled"}
    assert not list(target.glob("env-*"))


@posix
def test_blender_that_dies_takes_the_real_installer_with_it(tmp_path: Path, silent_index: dict[str, str]) -> None:
    target = tmp_path / "target"
    code = (
        "import json, os, sys, types; package = types.ModuleType('styletex'); package.__path__ = [os.getcwd()]\n"
        "sys.modules['styletex'] = package\n"
        "from pathlib import Path\n"
        "from styletex.styletex_blender.install.installer_process import InstallerProcess\n"
        "from styletex.styletex_blender.install.installer_python import installer_command\n"
        "arguments = ['install', '--json-events', '--end-with-input', '--device', 'cpu', '--target', sys.argv[1]]\n"
        "process = InstallerProcess(installer_command(arguments), Path.cwd(), Path(sys.argv[1] + '.log'))\n"
        "print(process.pid, flush=True)\n"
        "import time\n"
        "while True:\n"
        "    for event in process.events(): print(event.get('stage', ''), flush=True)\n"
        "    time.sleep(0.02)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(target)],
        cwd=ROOT,
        env=silent_index,
        stdout=subprocess.PIPE,
        text=True,
    ) as blender:
        assert blender.stdout is not None
        pid = int(blender.stdout.readline())
        while blender.stdout.readline().strip() != "packages":
            assert blender.poll() is None
        blender.kill()
    wait_until_gone(pid, 10.0)
    assert not list(target.glob("env-*"))


# What the preferences know without starting anything.


def environment(target: Path, **record: Any) -> Path:
    folder = target / "env-00000000-1"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    (target / POINTER).write_text(folder.name)
    if record:
        (folder / RECORD).write_text(json.dumps(record))
    return folder


@posix
def test_states_of_an_installation_are_told_apart(tmp_path: Path) -> None:
    assert look_at(tmp_path / "nothing").state == "absent"
    ready = look_at(environment(tmp_path / "ready", lock=fingerprint(), device="cpu", size_bytes=5).parent)
    assert (ready.state, ready.device, ready.size_bytes) == ("ready", "cpu", 5)
    assert look_at(environment(tmp_path / "old", lock="another", device="cpu").parent).state == "outdated"
    assert look_at(environment(tmp_path / "unfinished").parent).problem == "it was never finished"
    lost = environment(tmp_path / "lost", lock=fingerprint())
    (lost / "bin" / "python").unlink()
    assert (look_at(lost.parent).state, look_at(lost.parent).problem) == ("broken", "its Python is gone")


@posix
def test_looking_is_cheap_enough_for_drawing(tmp_path: Path) -> None:
    target = environment(tmp_path, lock=fingerprint(), device="cpu").parent
    look_at(target)
    begin = time.process_time()
    for _ in range(100):
        look_at(target)
    assert (time.process_time() - begin) / 100 < 0.002
