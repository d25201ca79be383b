# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python the environment is made with: the one named, this one, one of the PATH, or one that uv brings."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from .environment import scrubbed_environment
from .interpreter import find_python
from .lock import NEWEST_PYTHON, OLDEST_PYTHON
from .messages import InstallError

_QUESTION = """
import sys
try:
    import ensurepip, venv
    whole = 1
except ImportError:
    whole = 0
print("%d %d %d" % (sys.version_info[0], sys.version_info[1], whole), sys.maxsize > 2**32)
"""


def choose(named: str | None, uv: str | None, version: tuple[int, int] | None = None) -> Path | None:
    """A Python that can make the environment, or ``None`` when none is there.

    Args:
        named: the one that the user named; no other is tried then.
        uv: the program uv, which makes environments also with a Python that lacks ensurepip.
        version: the only version that will do, or ``None`` for any that the lock is for.

    Raises:
        InstallError: ``no_python``: the named one will not do, and why; or none was found, and what was tried.
    """
    if named:
        program = shutil.which(named)
        problem = _problem(program, uv, version) if program else "it is no program"
        if program is None or problem:
            raise InstallError("no_python", f"{named} cannot be used: {problem}", "Name another with --python")
        return Path(program)
    tried: list[str] = []
    for program in _candidates():
        problem = _problem(program, uv, version)
        if not problem:
            return Path(program)
        tried.append(f"{program} ({problem})")
    if uv:
        return None
    wanted = _text(version) if version else f"{_text(OLDEST_PYTHON)} to {_text(NEWEST_PYTHON)}"
    hint = "Name one with --python, or install one (on Debian and Ubuntu: apt-get install python3-venv), or install uv"
    raise InstallError(
        "no_python", f"No Python {wanted} was found that can make an environment. Tried: {'; '.join(tried)}", hint
    )


def _candidates() -> list[str]:
    versions = [(3, minor) for minor in range(OLDEST_PYTHON[1], NEWEST_PYTHON[1] + 1)]
    found = [find_python(version) for version in versions]
    return list(dict.fromkeys(path for path in (sys.executable, *found) if path))


def _problem(program: str, uv: str | None, version: tuple[int, int] | None) -> str:
    """Why ``program`` will not do; empty when it will."""
    try:
        result = subprocess.run(
            [program, "-I", "-c", _QUESTION],
            capture_output=True,
            text=True,
            env=scrubbed_environment(),
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"it does not start: {error}"
    words = result.stdout.split()
    if result.returncode != 0 or len(words) != 4:
        return "it is no Python that starts"
    found = (int(words[0]), int(words[1]))
    if not OLDEST_PYTHON <= found <= NEWEST_PYTHON:
        return f"it is Python {_text(found)}; {_text(OLDEST_PYTHON)} to {_text(NEWEST_PYTHON)} are possible"
    if version and found != version:
        return f"it is Python {_text(found)}; the wheels are for {_text(version)}"
    if words[3] != "True":
        return "it is a 32-bit Python"
    return "" if words[2] == "1" or uv else "it has no ensurepip and venv"


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
