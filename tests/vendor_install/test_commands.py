# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import importlib.util
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from vendor_install import (
    checks,
    command_line,
    demo,
    environment,
    interpreter,
    lock,
    real_blender,
    requirements,
    system_packages,
)
from vendor_install.blender import Blender
from vendor_install.interpreter import find_python
from vendor_install.messages import InstallError, SetupError
from vendor_install.real_blender import RealBlender

ROOT = Path(__file__).resolve().parents[2]


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_python_that_does_not_start_is_passed_over(tmp_path, monkeypatch):
    version = sys.version_info[:2]
    name = "python{}.{}".format(*version)
    program(tmp_path / "shims" / name, f"echo '{name}: command not found' >&2; exit 127")
    right = program(tmp_path / "real" / name, f'exec "{sys.executable}" "$@"')
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "shims"), str(tmp_path / "real")]))
    assert find_python(version) == str(right)


def test_python_that_hangs_or_is_no_program_is_passed_over(tmp_path, monkeypatch):
    program(tmp_path / "hangs" / "python3.12", "exec sleep 60")
    broken = program(tmp_path / "broken" / "python3.12", "")
    broken.write_text("#!/no/such/program\n")
    monkeypatch.setattr(interpreter, "SECONDS_TO_START", 0.3)
    places = [str(tmp_path / "hangs"), str(tmp_path / "broken"), "/bin", "/usr/bin"]
    monkeypatch.setenv("PATH", os.pathsep.join(places))
    assert find_python((3, 12)) not in [f"{place}/python3.12" for place in places[:2]]


def test_python_that_is_another_version_is_passed_over(tmp_path, monkeypatch):
    program(tmp_path / "python3.11", "echo 3.10")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_python((3, 11)) is None


def test_python_that_is_too_old_names_those_that_are_not_and_goes_on_in_one_that_is_there(tmp_path):
    older = next((path for path in map(find_python, [(3, 10), (3, 9), (3, 8), (3, 7), (3, 6)]) if path), None)
    if older is None:
        pytest.skip("needs a Python older than 3.11 on the PATH")
    # The program itself: what stands on the PATH may be a version manager's, which needs the PATH.
    older = subprocess.check_output([older, "-c", "import sys; print(sys.executable)"], text=True).strip()

    def call() -> subprocess.CompletedProcess[str]:
        command = [older, "-m", "vendor_install", "size", "--target", str(tmp_path / "target")]
        environment = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    result = call()
    assert result.returncode == 2
    assert "with Python 3.11 or newer; this is Python 3." in result.stderr
    assert "python3.13, python3.12, python3.11, python3.14" in result.stderr
    assert "Traceback" not in result.stderr
    program(tmp_path / "python{}.{}".format(*sys.version_info[:2]), f'exec "{sys.executable}" "$@"')
    assert json.loads(call().stdout)["bytes"] == 0


def test_missing_system_library_is_named_in_one_line_to_copy(monkeypatch):
    monkeypatch.setattr(system_packages, "is_debian", lambda: True)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    missing = system_packages.missing_libraries({"libm.so.6": "libc6", "libnone.so.7": "libnone7"})
    with pytest.raises(SetupError) as caught:
        system_packages.provide(missing)
    assert "    sudo apt-get install -y libnone7" in str(caught.value).splitlines()


def test_missing_system_library_is_named_where_there_is_no_apt(monkeypatch):
    monkeypatch.setattr(system_packages, "is_debian", lambda: False)
    with pytest.raises(SetupError, match=r"libnone\.so\.7"):
        system_packages.provide({"libnone.so.7": "libnone7"})


def test_no_package_is_named_that_the_system_does_not_have(monkeypatch):
    done = []
    monkeypatch.setattr(system_packages, "is_debian", lambda: True)
    monkeypatch.setattr(system_packages, "is_offered", lambda package: False)
    monkeypatch.setattr(system_packages, "_apt_get", lambda *arguments: done.append(arguments[0]))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(SetupError, match=r"no package libnone7, which should bring libnone\.so\.7"):
        system_packages.provide({"libnone.so.7": "libnone7"})
    assert done == ["update"]


def test_nothing_is_installed_where_nothing_is_missing(monkeypatch):
    monkeypatch.setattr(system_packages, "_apt_get", lambda *arguments: pytest.fail("apt-get ran"))
    system_packages.provide({})


def _is_for_this_python(pin: str) -> bool:
    return Requirement(pin).marker is None or Requirement(pin).marker.evaluate()


