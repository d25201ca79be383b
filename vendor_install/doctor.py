# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``doctor`` command: one line for each thing that must be right, and how to mend what is not."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import distributions
from .checkout import ENVIRONMENT, ROOT
from .children import scrubbed_environment
from .fill import site_packages
from .installed import POINTER, current_environment, environments, fingerprint, python_of, record_of
from .lock import Lock
from .target import size

MODEL = ROOT / "core" / "bundled"
"""The model that comes with the extension."""
_FREE_MEGABYTES = 1000
"""What a run needs for jobs and checkpoints."""
_REPAIR = "Repair: python3 -m vendor_install install --rebuild"
_OWN = "Install what is missing into that Python, or choose another"
_DRIVER = "Install the driver of the graphics card, or: python3 -m vendor_install install --device cpu"
_EXTENSION = "Install the extension again"
_MEND = {"device": _DRIVER, "tensor": _DRIVER, "model": _EXTENSION, "sd15": _EXTENSION, "sdxl": _EXTENSION}
"""By check, what to do about it where that is not to install the environment anew."""


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    name: str
    """The check."""
    ok: bool
    """Whether all is well."""
    text: str
    """What is there, or what is wrong."""
    mend: str = ""
    """What to do about it."""

    def line(self) -> str:
        """For people."""
        return f"{'ok   ' if self.ok else 'WRONG'} {self.name}: {self.text}{f'. {self.mend}' if self.mend else ''}"


def examine(target: Path, lock: Lock, model: Path = MODEL) -> Iterator[Finding]:
    """Check everything in and around the environment of ``target``, the cheap things first."""
    yield _space(target)
    environment = current_environment(target)
    if environment is None:
        mend = "Install: python3 -m vendor_install install"
        if target == ENVIRONMENT:
            mend = "Run the README's first command"
        yield Finding("environment", False, f"there is none in {target}", mend)
        return
    if not environment.is_dir():
        text = f"{target / POINTER} names {environment.name}, which is not there"
        yield Finding("environment", False, text, _REPAIR)
        return
    record = record_of(environment)
    in_place = environment == target
    repair = f"Repair: remove {target}, then run: python3 -m vendor_install demo" if in_place else _REPAIR
    if not record:
        yield Finding("environment", False, f"{environment} was never finished", repair)
    elif record.get("lock") != fingerprint(lock.file):
        yield Finding("environment", False, "it was made for another version of the extension", repair)
    else:
        yield Finding("environment", True, f"{environment}, {size(environment) / 1e6:,.0f} MB")
    if left := [path.name for path in environments(target) if path != environment]:
        mend = "The next installation removes it"
        yield Finding("leftovers", True, f"{', '.join(left)} from an interrupted installation", mend)
    python = python_of(environment)
    try:
        packages = site_packages(environment)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        text = f"{python} does not start ({getattr(error, 'strerror', None) or error}); was its base Python removed?"
        yield Finding("python", False, text, repair)
        return
    yield Finding("python", True, f"{python} {record.get('python', '')}".strip())
    damaged = [path.name.split("-")[0] for path in distributions.incomplete(packages)]
    if damaged:
        yield Finding("files", False, f"files are missing or cut short in {', '.join(damaged)}", repair)
    else:
        yield Finding("files", True, "all files of all packages are there")
    yield from _inside(python, lock, str(record.get("device", "auto")), model, repair)


def examine_python(python: Path, lock: Lock, model: Path = MODEL) -> Iterator[Finding]:
    """Try a Python that somebody else looks after: whatever versions it has, it has to do what the worker needs."""
    yield _space(python.parent)
    yield Finding("python", True, str(python))
    yield from _inside(python, lock, "auto", model, _OWN, pinned=False)


def _space(target: Path) -> Finding:
    place = next(path for path in (target, *target.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free // 1_000_000
    if free < _FREE_MEGABYTES:
        text = f"{free:,} MB are free at {place}; a run needs {_FREE_MEGABYTES:,} MB"
        return Finding("disk space", False, text, "Free space")
    return Finding("disk space", True, f"{free:,} MB are free at {place}")


def _inside(python: Path, lock: Lock, device: str, model: Path, repair: str, pinned: bool = True) -> Iterator[Finding]:
    pins = [*lock.pins(), lock.torch] if pinned else []
    question = {"pins": pins, "imports": lock.imports, "device": device, "model": str(model)}
    try:
        result = _ask(python, question)
    except OSError as error:
        yield Finding("examination", False, f"{python} does not start ({error.strerror or error})", repair)
        return
    for line in result.stdout.splitlines():
        answer = json.loads(line)
        if pinned or answer["name"] != "versions":
            mend = "" if answer["ok"] else _MEND.get(answer["name"], repair)
            yield Finding(answer["name"], answer["ok"], answer["text"], mend)
    if result.returncode != 0:
        last = result.stderr.strip().splitlines()[-1:] or [f"status {result.returncode}"]
        yield Finding("examination", False, f"it ended early: {last[0]}", repair)


def _ask(python: Path, question: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), "-u", "-m", "vendor_install.examine"],
        input=json.dumps(question),
        cwd=ROOT,
        env={**scrubbed_environment(), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
