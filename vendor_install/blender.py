# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Blender the demo uses, and how a script is run in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .environment import ROOT
from .messages import SetupError, say

SCRIPTS = ROOT / "styletex_blender"
"""The folder of the scripts that run inside Blender."""
OLDEST = (4, 2)
"""The oldest Blender that has extensions."""


@dataclass(frozen=True)
class Blender:
    """A Blender program, or a Python that has Blender as the module ``bpy``."""

    program: Path
    """The file to start."""
    is_module: bool
    """Whether ``program`` is a Python with the module ``bpy``."""

    def command(self, script: Path, arguments: Sequence[str], scene: Path | None = None) -> list[str]:
        """The command that runs ``script`` with ``arguments`` after ``--``, in ``scene`` when one is given."""
        scenes = [] if scene is None else [str(scene)]
        if self.is_module:
            return [str(self.program), str(SCRIPTS / "run_in_module.py"), *scenes, str(script), "--", *arguments]
        options = ["--background", "--factory-startup", *scenes, "--python-exit-code", "1", "--python", str(script)]
        return [str(self.program), *options, "--", *arguments]

    def extension_command(self, arguments: Sequence[str]) -> list[str]:
        """The command of Blender's own tool for extensions with ``arguments`` ("build", "validate", …).

        Raises:
            SetupError: ``program`` is a Python without Blender's tool.
        """
        if self.is_module:
            return [str(self.program), str(_module_tool(self.program)), *arguments]
        return [str(self.program), "--factory-startup", "--command", "extension", *arguments]


def find_blender(python: Path) -> Blender:
    """The Blender named by ``BLENDER``, else ``blender`` on the PATH, else the module in ``python``'s environment.

    Raises:
        SetupError: ``BLENDER`` names no program that starts, or one that is too old.
    """
    named = os.environ.get("BLENDER")
    if named:
        program = shutil.which(named)
        version = _version(program) if program else None
        if program is None or version is None:
            raise SetupError(f"BLENDER is {named!r}, which is no Blender that starts. Correct it or unset it.")
        if version < OLDEST:
            raise SetupError(f"BLENDER is {named!r}, version {_text(version)}; {_text(OLDEST)} is the oldest allowed.")
        return Blender(Path(program).absolute(), is_module=False)
    program = shutil.which("blender")
    version = _version(program) if program else None
    if program and version and version >= OLDEST:
        return Blender(Path(program).absolute(), is_module=False)
    if program:
        say(f"{program} is older than Blender {_text(OLDEST)} or does not start; Blender's Python module is used")
    return Blender(python, is_module=True)


def _module_tool(python: Path) -> Path:
    """Blender's tool for extensions among the files of the module ``bpy``, which need not be loaded for it."""
    question = "import importlib.util; found = importlib.util.find_spec('bpy'); print(found.origin if found else '')"
    result = subprocess.run([str(python), "-c", question], capture_output=True, text=True, check=False)
    module = Path(result.stdout.strip()).parent
    tool = next(module.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"), None)
    if result.returncode != 0 or tool is None:
        raise SetupError(f"{python} has no Blender module with a tool for extensions. Name a Blender with BLENDER.")
    return tool


def _version(program: str) -> tuple[int, int] | None:
    result = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"^Blender (\d+)\.(\d+)", result.stdout, re.MULTILINE)
    return (int(match[1]), int(match[2])) if result.returncode == 0 and match else None


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
