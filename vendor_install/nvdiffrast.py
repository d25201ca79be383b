# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``nvdiffrast`` command: NVIDIA's rasteriser, for those who accept its licence, in an environment that is there.

It has no builds of its own for any PyTorch, so it is compiled here against the installed one. The environment is
touched only when what was built has loaded.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from . import target as targets, tools
from .children import run, scrubbed_environment, tool_environment
from .events import Reporter
from .installed import current_environment, python_of
from .messages import InstallError

VERSION = "0.4.0"
"""The version that this program was written for."""
COMMIT = "253ac4fcea7de5f396371124af597e6cc957bfae"
"""That version's commit."""
SOURCE = f"https://github.com/NVlabs/nvdiffrast/archive/{COMMIT}.tar.gz"
"""Where its source comes from."""
LICENCE = """\
nvdiffrast is NVIDIA's, under the Nvidia Source Code License (1-Way Commercial). It may be used non-commercially only:
"for research or evaluation purposes only and not for any direct or indirect monetary gain" (section 3.3).
The whole licence: https://github.com/NVlabs/nvdiffrast/blob/main/LICENSE.txt
StyleTex works without it; with it, views are rasterised on the graphics card."""
"""What is shown before anything else."""
_QUESTION = """
import importlib.util, json, os, sys, sysconfig, torch
has = lambda name: importlib.util.find_spec(name) is not None
headers = os.path.join(sysconfig.get_path('include'), 'Python.h')
print(json.dumps({'cuda': torch.version.cuda, 'torch': str(torch.__version__), 'headers': os.path.isfile(headers),
    'python': '%d.%d' % sys.version_info[:2], 'setuptools': has('setuptools'), 'pip': has('pip'),
    'ensurepip': has('ensurepip')}))
"""
_TRIAL = """
import torch, nvdiffrast.torch as rasteriser
if torch.cuda.is_available():
    whole = torch.tensor([[[-1.0, -1, 0, 1], [3, -1, 0, 1], [-1, 3, 0, 1]]], device='cuda')
    triangles = torch.tensor([[0, 1, 2]], dtype=torch.int32, device='cuda')
    found, _ = rasteriser.rasterize(rasteriser.RasterizeCudaContext(), whole, triangles, resolution=[8, 8])
    covered = int((found[..., 3] == 1).sum())
    if covered != 64:
        raise SystemExit(f'Error: a triangle over 64 pixels covers {covered}')
"""
"""Loads it and, where there is a device, rasterises one triangle."""


def install(target: Path, accepted: bool, source: str, report: Reporter) -> None:
    """Build nvdiffrast and install it into the environment in use.

    Args:
        target: folder of the environments.
        accepted: whether the user accepts the licence.
        source: address of an archive, or path of a folder, with nvdiffrast's source.
        report: told of the course; shows the licence first.

    Raises:
        InstallError: ``licence`` when it is not accepted; ``no_environment``; ``tools_missing`` naming everything that
            is missing; or the build or what it built failed. The environment then works as before.
    """
    report.note(LICENCE)
    if not accepted:
        raise InstallError(
            "licence",
            "nvdiffrast is not installed before its licence is accepted",
            "If you accept it, run the command again with --accept-license",
        )
    environment = current_environment(target)
    if environment is None or not python_of(environment).is_file():
        hint = "Install one: python3 -m vendor_install install --device cuda"
        raise InstallError("no_environment", f"There is no environment in {target}", hint)
    python = str(python_of(environment))
    with targets.alone(target), TemporaryDirectory(prefix="nvdiffrast-") as work:
        facts = _facts(python, report)
        if lacking := missing(facts, find_nvcc()):
            raise InstallError(
                "tools_missing",
                f"nvdiffrast is compiled on this computer, which lacks: {'; '.join(lacking)}",
                "Install what is missing, then run the command again",
            )
        if not facts["pip"]:
            tools.seed_pip(environment, report.log)
        report.note(f"Building nvdiffrast {VERSION} against PyTorch {facts['torch']}; this takes minutes")
        wheel = _build(python, source, Path(work), report)
        unpacked = Path(work) / "unpacked"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(unpacked)
        failure = "nvdiffrast was built but does not work, so it is not installed"
        run([python, "-I", "-c", f"import sys; sys.path.insert(0, {str(unpacked)!r})\n{_TRIAL}"], failure, report.log)
        _put(python, wheel, report)
    report.done(f"nvdiffrast is installed in {environment}; a new environment will need it anew")


