# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Blender the demo and the release use, and how a script is run in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import blender_places
from .checkout import ROOT
from .children import scrubbed_environment
from .messages import SetupError

SCRIPTS = ROOT / "styletex_blender"
"""The folder of the scripts that run inside Blender."""
OLDEST = (4, 2)
"""The oldest Blender that has extensions."""
_QUESTION = """
import importlib.util, json, sys
python = sys.executable or ""
print("\\nABOUT " + json.dumps({"python": python, "numpy": importlib.util.find_spec("numpy") is not None}))
"""


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
            start = [str(self.program), str(SCRIPTS / "demo" / "run_in_module.py")]
            return [*start, *scenes, str(script), "--", *arguments]
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

    def __str__(self) -> str:
        return f"{self.program}{' (the Python module bpy)' if self.is_module else ''}"


@dataclass(frozen=True)
class Search:
    """What the search for a Blender came to."""

    found: Blender | None
    """The program to use, or ``None``."""
    tried: tuple[str, ...]
    """What will not do, each with the reason."""


@dataclass(frozen=True)
class About:
    """What a Blender's own Python says."""

    python: Path | None
    """The program of its Python."""
    has_numpy: bool
    """Whether that has numpy, which Blender comes with but some systems' packages of it do not."""


def find_blender() -> Search:
    """The Blender named by ``BLENDER``, else ``blender`` on the PATH, else the newest in the usual places.

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
        return Search(Blender(Path(program).absolute(), is_module=False), ())
    tried: list[str] = []
    on_path = shutil.which("blender")
    if on_path is None:
        tried.append("blender: not on the PATH")
    elif blender := _usable(Path(on_path), tried):
        return Search(blender, tuple(tried))
    for program in blender_places.programs():
        if blender := _usable(program, tried):
            return Search(blender, tuple(tried))
    tried += blender_places.sandboxed()
    return Search(None, tuple(tried))


def about(blender: Blender) -> About:
    """Ask a Blender program about its Python.

    Raises:
        SetupError: it does not start in the background, and what it said.
    """
    command = [str(blender.program), "--background", "--factory-startup", "--python-expr", _QUESTION]
    try:
        result = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=scrubbed_environment(),
            timeout=300,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SetupError(f"{blender} does not come to an end in the background") from error
    match = re.search(r"^ABOUT (.+)$", result.stdout, re.MULTILINE)
    if match is None:
        said = (result.stdout + result.stderr).strip()[-500:]
        raise SetupError(f"{blender} does not start in the background. It said:\n{said}")
    answer = json.loads(match[1])
    return About(Path(answer["python"]) if answer["python"] else None, answer["numpy"])


def _usable(program: Path, tried: list[str]) -> Blender | None:
    """The Blender in ``program``, or ``None`` with the reason added to ``tried``."""
    version = _version(str(program))
    if version is None:
        tried.append(f"{program}: it does not start")
        return None
    if version < OLDEST:
        tried.append(f"{program}: it is Blender {_text(version)}, and {_text(OLDEST)} is the oldest that will do")
        return None
    return Blender(program.absolute(), is_module=False)


def _module_tool(python: Path) -> Path:
    """Blender's tool for extensions among the files of the module ``bpy``, which need not be loaded for it."""
    question = "import importlib.util; found = importlib.util.find_spec('bpy'); print(found.origin if found else '')"
    result = subprocess.run(
        [str(python), "-c", question], env=scrubbed_environment(), capture_output=True, text=True, check=False
    )
    module = Path(result.stdout.strip()).parent
    tool = next(module.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"), None)
    if result.returncode != 0 or tool is None:
        raise SetupError(f"{python} has no Blender module with a tool for extensions. Name a Blender with BLENDER.")
    return tool


def _version(program: str) -> tuple[int, int] | None:
    try:
        result = subprocess.run(
            [program, "--version"],
            env=scrubbed_environment(),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=120,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"^Blender (\d+)\.(\d+)", result.stdout, re.MULTILINE)
    return (int(match[1]), int(match[2])) if result.returncode == 0 and match else None


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
