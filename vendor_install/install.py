# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``install`` command: a sound environment in the target, or what was there before and a reason."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import accelerators, bundle, distributions, lock as locks, target as targets, tools
from .children import run, undisturbed
from .environment import scrubbed_environment
from .events import Reporter
from .installed import RECORD, current_environment, python_of, record_of
from .messages import InstallError
from .pythons import choose


@dataclass(frozen=True)
class Request:
    """What to install, and where."""

    target: Path
    """Folder of the environments."""
    lock: locks.Lock
    """The packages."""
    device: str = "auto"
    """One of ``accelerators.DEVICES``."""
    wheels: Path | None = None
    """A folder made by ``bundle``, used instead of the network."""
    python: str | None = None
    """The Python to make the environment with; ``None`` finds one."""
    timeout: int = 30
    """Seconds without an answer after which a download is given up and tried again."""
    rebuild: bool = False
    """Make the environment anew also when the one in use seems sound."""


def install(request: Request, report: Reporter) -> Path:
    """Make the target hold a sound environment of the wanted packages; does nothing when it does already.

    The environment in use is touched last, in one step, when the new one has passed its check.

    Returns:
        The environment's folder.

    Raises:
        InstallError: it could not be done; the environment that was in use still is.
    """
    start = time.monotonic()
    target = request.target
    used = current_environment(target)
    targets.check(target, 0)
    with targets.alone(target):
        if used and not request.rebuild and is_sound(used, request):
            targets.tidy(target)
            report.done(f"The environment {used} is ready", **_summary(used, start))
            return used
        targets.tidy(target)
        targets.check(target, request.lock.megabytes[accelerators.likely_device(request.device)])
        environment = targets.new_environment(target, request.lock.fingerprint)
        try:
            try:
                record = _build(request, environment, report)
            except _DamagedError as error:
                report.note(f"{error} The downloads are thrown away and fetched again")
                shutil.rmtree(environment)
                shutil.rmtree(target / targets.CACHE, ignore_errors=True)
                record = _build(request, environment, report)
            _write(environment / RECORD, record)
            targets.point_to(target, environment)
        except _DamagedError as error:
            raise InstallError("damaged", str(error), "Check the disk") from error
        finally:
            # Of the two, the one that is not in use now: the old one, or this one when something went wrong.
            with undisturbed():
                targets.tidy(target)
        shutil.rmtree(target / targets.CACHE / "pip", ignore_errors=True)
    report.done(f"The environment {environment} is ready", **_summary(environment, start))
    return environment


def is_sound(environment: Path, request: Request) -> bool:
    """Whether ``environment`` is what is wanted, with all its files, and its packages load."""
    record = record_of(environment)
    if record.get("lock") != request.lock.fingerprint or record.get("device") != request.device:
        return False
    try:
        packages = site_packages(environment)
        return bool(packages.is_dir() and not distributions.incomplete(packages) and _probe(environment, request.lock))
    except (InstallError, OSError, ValueError, subprocess.CalledProcessError):
        return False


def site_packages(environment: Path) -> Path:
    """The folder of the packages of ``environment``."""
    question = "import sysconfig; print(sysconfig.get_path('purelib'))"
    command = [str(python_of(environment)), "-X", "utf8", "-I", "-c", question]
    answer = subprocess.run(command, capture_output=True, encoding="utf-8", env=scrubbed_environment(), check=True)
    return Path(answer.stdout.strip())


class _DamagedError(Exception):
    """Files are missing in an environment that was just filled: the downloads it was filled from are damaged."""


def _build(request: Request, environment: Path, report: Reporter) -> dict[str, Any]:
    sources = tools.Sources(request.target, request.wheels, request.timeout)
    report.stage("python")
    uv = tools.find_uv()
    python = choose(request.python, uv, bundle.python_version(request.wheels, request.lock))
    report.note(f"Python: {python or 'one that uv downloads'}")
    report.stage("tool")
    tool = _tool(uv, python, sources, report)
    report.note(f"The packages are installed with {tool.name}")
    report.stage("environment")
    tool.make_environment(python, environment)
    report.stage("packages")
    tool.install_packages(environment, request.lock)
    report.stage("torch")
    try:
        tool.install_torch(environment, request.lock, request.device)
    except tools.PytorchIndexError as error:
        report.note(f"PyTorch's own index cannot be reached, so PyTorch comes from pip's default index ({error})")
        tool.install_default_torch(environment, request.lock)
    report.stage("check")
    if damaged := distributions.incomplete(site_packages(environment)):
        raise _DamagedError(f"Installed in part only: {', '.join(path.name.split('-')[0] for path in damaged)}.")
    versions = _probe(environment, request.lock)
    values = {"lock": request.lock.fingerprint, "device": request.device, **versions}
    return {**values, "size_bytes": targets.size(environment)}


def _tool(uv: str | None, python: Path | None, sources: tools.Sources, report: Reporter) -> tools.Uv | tools.Pip:
    if uv:
        return tools.Uv(uv, sources, report.log)
    if sources.wheels or python is None:
        return tools.Pip(sources, report.log)
    try:
        return tools.Uv(tools.fetch_uv(python, sources, report.log), sources, report.log)
    except InstallError as error:
        if error.code == "disk_full":
            raise
        report.note(f"uv cannot be had, so pip does its work ({error.message})")
        return tools.Pip(sources, report.log)


def _probe(environment: Path, lock: locks.Lock) -> dict[str, str]:
    """Load every module of ``lock`` and return the versions of Python and PyTorch."""
    code = f"import json, platform, {', '.join(lock.imports)}\n"
    code += "print(json.dumps({'python': platform.python_version(), 'torch': str(torch.__version__)}))"
    lines: list[str] = []
    run([str(python_of(environment)), "-I", "-c", code], "The installed packages do not load", lines.append)
    return json.loads(lines[-1])


def _write(file: Path, record: dict[str, Any]) -> None:
    with file.open("w", encoding="utf-8") as stream:
        json.dump(record, stream)
        stream.flush()
        os.fsync(stream.fileno())


def _summary(environment: Path, start: float) -> dict[str, Any]:
    record = record_of(environment)
    return {
        "environment": str(environment),
        "python": record.get("python"),
        "torch": record.get("torch"),
        "device": record.get("device"),
        "seconds": round(time.monotonic() - start, 1),
        "size_bytes": record.get("size_bytes"),
    }
