# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``demo`` command: the real add-on textures Suzanne in the style of a picture that ships with the project."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .blender import SCRIPTS, Blender, find_blender
from .environment import ROOT, scrubbed_environment
from .messages import SetupError, say, step

STYLE_IMAGE = ROOT / "core" / "samples" / "great_wave.jpg"
"""The style image; ``samples.json`` beside it says what it shows and which prompt goes with it."""
FOLDER = ROOT / "build" / "demo"
"""Where the results go."""
RESULTS = ("suzanne.blend", "base_color.png", "render.png")
"""The files that a finished demo leaves in ``FOLDER``."""


def run(python: Path) -> int:
    """Make the scene, texture it, render it, and return 0.

    Args:
        python: the environment's Python.

    Raises:
        SetupError: a step failed, or left a result out.
    """
    blender = find_blender(python)
    say(f"Blender: {blender.program}{' (the Python module bpy)' if blender.is_module else ''}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in RESULTS:
        (FOLDER / name).unlink(missing_ok=True)
    untextured = FOLDER / "untextured.blend"
    textured, texture, render = (FOLDER / name for name in RESULTS)

    with step("1 of 3 · A scene with Suzanne"):
        _run(blender, SCRIPTS / "demo_scene.py", ["--output", str(untextured)], quiet=True)
    with step(f"2 of 3 · Suzanne in the style of {STYLE_IMAGE.name}"):
        sample = json.loads((STYLE_IMAGE.parent / "samples.json").read_text(encoding="utf-8"))[STYLE_IMAGE.name]
        arguments = ["--style", str(STYLE_IMAGE), "--prompt", sample["prompt"], "--content", sample["content"]]
        arguments += ["--all", "--preset", "draft", "--size", "1024", "--seed", "0", "--output", str(textured)]
        _run(blender, SCRIPTS / "headless.py", arguments, scene=untextured)
    with step("3 of 3 · Pictures of it from all sides"):
        arguments = ["--style", str(STYLE_IMAGE), "--texture", str(texture), "--render", str(render)]
        _run(blender, SCRIPTS / "demo_render.py", arguments, scene=textured, quiet=True)

    if missing := [name for name in RESULTS if not (FOLDER / name).is_file()]:
        raise SetupError(f"The demo ended without {', '.join(missing)} in {FOLDER}")
    untextured.unlink()
    say(f"The results are in {FOLDER}: {', '.join(RESULTS)}")
    return 0


def _run(
    blender: Blender, script: Path, arguments: Sequence[str], scene: Path | None = None, quiet: bool = False
) -> None:
    """Run a script in Blender; ``quiet`` shows what it prints only when it fails."""
    result = subprocess.run(
        blender.command(script, arguments, scene),
        cwd=ROOT,
        env=scrubbed_environment(),
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise SetupError(
            f"{script.name} ended with status {result.returncode}. What it said:\n{result.stdout or '(see above)'}"
        )