def find_nvcc() -> Path | None:
    """CUDA's compiler where PyTorch's builder looks: ``CUDA_HOME`` or ``CUDA_PATH``, the PATH, the usual folder."""
    name = "nvcc.exe" if sys.platform == "win32" else "nvcc"
    home = os.environ.get("CUDA_HOME") or os.environ.get("CUDA_PATH")
    if home:
        program = Path(home) / "bin" / name
        return program if program.is_file() else None
    found = shutil.which("nvcc")
    usual = Path("/usr/local/cuda/bin") / name
    return Path(found) if found else usual if usual.is_file() else None


def missing(facts: dict[str, Any], nvcc: Path | None) -> list[str]:
    """What building needs and is not there, each with the way to get it.

    Args:
        facts: of the environment: ``cuda`` (version that PyTorch was built with, or ``None``), ``torch``, ``python``
            (versions), ``headers``, ``setuptools``, ``pip``, ``ensurepip`` (whether it has them).
        nvcc: CUDA's compiler, if there is one.
    """
    lacking = []
    if facts["cuda"] is None:
        way = "python3 -m vendor_install install --device cuda"
        lacking.append(f"a PyTorch that was built with CUDA (this one is {facts['torch']}; get it with: {way})")
    wanted = str(facts["cuda"] or "").partition(".")[0]
    toolkit = f"CUDA {facts['cuda']}" if wanted else "CUDA"
    if nvcc is None:
        lacking.append(f"nvcc, the compiler of {toolkit} (the CUDA Toolkit; CUDA_HOME names its folder)")
    elif (version := _nvcc_version(nvcc)) is None:
        lacking.append(f"an nvcc that starts ({nvcc} does not)")
    elif wanted and version.partition(".")[0] != wanted:
        lacking.append(f"nvcc of {toolkit}, which PyTorch was built with ({nvcc} is of CUDA {version})")
    compiler = "cl" if sys.platform == "win32" else "c++"
    if shutil.which(compiler) is None:
        way = "Visual Studio's build tools" if sys.platform == "win32" else "on Debian and Ubuntu: g++"
        lacking.append(f"{compiler}, a C++ compiler ({way})")
    if not facts["headers"]:
        lacking.append(f"Python's headers (on Debian and Ubuntu: python{facts['python']}-dev)")
    if not facts["setuptools"]:
        lacking.append("setuptools in the environment (repair it: python3 -m vendor_install install)")
    if not (facts["pip"] or facts["ensurepip"]):
        lacking.append(f"Python's ensurepip (on Debian and Ubuntu: python{facts['python']}-venv)")
    return lacking


def _facts(python: str, report: Reporter) -> dict[str, Any]:
    lines = run([python, "-I", "-c", _QUESTION], "The environment does not work", report.log)
    return json.loads(lines[-1])


def _nvcc_version(nvcc: Path) -> str | None:
    try:
        result = subprocess.run(
            [nvcc, "--version"], env=scrubbed_environment(), capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    match = re.search(r"release (\d+\.\d+)", result.stdout)
    return match[1] if match and result.returncode == 0 else None


def _build(python: str, source: str, folder: Path, report: Reporter) -> Path:
    # Without the cache: a wheel in it may have been built against another PyTorch.
    options = ["--no-build-isolation", "--no-deps", "--no-cache-dir", "--no-input", "--disable-pip-version-check"]
    command = [python, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), source]
    run(command, "nvdiffrast could not be built", report.log)
    return next(folder.glob("nvdiffrast-*.whl"))


def _put(python: str, wheel: Path, report: Reporter) -> None:
    """Install the wheel; take it out again when it does not load from where it is now."""
    options = ["--no-index", "--no-deps", "--force-reinstall", "--no-input", "--disable-pip-version-check"]
    try:
        run([python, "-m", "pip", "install", *options, str(wheel)], "nvdiffrast could not be installed", report.log)
        run([python, "-I", "-c", _TRIAL], "nvdiffrast does not work, so it was removed again", report.log)
    except BaseException:
        removal = [python, "-m", "pip", "uninstall", "--yes", "nvdiffrast"]
        subprocess.run(removal, env=tool_environment(), capture_output=True, check=True)
        raise
