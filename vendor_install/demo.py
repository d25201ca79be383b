# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``demo`` command: the real add-on textures Suzanne in the style of a picture that ships with the project.

Where neither a Blender nor its Python module can be had, the optimizer alone textures a cup.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from . import environment, real_blender, target as targets
from .blender import SCRIPTS, Blender
from .checkout import BUILD, ROOT
from .children import scrubbed_environment
from .messages import InstallError, SetupError, say, step

STYLE_IMAGE = ROOT / "core" / "samples" / "great_wave.jpg"
"""The style image; ``samples.json`` beside it says what it shows and which prompt goes with it."""
FOLDER = BUILD / "demo"
"""Where the results go."""
RESULTS = ("suzanne.blend", "base_color.png", "render.png")
"""The files that a finished demo leaves in ``FOLDER``."""
RESULTS_WITHOUT_BLENDER = ("textured.glb", "base_color.png", "preview.png")
"""Those that it leaves where there is no Blender."""
_MAKE_CUP = "import sys; from core.evaluation.shapes import SHAPES; SHAPES['cup']().export(sys.argv[1])"


def run(named: str | None = None) -> int:
    """Set up what is missing, texture, and return 0.

    Args:
        named: the Python that the user named for ``.venv/``.

    Raises:
        SetupError: a step failed, or left a result out.
    """
    BUILD.mkdir(exist_ok=True)
    with targets.held(BUILD / "demo.lock", f"Another demo is at work in {FOLDER}"):
        return _run_alone(named)


def _run_alone(named: str | None) -> int:
    there = real_blender.find()
    if there:
        python = environment.provide(blender_module=False, tests=False, named=named, more=there.pythons)
        return texture_suzanne(there.blender)
    try:
        python = environment.provide(blender_module=True, tests=False, named=named)
    except InstallError as error:
        if error.code != "no_python":
            raise
        say(f"No Blender, and not its Python module either. {error}")
        python = environment.provide(blender_module=False, tests=False, named=named)
        return texture_cup(python)
    return texture_suzanne(Blender(python, is_module=True))


def texture_suzanne(blender: Blender) -> int:
    """Make the scene, texture it, render it, and return 0.

    Raises:
        SetupError: a step failed, or left a result out.
    """
    say(f"Blender: {blender}")
    _make_room()
    untextured = FOLDER / "untextured.blend"
    textured, texture, render = (FOLDER / name for name in RESULTS)

    with step("1 of 3 · A scene with Suzanne"):
        script = SCRIPTS / "demo" / "scene.py"
        _run(script.name, blender.command(script, ["--output", str(untextured)]), quiet=True)
    with step(f"2 of 3 · Suzanne in the style of {STYLE_IMAGE.name}"):
        arguments = [*_style(), "--all", "--size", "1024", "--seed", "0", "--output", str(textured)]
        _run("headless.py", blender.command(SCRIPTS / "headless.py", arguments, untextured))
    with step("3 of 3 · Pictures of it from all sides"):
        arguments = ["--style", str(STYLE_IMAGE), "--texture", str(texture), "--render", str(render)]
        script = SCRIPTS / "demo" / "render.py"
        _run(script.name, blender.command(script, arguments, textured), quiet=True)
    untextured.unlink()
    return _finish(RESULTS)


def texture_cup(python: Path) -> int:
    """Texture a cup without Blender, and return 0.

    Raises:
        SetupError: a step failed, or left a result out.
    """
    _make_room()
    mesh = FOLDER / "cup.ply"
    with step("1 of 2 · A cup"):
        _run("The cup", [str(python), "-c", _MAKE_CUP, str(mesh)], quiet=True)
    with step(f"2 of 2 · The cup in the style of {STYLE_IMAGE.name}"):
        options = [*_style("a cup"), "--size", "1024", "--seed", "0", "--output", str(FOLDER)]
        _run("core stylize", [str(python), "-m", "core", "stylize", str(mesh), *options])
    mesh.unlink()
    say("To see the add-on itself, install Blender 4.2 or newer from blender.org and run the same command again")
    return _finish(RESULTS_WITHOUT_BLENDER)


def _style(prompt: str = "") -> list[str]:
    sample = json.loads((STYLE_IMAGE.parent / "samples.json").read_text(encoding="utf-8"))[STYLE_IMAGE.name]
    words = ["--prompt", prompt or sample["prompt"], "--content", sample["content"]]
    return ["--style", str(STYLE_IMAGE), *words, "--preset", "draft"]


def _make_room() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in {*RESULTS, *RESULTS_WITHOUT_BLENDER}:
        (FOLDER / name).unlink(missing_ok=True)


def _finish(results: Sequence[str]) -> int:
    if missing := [name for name in results if not (FOLDER / name).is_file()]:
        raise SetupError(f"The demo ended without {', '.join(missing)} in {FOLDER}")
    say(f"The results are in {FOLDER}: {', '.join(results)}")
    return 0


def _run(title: str, command: Sequence[str], quiet: bool = False) -> None:
    """Run a program in the checkout; ``quiet`` shows what it prints only when it fails."""
    result = subprocess.run(
        list(command),
        cwd=ROOT,
        env=scrubbed_environment(),
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise SetupError(
            f"{title} ended with status {result.returncode}. What it said:\n{result.stdout or '(see above)'}"
        )