def test_every_package_is_pinned_once_and_by_no_address():
    lines = [
        line.split("#")[0].strip()
        for file in (requirements.WORKER, requirements.BLENDER_MODULE, requirements.TESTS)
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    pins = [line for line in lines if line]
    assert all(line.split(";")[0].count("==") == 1 and "/" not in line and not line.startswith("-") for line in pins)
    names = [line.split("==")[0].lower().replace("_", "-") for line in pins if _is_for_this_python(line)]
    assert len(set(names)) == len(names)


def test_this_environment_holds_exactly_what_is_locked():
    from importlib.metadata import version

    lists = [requirements.WORKER, requirements.TESTS]
    if importlib.util.find_spec("bpy"):
        lists.append(requirements.BLENDER_MODULE)
    for each in map(lock.read_of, lists):
        for pin in filter(_is_for_this_python, [*each.pins(), each.torch] if each.torch else each.pins()):
            name, wanted = pin.split(";")[0].strip().split("==")
            assert version(name).split("+")[0] == wanted


def test_failed_set_up_is_one_message_and_a_status(monkeypatch, capsys):
    def fail() -> None:
        raise SetupError("The disk is full")

    monkeypatch.setattr(real_blender, "find", fail)
    assert command_line.run(["test"]) == 2
    assert capsys.readouterr().err == "\nERROR: The disk is full\n"


def test_interrupted_set_up_says_that_it_continues(monkeypatch, capsys, tmp_path):
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(real_blender, "find", interrupt)
    monkeypatch.setattr(demo, "BUILD", tmp_path)
    assert command_line.run(["demo"]) == 130
    assert "continues where this one stopped" in capsys.readouterr().err


def test_a_second_demo_is_refused_while_one_is_at_work(provided, monkeypatch, capsys):
    statuses = []
    monkeypatch.setattr(demo, "texture_suzanne", lambda blender: statuses.append(command_line.run(["demo"])) or 0)
    assert command_line.run(["demo"]) == 0
    assert statuses == [2]
    assert f"Another demo is at work in {demo.FOLDER}. Wait for its end." in capsys.readouterr().err
    assert len(provided) == 1


_DEMO_THAT_TAKES_LONG = """
import sys
from pathlib import Path
from vendor_install import command_line, demo
def texture(named):
    demo._run("A program", [sys.executable, "-c", sys.argv[2]], quiet=False)
demo.BUILD = Path(sys.argv[1])
demo._run_alone = texture
sys.exit(command_line.run(["demo"]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
def test_a_demo_that_is_terminated_ends_the_program_that_it_waits_for(tmp_path):
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    command = [sys.executable, "-c", _DEMO_THAT_TAKES_LONG, str(tmp_path), program]
    demo_process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert demo_process.stdout is not None
    child = int(demo_process.stdout.readline())
    demo_process.terminate()
    _, error = demo_process.communicate(timeout=20)
    assert demo_process.returncode == 130
    assert "Interrupted" in error
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_style_image_of_the_demo_ships_with_its_caption_and_prompt():
    samples = json.loads((demo.STYLE_IMAGE.parent / "samples.json").read_text(encoding="utf-8"))
    assert demo.STYLE_IMAGE.is_file()
    assert samples[demo.STYLE_IMAGE.name]["prompt"]
    assert samples[demo.STYLE_IMAGE.name]["content"]


@pytest.fixture
def provided(monkeypatch, tmp_path) -> list[dict]:
    """What the checkout's environment was asked to hold, for each time; nothing is installed."""
    asked: list[dict] = []

    def provide(**wanted) -> Path:
        asked.append({name: value for name, value in wanted.items() if name in ("blender_module", "tests")})
        return Path("python")

    monkeypatch.setattr(environment, "provide", provide)
    monkeypatch.setattr(demo, "BUILD", tmp_path)
    monkeypatch.setattr(real_blender, "find", lambda: None)
    monkeypatch.setattr(demo, "texture_suzanne", lambda blender: str(blender))
    monkeypatch.setattr(demo, "texture_cup", lambda python: "a cup")
    monkeypatch.setattr(checks, "check", lambda python, arguments: list(arguments))
    return asked


def no_python_has_bpy(provide):
    def refuse(**wanted) -> Path:
        if wanted["blender_module"]:
            raise InstallError("no_python", "Tried: all", "Install Python 3.13")
        return provide(**wanted)

    return refuse


def test_demo_with_a_blender_installs_neither_its_module_nor_the_tests(provided, monkeypatch):
    there = RealBlender(Blender(Path("blender"), is_module=False), None)
    monkeypatch.setattr(real_blender, "find", lambda: there)
    assert demo.run() == "blender"
    assert provided == [{"blender_module": False, "tests": False}]


def test_demo_without_a_blender_takes_its_module(provided):
    assert demo.run() == "python (the Python module bpy)"
    assert provided == [{"blender_module": True, "tests": False}]


def test_demo_without_either_does_what_needs_none_and_says_so(provided, monkeypatch, capsys):
    monkeypatch.setattr(environment, "provide", no_python_has_bpy(environment.provide))
    assert demo.run() == "a cup"
    assert provided == [{"blender_module": False, "tests": False}]
    assert "No Blender, and not its Python module either. Tried: all. Install Python 3.13" in capsys.readouterr().out


def test_tests_run_in_the_blender_that_is_there_and_without_its_module_where_no_python_has_it(
    provided, monkeypatch, capsys
):
    there = RealBlender(Blender(Path("blender"), is_module=False), None)
    monkeypatch.setattr(real_blender, "find", lambda: there)
    monkeypatch.setenv("BLENDER", "")
    assert command_line.run(["test", "-k", "odcr"]) == ["-k", "odcr"]
    assert os.environ["BLENDER"] == "blender"
    assert provided == [{"blender_module": True, "tests": True}]
    monkeypatch.setattr(environment, "provide", no_python_has_bpy(environment.provide))
    command_line.run(["test"])
    assert provided[1:] == [{"blender_module": False, "tests": True}]
    assert "Tests that load Blender as a Python module are skipped. Tried: all" in capsys.readouterr().out


@pytest.mark.slow
def test_cup_is_textured_without_a_blender(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "FOLDER", tmp_path)
    assert demo.texture_cup(Path(sys.executable)) == 0
    assert all((tmp_path / name).is_file() for name in demo.RESULTS_WITHOUT_BLENDER)
