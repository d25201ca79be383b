# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``test`` command: lint, format, types, then the tests."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from .environment import ROOT, scrubbed_environment
from .messages import say

_SIDE_BY_SIDE = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadfile")
"""A process for each core, up to the memory of four Blenders; a file's tests share one, and with it their fixtures."""


def run(python: Path, pytest_arguments: Sequence[str]) -> int:
    """Run every check, also after one failed, and return 0 only when all passed.

    Args:
        python: the environment's Python.
        pytest_arguments: passed on to pytest as they are.
    """
    static = {
        "ruff check": ["ruff", "check", "."],
        "ruff format": ["ruff", "format", "--check", "."],
        "basedpyright": ["basedpyright"],
    }
    failed = [title for title, command in static.items() if _fails(python, title, command)]
    say("pytest")
    # Last, so that pytest's closing line is the last one when all is well.
    status = _status([str(python), "-m", "pytest", *_SIDE_BY_SIDE, *pytest_arguments])
    if failed:
        say(f"Failed before pytest: {', '.join(failed)} (see above)")
    return status or int(bool(failed))


def _fails(python: Path, title: str, command: list[str]) -> bool:
    say(title)
    program, *arguments = command
    failed = _status([str(python.with_name(program)), *arguments]) != 0
    say(f"{title}: {'FAILED' if failed else 'passed'}")
    return failed


def _status(command: list[str]) -> int:
    return subprocess.run(command, cwd=ROOT, env=scrubbed_environment(), check=False).returncode
