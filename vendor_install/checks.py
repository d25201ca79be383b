# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``test`` command: lint, format, types, then the tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from . import environment, real_blender
from .checkout import ROOT
from .children import scrubbed_environment
from .messages import InstallError, say

_SIDE_BY_SIDE = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadfile")
"""A process for each core, up to the memory of four Blenders; a file's tests share one, and with it their fixtures."""


def run(named: str | None, pytest_arguments: Sequence[str]) -> int:
    """Set up what is missing, run every check, also after one failed, and return 0 only when all passed.

    Args:
        named: the Python that the user named for ``.venv/``.
        pytest_arguments: passed on to pytest as they are.

    Raises:
        SetupError: the environment could not be made.
    """
    there = real_blender.find()
    if there:
        say(f"Tests of the real program use {there.blender}")
        os.environ["BLENDER"] = str(there.blender.program)
    more = there.pythons if there else tuple
    try:
        python = environment.provide(blender_module=True, tests=True, named=named, more=more)
    except InstallError as error:
        if error.code != "no_python":
            raise
        say(f"Tests that load Blender as a Python module are skipped. {error}")
        python = environment.provide(blender_module=False, tests=True, named=named, more=more)
    return check(python, pytest_arguments)


def check(python: Path, pytest_arguments: Sequence[str]) -> int:
    """Run every check in an environment that is ready, and return 0 only when all passed."""
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
