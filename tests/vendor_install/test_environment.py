# SPDX-License-Identifier: GPL-3.0-or-later
"""Real environments with small packages made here; what a kill leaves behind is planted for real."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vendor_install import distributions, environment
from vendor_install.messages import SetupError

PROBE = "import torch, brush; assert brush.strokes() == 3"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_wheel: Callable[..., Path]) -> tuple[Path, Path]:
    """Two requirement files whose packages lie in a folder; pip sees that folder and nothing else."""
    return prepare(tmp_path, monkeypatch, make_wheel)


def prepare(folder: Path, monkeypatch: pytest.MonkeyPatch, make_wheel: Callable[..., Path]) -> tuple[Path, Path]:
    wheels = folder / "wheels"
    wheels.mkdir()
    make_wheel(wheels, "torch", "2.13.0", "")
    make_wheel(wheels, "torch", "9.9.9", "raise ImportError('the wrong torch')")
    make_wheel(wheels, "brush", "1.0", "def strokes():\n    return 3\n", requires="torch")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    worker, development = folder / "requirements.txt", folder / "requirements-dev.txt"
    worker.write_text("torch==2.13.0\n")
    development.write_text("brush==1.0\n")
    return worker, development


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, make_wheel: Callable[..., Path]) -> tuple[Path, str]:
    """An environment built from nothing, once, and what was said about it."""
    folder = tmp_path_factory.mktemp("finished")
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as monkeypatch, contextlib.redirect_stdout(said):
        environment.build(folder / "environment", prepare(folder, monkeypatch, make_wheel), PROBE)
    return folder / "environment", said.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where an environment can be made."""
    return tmp_path / "an environment"


@pytest.fixture
def built(finished: tuple[Path, str], folder: Path) -> Path:
    """A copy of the finished environment, to be damaged."""
    shutil.copytree(finished[0], folder, symlinks=True)
    return folder


def site_packages(folder: Path) -> Path:
    return next(folder.glob("lib/python*/site-packages"))


def output_of_build(folder: Path, files: tuple[Path, Path], capfd: pytest.CaptureFixture[str]) -> str:
    environment.build(folder, files, PROBE)
    return capfd.readouterr().out


def test_second_run_finds_the_environment_ready_and_runs_no_pip(finished, built, files, capfd):
    assert "1 of 3" in finished[1]
    again = output_of_build(built, files, capfd)
    assert "is ready" in again
    assert "of 3" not in again


def test_no_other_package_replaces_the_pinned_torch(finished):
    assert [path.name for path in site_packages(finished[0]).glob("torch-*")] == ["torch-2.13.0.dist-info"]


def test_changed_requirements_are_installed_by_the_next_run(built, files, tmp_path, make_wheel):
    make_wheel(tmp_path / "wheels", "brush", "2.0", "def strokes():\n    return 4\n")
    files[1].write_text("brush==2.0\n")
    environment.build(built, files, "import brush; assert brush.strokes() == 4")


@pytest.mark.parametrize("damage", ["no record", "file missing", "file cut short"])
def test_package_that_a_kill_left_in_parts_is_installed_anew(damage, built, files, capfd):
    (built / environment.READY_FILE).unlink()
    packages = site_packages(built)
    if damage == "no record":
        (packages / "brush-1.0.dist-info" / "RECORD").unlink()
    elif damage == "file missing":
        (packages / "brush" / "__init__.py").unlink()
    else:
        (packages / "brush" / "__init__.py").write_text("def")
    (packages / "~orch").mkdir()
    assert "anew: brush" in output_of_build(built, files, capfd)
    assert not (packages / "~orch").exists()
    assert distributions.incomplete(packages) == []


def test_environment_killed_before_it_had_pip_is_made_anew(folder, files, capfd):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    assert "made anew" in output_of_build(folder, files, capfd)


def test_failing_install_leaves_no_ready_environment_and_says_how_to_go_on(built, files):
    files[1].write_text("brush==1.0\nmissing-package==1\n")
    with pytest.raises(SetupError, match="next run continues"):
        environment.build(built, files, PROBE)
    assert not (built / environment.READY_FILE).exists()
    files[1].write_text("brush==1.0\n")
    environment.build(built, files, PROBE)


def test_packages_that_do_not_load_are_not_called_ready(built, files):
    (built / environment.READY_FILE).unlink()
    with pytest.raises(SetupError, match="do not load"):
        environment.build(built, files, "import no_such_module")
    assert not (built / environment.READY_FILE).exists()


def test_folder_that_is_no_environment_is_never_deleted(folder, files):
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(SetupError, match="Move it away"):
        environment.build(folder, files, PROBE)
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_variables_that_steer_another_python_do_not_reach_the_environment(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PYTHONHOME", "/elsewhere")
    assert not [name for name in environment.scrubbed_environment() if name.startswith("PYTHON")]
