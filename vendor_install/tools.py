# SPDX-License-Identifier: GPL-3.0-or-later
"""The two programs that make an environment and fill it: uv, and pip where uv cannot be had.

Both install the locked packages with their hashes and nothing besides, then PyTorch alone: its build for the device
from PyTorch's own index, else the build of the default index.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from . import accelerators, children
from .installed import python_of
from .lock import NEWEST_PYTHON, Lock
from .messages import InstallError
from .target import BOOTSTRAP, CACHE

UV = "uv==0.13.9"
"""What is installed where the system has no uv."""
_OLDEST_UV = (0, 7)
"""The oldest uv that is used: older ones know too few of PyTorch's builds."""


@dataclass(frozen=True)
class Sources:
    """Where packages come from."""

    target: Path
    """The target folder; downloads are kept in it."""
    wheels: Path | None
    """A folder to use instead of the network."""
    timeout: int
    """Seconds without an answer after which a download is given up and tried again."""


class Pip:
    """An environment made by ``venv`` and filled by the pip in it."""

    name = "pip"

    def __init__(self, sources: Sources, log: Callable[[str], None]) -> None:
        self._sources = sources
        self._log = log

    def make_environment(self, python: Path | None, environment: Path) -> None:
        """Make an empty environment with ``python``; only uv can do without one."""
        if python is None:
            raise InstallError("no_python", "No Python was found, and pip cannot bring one")
        children.run([str(python), "-m", "venv", str(environment)], "The environment could not be made", self._log)

    def install_packages(self, environment: Path, lock: Lock) -> None:
        """Install the packages of ``lock``, each checked against its hashes."""
        self.install(environment, "--no-deps", "--require-hashes", "-r", str(lock.file))

    def install_torch(self, environment: Path, lock: Lock, device: str) -> None:
        """Install PyTorch's build for ``device``.

        Raises:
            PytorchIndexError: PyTorch's own index cannot be reached.
        """
        build = accelerators.build(device)
        if self._sources.wheels or build is None:
            self.install_default_torch(environment, lock)
            return
        with constraints(lock) as file, pytorch_index():
            index = f"{accelerators.PYTORCH_INDEX}/{build}"
            self.install(environment, lock.torch, "-c", str(file), "--index-url", index, "--retries", "1")

    def install_default_torch(self, environment: Path, lock: Lock) -> None:
        """Install PyTorch's build of the default index, or of the folder of wheels."""
        with constraints(lock) as file:
            self.install(environment, lock.torch, "-c", str(file))

    def install(self, environment: Path, *arguments: str) -> None:
        """Run ``pip install`` with ``arguments`` in ``environment``."""
        python = python_of(environment)
        options = ["--no-input", "--disable-pip-version-check", "--no-compile", "--only-binary", ":all:"]
        options += ["--timeout", str(self._sources.timeout), "--cache-dir", str(self._sources.target / CACHE / "pip")]
        options += ["--progress-bar", "raw" if _pip_version(python) >= (24, 1) else "off"]
        if self._sources.wheels:
            options += ["--no-index", "--find-links", str(self._sources.wheels)]
        # A folder of wheels is all there is: not what the user's own settings add to it.
        variables = {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""} if self._sources.wheels else {}
        command = [str(python), "-m", "pip", "install", *options, *arguments]
        children.run(command, "pip could not install the packages", self._log, variables)


