# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from vendor_install import blender, command_line, demo, environment, requirements, system_packages
from vendor_install.interpreter import find_python
from vendor_install.messages import SetupError

ROOT = Path(__file__).resolve().parents[2]


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_python_that_does_not_start_is_passed_over(tmp_path, monkeypatch):
    program(tmp_path / "shims" / "python3.11", "echo 'python3.11: command not found' >&2; exit 127")
    right = program(tmp_path / "real" / "python3.11", f'exec "{sys.executable}" "$@"')
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "shims"), str(tmp_path / "real")]))
    assert find_python((3, 11)) == str(right)


def test_python_that_is_another_version_is_passed_over(tmp_path, monkeypatch):
    program(tmp_path / "python3.11", "echo 3.10")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_python((3, 11)) is None


def test_another_python_names_the_version_needed_and_how_to_get_it(tmp_path):
    older = next((path for path in map(find_python, [(3, 10), (3, 12), (3, 13)]) if path), None)
    if older is None:
        pytest.skip("needs a Python other than 3.11 on the PATH")
    # The program itself: what stands on the PATH may be a version manager's, which needs the PATH.
    older = subprocess.check_output([older, "-c", "import sys; print(sys.executable)"], text=True).strip()
    result = subprocess.run(
        [older, "-m", "vendor_install", "test"],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert "set up with Python 3.11" in result.stderr
    assert "Traceback" not in result.stderr


def test_missing_system_library_is_named_in_one_line_to_copy(monkeypatch):
    monkeypatch.setattr(system_packages, "LIBRARIES", {"libm.so.6": "libc6", "libnone.so.7": "libnone7"})
    monkeypatch.setattr(system_packages, "is_debian", lambda: True)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SetupError) as caught:
        system_packages.provide()
    assert "    sudo apt-get install -y libnone7" in str(caught.value).splitlines()


def test_missing_system_library_is_named_where_there_is_no_apt(monkeypatch):
    monkeypatch.setattr(system_packages, "LIBRARIES", {"libnone.so.7": "libnone7"})
    monkeypatch.setattr(system_packages, "is_debian", lambda: False)
    with pytest.raises(SetupError, match=r"libnone\.so\.7"):
        system_packages.provide()


def _is_for_this_python(pin: str) -> bool:
    return Requirement(pin).marker is None or Requirement(pin).marker.evaluate()


def test_every_package_is_pinned_once_and_by_no_address():
    lines = [
        line.split("#")[0].strip()
        for file in (requirements.WORKER, requirements.DEVELOPMENT)
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    pins = [line for line in lines if line]
    assert all(line.split(";")[0].count("==") == 1 and "/" not in line and not line.startswith("-") for line in pins)
    names = [line.split("==")[0].lower().replace("_", "-") for line in pins if _is_for_this_python(line)]
    assert len(set(names)) == len(names)


def test_this_environment_holds_exactly_what_is_pinned():
    from importlib.metadata import version

    for file in (requirements.WORKER, requirements.DEVELOPMENT):
        for line in file.read_text(encoding="utf-8").splitlines():
            pin = line.split("#")[0].strip()
            if pin and _is_for_this_python(pin):
                name, wanted = pin.split(";")[0].strip().split("==")
                assert version(name).split("+")[0] == wanted


def test_fingerprint_follows_the_requirements(tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_text("torch==2.13.0\n")
    before = requirements.fingerprint([file])
    assert requirements.fingerprint([file]) == before
    file.write_text("torch==2.14.0\n")
    assert requirements.fingerprint([file]) != before


def test_blender_of_the_variable_comes_first(tmp_path, monkeypatch):
    named = program(tmp_path / "named", "echo 'Blender 4.3.2'")
    program(tmp_path / "bin" / "blender", "echo 'Blender 4.5.0'")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("BLENDER", str(named))
    assert blender.find_blender(Path("python")) == blender.Blender(named, is_module=False)


def test_blender_on_the_path_comes_before_the_module(tmp_path, monkeypatch):
    found = program(tmp_path / "blender", "echo 'Blender 4.5.0'")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("BLENDER", raising=False)
    assert blender.find_blender(Path("python")) == blender.Blender(found, is_module=False)


def test_blender_on_the_path_that_is_too_old_gives_way_to_the_module(tmp_path, monkeypatch, capsys):
    program(tmp_path / "blender", "echo 'Blender 3.6.2'")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("BLENDER", raising=False)
    assert blender.find_blender(Path("python")).is_module
    assert "older than Blender 4.2" in capsys.readouterr().out


@pytest.mark.parametrize(("text", "message"), [("exit 1", "no Blender that starts"), ("echo Blender 3.6.2", "oldest")])
def test_unusable_blender_variable_is_an_error_not_a_fallback(text, message, tmp_path, monkeypatch):
    monkeypatch.setenv("BLENDER", str(program(tmp_path / "named", text)))
    with pytest.raises(SetupError, match=message):
        blender.find_blender(Path("python"))


def test_failed_set_up_is_one_message_and_a_status(monkeypatch, capsys):
    def fail() -> Path:
        raise SetupError("The disk is full")

    monkeypatch.setattr(environment, "provide", fail)
    assert command_line.run(["test"]) == 2
    assert capsys.readouterr().err == "\nERROR: The disk is full\n"


def test_interrupted_set_up_says_that_it_continues(monkeypatch, capsys):
    def interrupt() -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "provide", interrupt)
    assert command_line.run(["demo"]) == 130
    assert "continues where this one stopped" in capsys.readouterr().err


def test_style_image_of_the_demo_ships_with_its_caption_and_prompt():
    samples = json.loads((demo.STYLE_IMAGE.parent / "samples.json").read_text(encoding="utf-8"))
    assert demo.STYLE_IMAGE.is_file()
    assert samples[demo.STYLE_IMAGE.name]["prompt"]
    assert samples[demo.STYLE_IMAGE.name]["content"]
