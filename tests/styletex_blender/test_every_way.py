# SPDX-License-Identifier: GPL-3.0-or-later
"""One texture by every way: operator, API, ``headless.py`` and ``blender -c styletex``, byte for byte the same.

All run in processes of their own, in the Blender that the environment variable BLENDER names, with the extension
installed from its zip for the command, else in the bpy module. The real worker textures with the bundled model; the one
that pretends tries the ways alone, in seconds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tests" / "styletex_blender" / "texture_by.py"
HEADLESS = ROOT / "styletex_blender" / "headless.py"
AS_BLENDER = ROOT / "tests" / "styletex_blender" / "as_blender.py"
FAKE = [str(ROOT / "tests" / "fake_worker.py"), "--step-seconds", "0.005"]
REAL = ["-m", "core", "worker"]
PROGRAM = os.environ.get("BLENDER", "")
OPTIONS = ["--prompt", "a box", "--content", "stripes", "--preset", "draft", "--seed", "3", "--style-strength", "1.25"]
OPTIONS += ["--size", "256", "--objects", "Cube"]


class Ways:
    """Textures the same cube by one way after another."""

    def __init__(self, folder: Path, style: Path, worker: list[str]) -> None:
        self._folder, self._style = folder, style
        self._scene = folder / "scene.blend"
        self._environment = os.environ | {
            "STYLETEX_WORKER": json.dumps([sys.executable, "-u", *worker]),
            "BLENDER_USER_RESOURCES": str(folder / "user"),
        }
        self._run(*self._script(), "make", self._scene)

    def by(self, way: str) -> bytes:
        """The texture, as operator or API make it."""
        output = self._folder / f"{way}.png"
        self._run(*self._script(), way, self._scene, self._style, output)
        return output.read_bytes()

    def by_headless(self) -> bytes:
        start = [PROGRAM, "-b", "--factory-startup"] if PROGRAM else [sys.executable, AS_BLENDER]
        python = ["--python-exit-code", "1"] if PROGRAM else []
        return self._textured(*start, self._scene, *python, "-P", HEADLESS, "--")

    def by_command(self, package: Path | None) -> bytes:
        """With the extension of a zip, in a real Blender."""
        if package is None:
            return self._textured(sys.executable, AS_BLENDER, "-c", "styletex", self._scene)
        self._run(PROGRAM, "-c", "extension", "install-file", "-r", "user_default", "-e", package)
        assert "styletex" in self._run(PROGRAM, "-c", "help")
        assert "--style-strength" in self._run(PROGRAM, "-c", "styletex", "--help")
        return self._textured(PROGRAM, "-c", "styletex", self._scene)

    def _textured(self, *start: object) -> bytes:
        textured, output = self._folder / "textured.blend", self._folder / "extracted.png"
        textured.unlink(missing_ok=True)
        told = self._run(*start, "--style", self._style, *OPTIONS, "--output", textured)
        assert "Cube: textured in" in told
        self._run(*self._script(), "extract", textured, output)
        return output.read_bytes()

    def _script(self) -> list[object]:
        if PROGRAM:
            return [PROGRAM, "-b", "--factory-startup", "--python-exit-code", "1", "-P", SCRIPT, "--"]
        return [sys.executable, SCRIPT, "--"]

    def _run(self, *command: object) -> str:
        done = subprocess.run(
            list(map(str, command)), cwd=ROOT, env=self._environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.mark.parametrize("worker", [FAKE, pytest.param(REAL, marks=pytest.mark.slow)], ids=["pretended", "real"])
def test_operator_api_headless_and_command_make_the_same_texture(style_image, tmp_path, request, worker):
    ways = Ways(tmp_path, style_image, worker)
    by_operator = ways.by("operator")
    assert by_operator.startswith(b"\x89PNG")
    assert ways.by("api") == by_operator
    assert ways.by_headless() == by_operator
    assert ways.by_command(request.getfixturevalue("package") if PROGRAM else None) == by_operator