class Uv:
    """An environment made and filled by uv."""

    name = "uv"

    def __init__(self, program: str, sources: Sources, log: Callable[[str], None]) -> None:
        self._program = program
        self._sources = sources
        self._log = log

    def make_environment(self, python: Path | None, environment: Path) -> None:
        """Make an empty environment with ``python``, or with a Python that uv downloads."""
        wanted = str(python) if python else "{}.{}".format(*NEWEST_PYTHON)
        kind = ["--no-managed-python"] if python else ["--managed-python"]
        self._run("The environment could not be made", "venv", "--python", wanted, *kind, str(environment))

    def install_packages(self, environment: Path, lock: Lock) -> None:
        """Install the packages of ``lock``, each checked against its hashes."""
        self._install(environment, "--no-deps", "--require-hashes", "-r", str(lock.file))

    def install_torch(self, environment: Path, lock: Lock, device: str) -> None:
        """Install PyTorch's build for ``device``.

        Raises:
            PytorchIndexError: PyTorch's own index cannot be reached.
        """
        backend = accelerators.torch_backend(device)
        if self._sources.wheels or backend is None:
            with constraints(lock) as file:
                self._install(environment, lock.torch, "-c", str(file))
            return
        with constraints(lock) as file, pytorch_index():
            self._install(environment, lock.torch, "-c", str(file), "--torch-backend", backend)

    def install_default_torch(self, environment: Path, lock: Lock) -> None:
        """Install PyTorch with pip, which follows the user's own indexes and folders of wheels, as uv does not."""
        try:
            seed_pip(environment, self._log)
        except InstallError as error:
            if error.code == "disk_full":
                raise
            self._install(environment, "pip")
        Pip(self._sources, self._log).install_default_torch(environment, lock)

    def _install(self, environment: Path, *arguments: str) -> None:
        options = ["--python", str(python_of(environment)), "--only-binary", ":all:"]
        if self._sources.wheels:
            options += ["--no-index", "--offline", "--find-links", str(self._sources.wheels)]
        self._run("uv could not install the packages", "pip", "install", *options, *arguments)

    def _run(self, failure: str, *arguments: str) -> None:
        target = self._sources.target
        variables = {
            "UV_CACHE_DIR": str(target / CACHE / "uv"),
            "UV_PYTHON_INSTALL_DIR": str(target / "python"),
            "UV_HTTP_TIMEOUT": str(self._sources.timeout),
            "NO_COLOR": "1",
        }
        children.run([self._program, *arguments], failure, self._log, variables)


def seed_pip(environment: Path, log: Callable[[str], None]) -> None:
    """Put the pip that comes with Python into an environment that has none.

    Raises:
        InstallError: this Python comes without it.
    """
    ensurepip = [str(python_of(environment)), "-m", "ensurepip", "--default-pip"]
    children.run(ensurepip, "Python's own pip could not be installed", log)


class PytorchIndexError(Exception):
    """PyTorch's own index cannot be reached; the text is the tool's."""


def find_uv() -> str | None:
    """A new enough uv on the PATH, or ``None``."""
    program = shutil.which("uv")
    if program is None:
        return None
    result = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    match = re.match(r"uv (\d+)\.(\d+)", result.stdout)
    return program if match and (int(match[1]), int(match[2])) >= _OLDEST_UV else None


def fetch_uv(python: Path, sources: Sources, log: Callable[[str], None]) -> str:
    """Install uv into a small environment in the target and return its program.

    Raises:
        InstallError: pip could not get it.
    """
    folder = sources.target / BOOTSTRAP
    program = python_of(folder).with_name("uv.exe" if sys.platform == "win32" else "uv")
    if program.is_file() and subprocess.run([program, "--version"], capture_output=True, check=False).returncode == 0:
        return str(program)
    shutil.rmtree(folder, ignore_errors=True)
    pip = Pip(sources, log)
    pip.make_environment(python, folder)
    pip.install(folder, UV)
    return str(program)


@contextmanager
def constraints(lock: Lock) -> Iterator[Path]:
    """A file with the versions of ``lock`` without hashes, for installing what has none."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "constraints.txt"
        file.write_text("\n".join(lock.pins()), encoding="utf-8")
        yield file


@contextmanager
def pytorch_index() -> Iterator[None]:
    """Within it a failure of the network is a ``PytorchIndexError``."""
    try:
        yield
    except InstallError as error:
        if error.code == "network":
            raise PytorchIndexError(error.message) from error
        raise


def _pip_version(python: Path) -> tuple[int, int]:
    result = subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True, text=True, check=False)
    match = re.match(r"pip (\d+)\.(\d+)", result.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)
