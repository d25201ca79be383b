# SPDX-License-Identifier: GPL-3.0-or-later
"""nvdiffrast is built only for who accepts its licence and has the tools, and a failure leaves the environment sound.

A small package of that name, built by the real setuptools and pip in a real environment, stands in for it.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from vendor_install import distributions, nvdiffrast
from vendor_install.fill import site_packages
from vendor_install.installed import current_environment

TORCH = """
__version__ = version = '0.0.1'
class version:
    cuda = {cuda}
class cuda:
    is_available = staticmethod(lambda: False)
"""
SETUP = """
import setuptools
import torch  # Only there without build isolation.
{extra}
setuptools.setup(name="nvdiffrast", version="0.4.0", packages=["nvdiffrast"])
"""
NEEDED = {
    "cuda": "13.0",
    "torch": "2.13.0+cu130",
    "python": "3.11",
    "headers": True,
    "setuptools": True,
    "pip": True,
    "ensurepip": True,
}


def nvcc(folder: Path, release: str = "13.0") -> Path:
    """A CUDA compiler that says its version and no more; returns the folder that ``CUDA_HOME`` should be."""
    program = folder / "bin" / "nvcc"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'Cuda compilation tools, release {release}, V{release}.88'\n")
    program.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def studio(make_workshop, tmp_path_factory):
    """A workshop with an environment in use: setuptools, and a PyTorch that says it was built with CUDA.

    One for all tests: each leaves it as it found it, and the one that installs something comes last.
    """
    workshop = make_workshop(tmp_path_factory.mktemp("studio"))
    workshop.write_lock({"torch": TORCH.format(cuda="'13.0'"), "brush": "version = '1.0'\n"})
    assert workshop.install()[-1]["type"] == "done"
    environment = current_environment(workshop.target)
    setuptools = importlib.metadata.distribution("setuptools")
    for name in {file.parts[0] for file in setuptools.files or [] if file.parts[0] not in ("..", "__pycache__")}:
        place = setuptools.locate_file(name)
        (shutil.copytree if Path(place).is_dir() else shutil.copy)(place, site_packages(environment) / name)
    workshop.variables["CUDA_HOME"] = str(nvcc(workshop.folder / "cuda"))
    return workshop


@pytest.fixture
def environment(studio):
    """The folder of the environment in use."""
    return current_environment(studio.target)


@pytest.fixture
def compiler():
    """Skips a test where nothing can be compiled: the command finds that out before it begins."""
    headers = Path(sysconfig.get_path("include"), "Python.h")
    if shutil.which("c++") is None or not headers.is_file():
        pytest.skip("needs a C++ compiler and Python's headers")


@pytest.fixture
def source(tmp_path):
    """Makes the source of a package called nvdiffrast from code for its setup and for its module."""

    def make(setup: str = "", module: str = "") -> Path:
        folder = tmp_path / "source"
        (folder / "nvdiffrast").mkdir(parents=True)
        (folder / "setup.py").write_text(SETUP.format(extra=setup))
        (folder / "nvdiffrast" / "__init__.py").write_text("")
        (folder / "nvdiffrast" / "torch.py").write_text(module)
        return folder

    return make


def build(workshop, source: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return workshop.run("nvdiffrast", "--accept-license", "--source", str(source), *arguments)


def packages(environment: Path) -> set[str]:
    """What is installed, but for pip, which building needs."""
    return {path.name for path in site_packages(environment).glob("*.dist-info")} - {
        path.name for path in site_packages(environment).glob("pip-*.dist-info")
    }


def works_as_before(workshop, environment: Path, before: set[str]) -> bool:
    return (
        current_environment(workshop.target) == environment
        and packages(environment) == before
        and not distributions.incomplete(site_packages(environment))
        and not (site_packages(environment) / "nvdiffrast").exists()
        and workshop.brush() == "1.0"
    )


def test_licence_is_shown_and_nothing_happens_before_it_is_accepted(studio, environment, source):
    before = {path: path.stat().st_mtime_ns for path in environment.rglob("*")}
    result = studio.run("nvdiffrast", "--source", str(source()))
    assert result.returncode == 2
    assert "Nvidia Source Code License (1-Way Commercial)" in result.stdout
    assert "non-commercially only" in result.stdout and "LICENSE.txt" in result.stdout
    assert "--accept-license" in result.stderr
    assert {path: path.stat().st_mtime_ns for path in environment.rglob("*")} == before


def test_failed_build_is_told_and_leaves_the_environment_as_it_was(compiler, studio, environment, source):
    before = packages(environment)
    result = build(studio, source("raise SystemExit('error: nvcc does not like this compiler')"))
    assert result.returncode == 2
    assert "nvdiffrast could not be built: " in result.stderr and "Traceback" not in result.stderr
    assert "nvcc does not like this compiler" in result.stdout
    assert works_as_before(studio, environment, before)


@pytest.mark.parametrize(
    ("module", "complaint"),
    [
        (
            "raise ImportError('undefined symbol: cudaFoo')",
            "built but does not work, so it is not installed: ImportError: undefined symbol: cudaFoo",
        ),
        (
            "import sys\nif 'site-packages' in __file__: raise ImportError('moved')",
            "does not work, so it was removed again: ImportError: moved",
        ),
    ],
    ids=["never", "only where it was tried"],
)
def test_what_does_not_load_does_not_stay_installed(compiler, studio, environment, source, module, complaint):
    before = packages(environment)
    result = build(studio, source(module=module))
    assert result.returncode == 2
    assert complaint in result.stderr
    assert works_as_before(studio, environment, before)


def test_it_is_built_against_the_installed_pytorch_and_loads(compiler, studio, environment, source):
    result = build(studio, source("print('built with', torch.version.cuda)"), "--json-events")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.returncode == 0, result.stdout + result.stderr
    assert events[-1]["type"] == "done" and str(environment) in events[-1]["text"]
    assert studio.answer("import torch, nvdiffrast.torch; print('loaded')") == "loaded"
    assert studio.brush() == "1.0" and not distributions.incomplete(site_packages(environment))


def test_everything_that_is_missing_is_named_at_once(workshop, source):
    workshop.write_lock({"torch": TORCH.format(cuda="None"), "brush": "version = '1.0'\n"})
    assert workshop.install()[-1]["type"] == "done"
    workshop.variables["CUDA_HOME"] = str(workshop.folder / "nothing")
    result = build(workshop, source())
    assert result.returncode == 2
    assert "a PyTorch that was built with CUDA (this one is 0.0.1; get it with: " in result.stderr
    assert "nvcc, the compiler of CUDA (the CUDA Toolkit; CUDA_HOME names its folder)" in result.stderr
    assert "setuptools in the environment" in result.stderr


def test_without_an_environment_it_says_how_to_get_one(workshop, source):
    result = build(workshop, source())
    assert result.returncode == 2
    assert "There is no environment in" in result.stderr and "vendor_install install --device cuda" in result.stderr


@pytest.mark.parametrize(
    ("facts", "release", "words"),
    [
        ({}, "12.4", "nvcc of CUDA 13.0, which PyTorch was built with"),
        ({"headers": False}, "13.0", "python3.11-dev"),
        ({"pip": False, "ensurepip": False}, "13.0", "python3.11-venv"),
        ({"setuptools": False}, "13.0", "setuptools"),
        ({"cuda": None, "torch": "2.13.0+rocm7.2"}, "13.0", "this one is 2.13.0+rocm7.2"),
    ],
)
def test_missing_thing_is_named_alone(facts, release, words, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_HOME", str(nvcc(tmp_path, release)))
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    lacking = nvdiffrast.missing({**NEEDED, **facts}, nvdiffrast.find_nvcc())
    assert len(lacking) == 1 and words in lacking[0]


def test_other_minor_version_of_cuda_will_do(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert nvdiffrast.missing(NEEDED, nvcc(tmp_path, "13.2") / "bin" / "nvcc") == []


def test_source_is_pinned_to_a_commit():
    assert nvdiffrast.COMMIT in nvdiffrast.SOURCE and len(nvdiffrast.COMMIT) == 40
