# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python an environment is made with, on computers that have others than this one."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from vendor_install import fill, lock, platforms, pythons, requirements, system_packages, tools
from vendor_install.events import Reporter
from vendor_install.messages import InstallError

WORKER = lock.read_of(requirements.WORKER)
MODULE = lock.read_of(requirements.BLENDER_MODULE)
SOUND = {"kind": "cpython", "free_threaded": False, "wide": True, "whole": True, "libc": ["glibc", "2.41"]}


class Computer:
    """A computer whose PATH holds the Pythons that a test puts there; the first one started the command."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._patch = folder, monkeypatch
        (folder / "bin").mkdir()
        monkeypatch.setenv("PATH", str(folder / "bin"))
        monkeypatch.setattr(pythons, "this_platform", lambda: "linux-x86_64")
        monkeypatch.setattr(lock, "this_platform", lambda: "linux-x86_64")
        monkeypatch.setattr(system_packages, "is_debian", lambda: False)

    def python(self, number: str, name: str = "", **answer) -> Path:
        """Put a Python on the PATH that says of itself what it is told to."""
        version, (major, minor) = number, map(int, number.split("."))
        program = self.folder / "bin" / (name or f"python{version}")
        text = json.dumps({**SOUND, "program": f"python{version}", "version": [major, minor], **answer})
        program.write_text(f"#!/bin/sh\ncase \"$*\" in *json*) echo '{text}';; *) echo {version};; esac\n")
        program.chmod(0o755)
        return program

    def start_with(self, program: Path) -> None:
        self._patch.setattr(sys, "executable", str(program))


@pytest.fixture
def computer(tmp_path, monkeypatch) -> Computer:
    return Computer(tmp_path, monkeypatch)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_python_that_started_the_command_comes_first(computer, version):
    for each in ("3.11", "3.12", "3.13"):
        computer.python(each)
    started = computer.python(version, "python3")
    computer.start_with(started)
    assert pythons.choose([WORKER]) == pythons.Choice(started, ())


def test_another_one_of_the_path_is_taken_where_packages_have_no_wheels_for_the_first(computer):
    computer.start_with(computer.python("3.14", "python3"))
    computer.python("3.14")
    newest = computer.python("3.13")
    computer.python("3.11")
    choice = pythons.choose([WORKER])
    assert choice.python == newest
    assert [line.partition(": ")[2] for line in choice.tried] == ["it is Python 3.14, for which there is no xatlas"]


def test_blenders_module_needs_a_python_that_it_is_made_for(computer):
    computer.start_with(computer.python("3.12", "python3"))
    older = computer.python("3.11")
    assert pythons.choose([WORKER]).python != older
    assert pythons.choose([WORKER, MODULE]).python == older


def test_blenders_own_python_is_the_last_that_is_asked_for(computer):
    computer.start_with(computer.python("3.14", "python3"))
    own = computer.python("3.11", "blenders")
    choice = pythons.choose([WORKER], more=lambda: [own])
    assert choice.python == own
    assert len(choice.tried) == 1
    computer.start_with(computer.python("3.13", "python3"))
    pythons.choose([WORKER], more=lambda: pytest.fail("it was asked for although there is a better one"))


def test_windows_launcher_knows_pythons_that_are_not_on_the_path(computer, monkeypatch):
    computer.start_with(computer.python("3.14", "python3"))
    hidden = computer.python("3.13", "hidden")
    launcher = computer.folder / "py"
    launcher.write_text(f'#!/bin/sh\n[ "$1" = -3.13 ] && echo {hidden} || exit 103\n')
    launcher.chmod(0o755)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(pythons.shutil, "which", {"py": str(launcher)}.get)
    assert pythons.choose([WORKER]).python == hidden


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"wide": False}, "it is a 32-bit Python"),
        ({"kind": "pypy"}, "it is pypy, and the packages are not"),
        ({"free_threaded": True}, "it is free-threaded, and the packages are not"),
        ({"libc": ["", ""]}, "its C library is unknown, not glibc 2.28"),
        ({"libc": ["glibc", "2.17"]}, "its C library is glibc 2.17, not glibc 2.28"),
        ({"whole": False}, "it has no ensurepip and venv"),
        ({"version": [3, 10]}, "it is Python 3.10; 3.11 to 3.14 are possible"),
        ({"version": [3, 15]}, "it is Python 3.15; 3.11 to 3.14 are possible"),
        ({"version": None}, "it is no Python that starts"),
    ],
)
def test_python_that_will_not_do_is_named_with_the_reason(computer, answer, reason):
    program = computer.python("3.13", "python3", **answer)
    computer.start_with(program)
    assert pythons.choose([WORKER]).tried == (f"{program}: {reason}",)


def test_uv_makes_environments_with_pythons_that_lack_ensurepip(computer):
    program = computer.python("3.13", "python3", whole=False)
    computer.start_with(program)
    assert pythons.choose([WORKER], needs_pip=False).python == program


@pytest.mark.parametrize("version", ["3.12", "3.14"])
def test_without_a_python_that_will_do_and_without_network_all_that_was_tried_is_said_and_one_thing_to_do(
    computer, version, tmp_path
):
    program = computer.python(version, "python3")
    computer.start_with(program)
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho 'error: Failed to download the list of Pythons'; exit 2\n")
    uv.chmod(0o755)
    tool = tools.Uv(str(uv), tools.Sources(tmp_path / "bootstrap"), lambda line: None)
    with pytest.raises(InstallError) as raised:
        fill.find_python(tool, [WORKER, MODULE], Reporter())
    assert raised.value.code == "no_python"
    assert f"{program}: it is Python {version}, for which there is no" in raised.value.message
    assert "uv could not download Python 3.13" in raised.value.message
    assert raised.value.hint == "Install Python 3.13 (from python.org), or name one with --python"


@pytest.mark.parametrize(
    ("system", "way"),
    [("darwin", "brew install python@3.13"), ("win32", "winget install Python.Python.3.13"), ("linux", "python.org")],
)
def test_way_to_a_python_is_one_that_the_system_has(computer, monkeypatch, system, way):
    monkeypatch.setattr(sys, "platform", system)
    assert way in pythons.none_found([WORKER], []).hint


@pytest.mark.parametrize(
    ("offered", "way"),
    [
        (["python3.13", "python3.13-venv"], "sudo apt-get install -y python3.13 python3.13-venv"),
        (["python3.11", "python3.11-venv", "python3.12"], "sudo apt-get install -y python3.11 python3.11-venv"),
        (["python3.14", "python3.14-venv"], "from python.org"),
        ([], "from python.org"),
    ],
)
def test_debian_is_told_only_of_packages_that_it_offers(computer, monkeypatch, offered, way):
    monkeypatch.setattr(system_packages, "is_debian", lambda: True)
    monkeypatch.setattr(system_packages, "is_offered", lambda package: package in offered)
    assert way in pythons.none_found([WORKER], []).hint


def test_linux_on_arm_has_all_but_blenders_module(computer, monkeypatch):
    for module in (pythons, lock):
        monkeypatch.setattr(module, "this_platform", lambda: "linux-aarch64")
    started = computer.python("3.13", "python3")
    computer.start_with(started)
    assert pythons.choose([WORKER]).python == started
    assert pythons.choose([WORKER, MODULE]).python is None
    error = pythons.none_found([WORKER, MODULE], [])
    assert error.message == "Nothing can be installed on linux-aarch64: there is no bpy for it"


def test_system_without_packages_is_told_which_are_missing(monkeypatch):
    for module in (pythons, lock):
        monkeypatch.setattr(module, "this_platform", lambda: "macos-x86_64")
    assert "no PyTorch for macos-x86_64" in pythons.none_found([WORKER], []).message


def test_this_computer_has_a_name_that_packages_are_known_by():
    if os.uname().machine == "x86_64" and sys.platform == "linux":
        assert platforms.this_platform() == "linux-x86_64"
