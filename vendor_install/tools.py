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
from .downloads import announced
from .events import Reporter
from .installed import python_of
from .lock import Lock, lock_file, locked
from .messages import InstallError
from .requirements import TESTS

UV = "uv==0.13.9"
"""What is installed where the system has no uv."""
_OLDEST_UV = (0, 7)
"""The oldest uv that is used: older ones know too few of PyTorch's builds."""


@dataclass(frozen=True)
class Sources:
    """Where packages come from, and where what is fetched is kept."""

    bootstrap: Path
    """Folder of the small environment that uv runs from where the system has none."""
    cache: Path | None = None
    """Folder for downloads, so that an interrupted installation continues; ``None`` for the tools' own."""
    pythons: Path | None = None
    """Folder for a Python that uv downloads; ``None`` for uv's own."""
    wheels: Path | None = None
    """A folder to use instead of the network."""
    timeout: int = 30
    """Seconds without an answer after which a download is given up and tried again."""


class Pip:
    """An environment made by ``venv`` and filled by the pip in it."""

    name = "pip"
    needs_pip = True

    def __init__(self, sources: Sources, log: Callable[[str], None]) -> None:
        self._sources = sources
        self._log = log

    def make_environment(self, python: Path, environment: Path) -> None:
        """Make an empty environment with ``python``, which has ensurepip and venv."""
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

    def default_torch_is_large(self, environment: Path, lock: Lock) -> bool:
        """Whether the build that ``install_default_torch`` would download is the one with CUDA, or as large.

        pip has no way to ask (a dry run downloads everything), so it is ended as soon as it says what it takes.
        """

        class Large(Exception):
            """Found out."""

        def listen(line: str) -> None:
            told = announced(line)
            if told and told[0].endswith(".whl") and told[1] > 2e6 * accelerators.DOWNLOAD_MEGABYTES["cpu"]:
                raise Large

        try:
            self.install(environment, lock.torch, "--dry-run", "--no-deps", "--verbose", log=listen)
        except Large:
            return True
        return False

    def install(self, environment: Path, *arguments: str, log: Callable[[str], None] | None = None) -> None:
        """Run ``pip install`` with ``arguments`` in ``environment``; ``log`` in place of the usual one."""
        python = python_of(environment)
        options = ["--no-input", "--disable-pip-version-check", "--no-compile", "--only-binary", ":all:"]
        options += ["--timeout", str(self._sources.timeout)]
        if self._sources.cache:
            options += ["--cache-dir", str(self._sources.cache / "pip")]
        options += ["--progress-bar", "raw" if _pip_version(python) >= (24, 1) else "off"]
        if self._sources.wheels:
            options += ["--no-index", "--find-links", str(self._sources.wheels)]
        # A folder of wheels is all there is: not what the user's own settings add to it.
        variables = {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""} if self._sources.wheels else {}
        command = [str(python), "-m", "pip", "install", *options, *arguments]
        children.run(command, "pip could not install the packages", log or self._log, variables)


class Uv:
    """An environment made and filled by uv."""

    name = "uv"
    needs_pip = False

    def __init__(self, program: str, sources: Sources, log: Callable[[str], None]) -> None:
        self.program = program
        self._sources = sources
        self._log = log

    @property
    def offline(self) -> bool:
        """Whether a folder stands for the network."""
        return self._sources.wheels is not None

    def fetch_python(self, version: tuple[int, int]) -> Path:
        """Download a Python of ``version``, unless uv has it already.

        Raises:
            InstallError: it could not be had.
        """
        text = f"{version[0]}.{version[1]}"
        failure = f"uv could not download Python {text}"
        self._run(failure, "python", "install", text)
        return Path(self._run(failure, "python", "find", "--managed-python", text)[-1].strip())

    def make_environment(self, python: Path, environment: Path) -> None:
        """Make an empty environment with ``python``."""
        command = ["venv", "--python", str(python), str(environment)]
        self._run("The environment could not be made", *command)

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

    def pip(self, environment: Path) -> Pip:
        """pip in ``environment``, which follows the user's own indexes and folders of wheels, as uv does not."""
        try:
            seed_pip(environment, self._log)
        except InstallError as error:
            if error.code == "disk_full":
                raise
            self._install(environment, "pip")
        return Pip(self._sources, self._log)

    def _install(self, environment: Path, *arguments: str) -> None:
        options = ["--python", str(python_of(environment)), "--only-binary", ":all:"]
        if self._sources.wheels:
            options += ["--no-index", "--offline", "--find-links", str(self._sources.wheels)]
        self._run("uv could not install the packages", "pip", "install", *options, *arguments)

    def _run(self, failure: str, *arguments: str) -> list[str]:
        variables = {"UV_HTTP_TIMEOUT": str(self._sources.timeout), "NO_COLOR": "1"}
        if self._sources.cache:
            variables["UV_CACHE_DIR"] = str(self._sources.cache / "uv")
        if self._sources.pythons:
            variables["UV_PYTHON_INSTALL_DIR"] = str(self._sources.pythons)
        return children.run([self.program, *arguments], failure, self._log, variables)


