# SPDX-License-Identifier: GPL-3.0-or-later
"""One virtual environment, ``.venv/`` in the checkout: built, repaired, or left alone when it is ready.

A file inside it says what it was built from and is written last. As long as that file is missing or older than
the pinned packages, the environment counts as unfinished, and the next command continues it: complete packages
stay, half-installed ones are installed anew.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import distributions, requirements, system_packages
from .messages import SetupError, say, step

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""
FOLDER = ROOT / ".venv"
"""The environment that the demo, the tests and the worker in a checkout share."""
READY_FILE = "styletex-ready"
"""Inside the environment: the fingerprint of what it was built from."""
PROBE = "import torch, diffusers, transformers, scipy, embreex, xatlas, PIL, bpy"
"""Imports that show that the packages, and the system libraries they are linked to, work."""


def python_of(folder: Path) -> Path:
    """The Python program of the environment in ``folder``."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def provide() -> Path:
    """Make ``.venv/`` ready, whatever state it is in.

    Returns:
        Its Python program.

    Raises:
        SetupError: a step failed; what is done so far stays and is not done again.
    """
    system_packages.provide()
    with _alone():
        files = (requirements.WORKER, requirements.DEVELOPMENT)
        build(FOLDER, files, PROBE)
    return python_of(FOLDER)


def build(folder: Path, files: Sequence[Path], probe: str) -> None:
    """Fill the environment in ``folder`` with the packages of ``files``, unless it is ready.

    Args:
        folder: made when it is not there.
        files: requirement files; the first pins torch.
        probe: Python code that must run in the finished environment.

    Raises:
        SetupError: a step failed.
    """
    wanted = requirements.fingerprint(files)
    ready = folder / READY_FILE
    python = python_of(folder)
    if ready.is_file() and ready.read_text(encoding="utf-8") == wanted and _runs(python, "import pip"):
        say(f"The environment {folder} is ready")
        return
    ready.unlink(missing_ok=True)
    _make(folder)
    site_packages = Path(_output(python, "import sysconfig; print(sysconfig.get_path('purelib'))"))
    if repaired := distributions.forget(site_packages):
        say(f"Installed only in part, so installed anew: {', '.join(repaired)}")

    torch = requirements.torch_requirement(files[0])
    with step(f"1 of 3 · PyTorch ({torch}), the largest download"):
        _pip(python, torch, "--constraint", str(files[0]))
    with step("2 of 3 · The other packages"):
        _pip(python, *(argument for file in files for argument in ("-r", str(file))))
    with step("3 of 3 · Check that they work together"):
        _run([str(python), "-m", "pip", "check"], "The installed packages do not fit together")
        _run([str(python), "-c", probe], "The installed packages do not load")
    unfinished = ready.with_suffix(".new")
    unfinished.write_text(wanted, encoding="utf-8")
    unfinished.replace(ready)


def scrubbed_environment() -> dict[str, str]:
    """The environment variables for programs in the environment: without those that steer another Python."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def _make(folder: Path) -> None:
    """Create the virtual environment, or keep the one there if it is a sound one of this Python's version."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    same_version = f"import pip, sys; sys.exit('%d.%d' % sys.version_info[:2] != '{version}')"
    if _runs(python_of(folder), same_version):
        return
    if folder.exists():
        if any(folder.iterdir()) and not (folder / "pyvenv.cfg").exists():
            raise SetupError(f"{folder} is there but is no Python environment. Move it away, then run this again.")
        say(f"The environment {folder} does not work with Python {version}, so it is made anew")
        shutil.rmtree(folder)
    with step(f"A new environment in {folder}"):
        _run([sys.executable, "-m", "venv", str(folder)], "The virtual environment could not be made")


def _pip(python: Path, *arguments: str) -> None:
    options = ["--no-input", "--disable-pip-version-check", "--no-compile"]
    _run(
        [str(python), "-m", "pip", "install", *options, *arguments],
        "pip could not install the packages (its message is above)",
    )


def _run(command: list[str], failure: str) -> None:
    if subprocess.run(command, env=scrubbed_environment(), check=False).returncode != 0:
        raise SetupError(f"{failure}. The command was: {' '.join(command)}\nThe next run continues from here.")


def _runs(python: Path, code: str) -> bool:
    if not python.exists():
        return False
    result = subprocess.run([str(python), "-c", code], env=scrubbed_environment(), capture_output=True, check=False)
    return result.returncode == 0


def _output(python: Path, code: str) -> str:
    result = subprocess.run(
        [str(python), "-c", code], env=scrubbed_environment(), capture_output=True, text=True, check=True
    )
    return result.stdout.strip()


@contextmanager
def _alone() -> Iterator[None]:
    """Let one command at a time change the environment; another waits."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build" / "environment.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another command is preparing the environment; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
