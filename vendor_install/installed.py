# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an installed environment lies, and whether it is the one that this version of the extension needs.

Read by the add-on inside Blender too, so it loads nothing but the standard library.

A target folder holds one folder for each environment built in it and ``current.txt`` with the name of the one in use.
Virtual environments contain their own path and cannot be renamed; so each is built where it stays, and replacing that
small file, which is atomic everywhere, puts it into use.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LOCK_FILE = Path(__file__).with_name("requirements.lock")
"""The locked packages of this version of the extension."""
POINTER = "current.txt"
"""In the target folder: the name of the environment in use."""
RECORD = "styletex-environment.json"
"""In an environment, written last: what it was built from."""
_NAME = re.compile(r"env-[0-9a-f]+-\d+")


def default_target() -> Path:
    """The user's own folder for the worker's environment; the add-on looks there too."""
    home = Path.home()
    if sys.platform == "win32":
        data = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        data = home / "Library" / "Application Support"
    else:
        data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return data / "styletex" / "environment"


def python_of(environment: Path) -> Path:
    """The Python program of the environment in the folder ``environment``."""
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def current_environment(target: Path) -> Path | None:
    """The folder of the environment in use, or ``None``; a ``target`` that is itself an environment is its own."""
    try:
        name = (target / POINTER).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return target if python_of(target).is_file() else None
    return target / name if _NAME.fullmatch(name) else None


def environments(target: Path) -> list[Path]:
    """All environments in ``target``, finished or not, in the order of their names."""
    return sorted(path for path in target.glob("env-*") if _NAME.fullmatch(path.name))


def record_of(environment: Path) -> dict[str, Any]:
    """What ``environment`` was built from: ``lock``, ``device``, ``torch``, ``python``, and then ``size_bytes``;
    empty when it is unfinished.
    """
    try:
        record = json.loads((environment / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def write_record(environment: Path, record: Mapping[str, Any]) -> None:
    """Write what ``record_of`` reads, in one step that is done or not done."""
    new = environment / f"{RECORD}.new"
    with new.open("w", encoding="utf-8") as stream:
        json.dump(record, stream)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(environment / RECORD)


def fingerprint(lock: Path = LOCK_FILE) -> str:
    """A text that changes with the locked packages, and not with the system's way to end a line."""
    return hashlib.sha256(lock.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def is_current(target: Path, lock: Path = LOCK_FILE) -> bool:
    """Whether ``target`` holds a finished environment with exactly the packages of ``lock``. Starts no process."""
    environment = current_environment(target)
    if environment is None or not python_of(environment).is_file():
        return False
    return record_of(environment).get("lock") == fingerprint(lock)
