# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``install`` command: a sound environment in the target, or what was there before and a reason."""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import accelerators, bundle, consent, distributions, fill, lock as lock_files, target as targets, tools
from .children import undisturbed
from .events import Reporter
from .installed import current_environment, record_of, write_record
from .messages import InstallError


@dataclass(frozen=True)
class Request:
    """What to install, and where."""

    target: Path
    """Folder of the environments."""
    lock: lock_files.Lock
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
    agree: consent.Agree = consent.refuse
    """Asked before a download that is much larger than this computer needs."""


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
            except fill.DamagedError as error:
                report.note(f"{error} The downloads are thrown away and fetched again")
                shutil.rmtree(environment)
                shutil.rmtree(target / targets.CACHE, ignore_errors=True)
                record = _build(request, environment, report)
            write_record(environment, record)
            targets.point_to(target, environment)
        except fill.DamagedError as error:
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
        packages = fill.site_packages(environment)
        if not packages.is_dir() or distributions.incomplete(packages):
            return False
        return bool(fill.probe(environment, [request.lock]))
    except (InstallError, OSError, ValueError, subprocess.CalledProcessError):
        return False


def _build(request: Request, environment: Path, report: Reporter) -> dict[str, Any]:
    sources = _sources(request)
    report.stage("tool")
    version = bundle.python_version(request.wheels, request.lock)
    if request.wheels:
        bundle.check(request.wheels)
    tool = tools.provide(sources, report)
    report.note(f"The packages are installed with {tool.name}")
    report.stage("python")
    locks = [request.lock]
    python = fill.find_python(tool, locks, report, request.python, version, offline=request.wheels is not None)
    if request.wheels is None:
        fill.tell_sizes(python, locks, request.device, report)
    report.stage("environment")
    tool.make_environment(python, environment)
    versions = fill.fill(environment, locks, request.device, tool, request.agree, report)
    values = {"lock": request.lock.fingerprint, "device": request.device, **versions}
    return {**values, "size_bytes": targets.size(environment)}


def _sources(request: Request) -> tools.Sources:
    target = request.target
    return tools.Sources(
        target / targets.BOOTSTRAP, target / targets.CACHE, target / targets.PYTHONS, request.wheels, request.timeout
    )


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
