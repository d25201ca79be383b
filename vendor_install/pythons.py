# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python the environment is made with: the one named, this one, another one here, else one that uv brings."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import system_packages
from .children import scrubbed_environment
from .interpreter import find_python
from .lock import PYTHONS, Lock, newest_python
from .messages import InstallError
from .platforms import this_platform

_OLDEST_GLIBC = (2, 28)
"""The C library that the wheels for Linux are built for."""
_QUESTION = """
import json, os, platform, sys, sysconfig
try:
    import ensurepip, venv
    whole = True
except ImportError:
    whole = False
print(json.dumps({"version": sys.version_info[:2], "whole": whole, "wide": sys.maxsize > 2**32,
    "kind": sys.implementation.name, "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "libc": platform.libc_ver(), "program": os.path.realpath(sys.executable)}))
"""


@dataclass(frozen=True)
class Choice:
    """What the search for a Python came to."""

    python: Path | None
    """The one to use, or ``None``: none that is here will do."""
    tried: tuple[str, ...]
    """Those that will not do, each with the reason."""


def choose(
    locks: Sequence[Lock],
    named: str | None = None,
    needs_pip: bool = True,
    version: tuple[int, int] | None = None,
    more: Callable[[], Sequence[Path]] = tuple,
) -> Choice:
    """Find a Python for which every package of ``locks`` has a build.

    Args:
        locks: what is to be installed.
        named: the one that the user named; no other is tried then.
        needs_pip: whether it must have ensurepip and venv itself; uv makes environments also without them.
        version: the only version that will do, or ``None`` for any that the locks are for.
        more: gives further Pythons; asked only when nothing else will do.

    Raises:
        InstallError: ``no_python``: the named one will not do, and why.
    """
    if named:
        program = shutil.which(named)
        problem = _problem(_ask(program), locks, needs_pip, version) if program else "it is no program"
        if program is None or problem:
            raise InstallError("no_python", f"{named} cannot be used: {problem}", "Name another with --python")
        return Choice(Path(program), ())
    tried: dict[str, str] = {}
    for program in _candidates(more):
        answer = _ask(program)
        problem = _problem(answer, locks, needs_pip, version)
        if not problem:
            return Choice(Path(program), tuple(tried.values()))
        # The same program may stand on the PATH under several names.
        tried.setdefault(str(answer.get("program", program)), f"{program}: {problem}")
    return Choice(None, tuple(tried.values()))


def none_found(locks: Sequence[Lock], tried: Sequence[str], version: tuple[int, int] | None = None) -> InstallError:
    """The error that says what was tried and the one thing to do."""
    wanted = version or newest_python(locks)
    if wanted is None:
        missing = sorted({name for lock in locks for each in PYTHONS for name in lock.on(each).missing})
        message = f"Nothing can be installed on {this_platform()}: there is no {' and no '.join(missing)} for it"
        return InstallError("no_python", message, "The README names the systems that StyleTex works on")
    message = f"No Python was found that StyleTex can be installed with. Tried: {'; '.join(tried) or 'nothing'}"
    return InstallError("no_python", message, f"{_way_to_get(locks, wanted)}, or name one with --python")


def version_of(python: Path) -> tuple[int, int] | None:
    """The version of a Python, or ``None`` when it does not start."""
    command = [str(python), "-I", "-c", "import sys; print('%d %d' % sys.version_info[:2])"]
    try:
        result = subprocess.run(command, env=scrubbed_environment(), capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    major, minor = result.stdout.split()
    return int(major), int(minor)


def debian_packages(locks: Sequence[Lock]) -> tuple[tuple[int, int], list[str]] | None:
    """The newest Python that will do for ``locks`` among the packages that this Debian offers, and their names."""
    if not system_packages.is_debian():
        return None
    for version in reversed(PYTHONS):
        packages = [f"python{text(version)}", f"python{text(version)}-venv"]
        if not any(lock.on(version).missing for lock in locks) and all(map(system_packages.is_offered, packages)):
            return version, packages
    return None


def text(version: tuple[int, int]) -> str:
    """A version as people write it: "3.13"."""
    return f"{version[0]}.{version[1]}"


def _way_to_get(locks: Sequence[Lock], wanted: tuple[int, int]) -> str:
    """How to install a Python of the version ``wanted``, or another one that will do, on this system."""
    if offered := debian_packages(locks):
        version, packages = offered
        return f"Install Python {text(version)} (sudo apt-get install -y {' '.join(packages)})"
    ways = {"darwin": f"brew install python@{text(wanted)}", "win32": f"winget install Python.Python.{text(wanted)}"}
    return f"Install Python {text(wanted)} ({ways.get(sys.platform, 'from python.org')})"


def _candidates(more: Callable[[], Sequence[Path]]) -> Iterator[str]:
    if sys.executable:
        yield sys.executable
    for version in reversed(PYTHONS):
        if path := find_python(version):
            yield path
    if sys.platform == "win32" and (launcher := shutil.which("py")):
        for version in reversed(PYTHONS):
            yield from _from_launcher(launcher, version)
    yield from map(str, more())


def _from_launcher(launcher: str, version: tuple[int, int]) -> list[str]:
    """The Python of ``version`` that Windows' ``py`` knows, if there is one; it is not always on the PATH."""
    command = [launcher, f"-{text(version)}", "-c", "import sys; print(sys.executable)"]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", env=scrubbed_environment(), check=False)
    return result.stdout.split("\n")[:1] if result.returncode == 0 else []


def _ask(program: str) -> dict[str, Any]:
    """What a Python says of itself; ``{"problem": …}`` when it says nothing."""
    try:
        result = subprocess.run(
            [program, "-I", "-c", _QUESTION],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=scrubbed_environment(),
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"problem": f"it does not start ({error})"}
    try:
        answer = json.loads(result.stdout)
        return {**answer, "version": (int(answer["version"][0]), int(answer["version"][1]))}
    except (ValueError, KeyError, IndexError, TypeError):
        return {"problem": "it is no Python that starts"}


def _problem(answer: dict[str, Any], locks: Sequence[Lock], needs_pip: bool, version: tuple[int, int] | None) -> str:
    """Why the Python that gave ``answer`` will not do; empty when it will."""
    if "problem" in answer:
        return answer["problem"]
    found = answer["version"]
    if answer["kind"] != "cpython" or answer["free_threaded"]:
        return f"it is {'free-threaded' if answer['free_threaded'] else answer['kind']}, and the packages are not"
    if not answer["wide"]:
        return "it is a 32-bit Python"
    if version and found != version:
        return f"it is Python {text(found)}; the wheels are for {text(version)}"
    if found not in PYTHONS:
        return f"it is Python {text(found)}; {text(PYTHONS[0])} to {text(PYTHONS[-1])} are possible"
    if missing := [name for lock in locks for name in lock.on(found).missing]:
        return f"it is Python {text(found)}, for which there is no {' and no '.join(missing)}"
    if sys.platform.startswith("linux") and not _has_glibc(answer["libc"]):
        return f"its C library is {' '.join(answer['libc']).strip() or 'unknown'}, not glibc {text(_OLDEST_GLIBC)}"
    return "it has no ensurepip and venv" if needs_pip and not answer["whole"] else ""


def _has_glibc(libc: Sequence[str]) -> bool:
    name, version = libc
    return name == "glibc" and tuple(map(int, version.split(".")[:2])) >= _OLDEST_GLIBC
