# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python the installer runs in, and how it is called. No ``bpy`` here.

The installer is plain Python that needs nothing but the standard library, so Blender's own Python runs it; which Python
the environment is then made *with*, the installer decides.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ...core.job import JobError
from ..worker.process import scrubbed_environment

_OPTIONS = ("-E", "-s", "-X", "utf8", "-u")
"""As isolated as ``-I``, but for the folder that it starts in, where ``vendor_install`` lies."""
_SECONDS_TO_START = 10.0


def installer_command(arguments: Sequence[str]) -> list[str]:
    """The command that runs ``vendor_install`` with ``arguments``, in the folder that holds it.

    Raises:
        JobError: ``dependencies``: no Python of Blender's starts; the message says which were tried.
    """
    return [_find_python(), *_OPTIONS, "-m", "vendor_install", *arguments]


def _find_python() -> str:
    tried: list[str] = []
    for program in _candidates():
        problem = _problem(program)
        if not problem:
            return program
        tried.append(f"{program} ({problem})")
    message = f"Blender's own Python does not start, so it cannot run the installer. Tried: {'; '.join(tried)}"
    raise JobError("dependencies", message, "Run in a shell: python3 -m vendor_install install")


def _candidates() -> list[str]:
    # Where Blender uses the system's Python, sys.executable is what the PATH says, which may be another program.
    base = Path(sys.base_prefix)
    name = "python.exe" if sys.platform == "win32" else f"bin/python{sys.version_info[0]}.{sys.version_info[1]}"
    return list(dict.fromkeys(program for program in (sys.executable, str(base / name)) if program))


def _problem(program: str) -> str:
    """Why ``program`` will not do; empty when it will."""
    question = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        result = subprocess.run(
            [program, "-I", "-c", question],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=scrubbed_environment(os.environ),
            timeout=_SECONDS_TO_START,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    found, wanted = result.stdout.strip(), f"{sys.version_info[0]}.{sys.version_info[1]}"
    return "" if found == wanted else f"it answers {found or result.stderr.strip()[-200:]!r}, not {wanted}"