def seed_pip(environment: Path, log: Callable[[str], None]) -> None:
    """Put the pip that comes with Python into an environment that has none.

    Raises:
        InstallError: this Python comes without it.
    """
    ensurepip = [str(python_of(environment)), "-m", "ensurepip", "--default-pip"]
    children.run(ensurepip, "Python's own pip could not be installed", log)


class PytorchIndexError(Exception):
    """PyTorch's own index cannot be reached; the text is the tool's."""


def provide(sources: Sources, report: Reporter) -> Uv | Pip:
    """uv as the system has it, else one fetched with this Python's pip, else pip itself.

    Raises:
        InstallError: ``disk_full``, or ``wrong_hash`` for a uv that is not the one that was checked.
    """
    if program := find_uv():
        return Uv(program, sources, report.log)
    if sources.wheels:
        return Pip(sources, report.log)
    try:
        return Uv(fetch_uv(sources, report.log), sources, report.log)
    except InstallError as error:
        if error.code in ("disk_full", "wrong_hash"):
            raise
        report.note(f"uv cannot be had, so pip does its work ({error.message})")
        return Pip(sources, report.log)


def find_uv() -> str | None:
    """A new enough uv on the PATH, or ``None``."""
    program = shutil.which("uv")
    if program is None:
        return None
    environment = children.tool_environment()
    result = subprocess.run([program, "--version"], env=environment, capture_output=True, text=True, check=False)
    match = re.match(r"uv (\d+)\.(\d+)", result.stdout)
    return program if match and (int(match[1]), int(match[2])) >= _OLDEST_UV else None


def fetched_uv(sources: Sources) -> Path | None:
    """The uv that ``fetch_uv`` has fetched, if it still starts."""
    program = python_of(sources.bootstrap).with_name("uv.exe" if sys.platform == "win32" else "uv")
    try:
        environment = children.tool_environment()
        works = (
            subprocess.run([program, "--version"], env=environment, capture_output=True, check=False).returncode == 0
        )
    except OSError:
        return None
    return program if works else None


def fetch_uv(sources: Sources, log: Callable[[str], None]) -> str:
    """Install uv into a small environment, checked against its hashes, and return its program.

    Raises:
        InstallError: pip could not get it; ``wrong_hash`` when what it got is another one.
    """
    if program := fetched_uv(sources):
        return str(program)
    shutil.rmtree(sources.bootstrap, ignore_errors=True)
    pip = Pip(sources, log)
    pip.make_environment(Path(sys.executable), sources.bootstrap)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "uv.txt"
        file.write_text(locked(UV, lock_file(TESTS)), encoding="utf-8")
        pip.install(sources.bootstrap, "--no-deps", "--require-hashes", "-r", str(file))
    return str(fetched_uv(sources))


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
    command = [str(python), "-m", "pip", "--version"]
    result = subprocess.run(command, env=children.tool_environment(), capture_output=True, text=True, check=False)
    match = re.match(r"pip (\d+)\.(\d+)", result.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)
