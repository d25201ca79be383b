# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Blender in a real window on a virtual screen, and hands to use it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "build" / "artifacts"
STYLE_IMAGE = ROOT / "core" / "samples" / "great_wave.jpg"
SCREEN = (1280, 800)


@pytest.fixture
def blender_program() -> str:
    """Path of the Blender that the environment variable BLENDER names."""
    program = os.environ.get("BLENDER", "")
    if not program:
        pytest.skip("needs a Blender: name its program in the environment variable BLENDER")
    return program


@contextlib.contextmanager
def virtual_screen() -> Iterator[str]:
    """A virtual screen of its own; gives its name."""
    readable, writable = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writable), "-screen", "0", f"{SCREEN[0]}x{SCREEN[1]}x24", "-nolisten", "tcp"],
        pass_fds=[writable],
        stderr=subprocess.DEVNULL,
    )
    os.close(writable)
    with os.fdopen(readable) as announced:
        number = announced.readline().strip()
    try:
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def display() -> Iterator[str]:
    """A virtual screen of its own for this test."""
    for tool in ("Xvfb", "xdotool", "import"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool} (packages xvfb, xdotool, imagemagick)")
    with virtual_screen() as name:
        yield name


class BlenderWindow:
    """A running Blender that a script beside this file reports from, several times a second, into a file."""

    def __init__(self, program: str, display: str, folder: Path, script: str, arguments: Sequence[str]) -> None:
        self._display = display
        # Windows side by side must not write over each other's pictures.
        self._pictures = ARTIFACTS / folder.name
        self._state = folder / "state.json"
        # Of the Blender before.
        self._state.unlink(missing_ok=True)
        self._log = (folder / "blender.log").open("w+")
        self.process = subprocess.Popen(
            [
                *(program, "--factory-startup", "--window-geometry", "0", "0", *map(str, SCREEN)),
                *("--python-exit-code", "1", "-P", str(ROOT / "tests" / "window" / script)),
                *("--", str(self._state), *arguments),
            ],
            cwd=ROOT,
            env={**os.environ, "DISPLAY": display, "BLENDER_USER_RESOURCES": str(folder / "user")},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def state(self) -> dict[str, Any]:
        """What Blender last said about itself."""
        try:
            return json.loads(self._state.read_text())
        except FileNotFoundError:
            return {}

    def until(self, condition: Callable[[dict[str, Any]], bool], what: str, seconds: float = 240.0) -> dict[str, Any]:
        """Wait until Blender's state fulfils a condition."""
        end = time.monotonic() + seconds
        while not ((state := self.state()) and condition(state)):
            if self.process.poll() is not None or time.monotonic() > end:
                self._log.seek(0)
                self.photograph("failure")
                pytest.fail(f"{what} did not happen; state {state}; Blender said:\n{self._log.read()[-3000:]}")
            time.sleep(0.05)
        return state

    def click(self, position: list[float]) -> None:
        """A real click; positions are Blender's, from the bottom left."""
        across, down = int(position[0]), int(SCREEN[1] - 1 - position[1])
        # From beside: what the mouse lies on already is not noticed after a redraw.
        for column in (across - 5, across):
            self._xdotool("mousemove", str(column), str(down))
            time.sleep(0.3)
        self._xdotool("click", "1")

    def do(self, code: str) -> None:
        """Have Blender's script carry out Python, as something that happens while the artist looks on."""
        order = self._state.with_name("order.py")
        partial = order.with_suffix(".part")
        partial.write_text(code)
        partial.rename(order)
        self.until(lambda _: not order.exists(), "the order")

    def rest(self, position: list[float]) -> None:
        """Move the pointer there and leave it."""
        self._xdotool("mousemove", str(int(position[0])), str(int(SCREEN[1] - 1 - position[1])))

    def press_button(self) -> None:
        """Click where the pointer is."""
        self._xdotool("click", "1")

    def find_button(self, region: str = "sidebar", least_height: int = 24, across: float = 1 / 6) -> list[float]:
        """Centre of the tallest button of a region (of the sidebar: Stylize Texture), as the eye finds it: a run of the
        button's colour, in a column that lies ``across`` of the region's width from its left.
        """
        from PIL import Image

        state = self.state()
        left, bottom, width, height = state[region]
        column = left + int(width * across)
        with Image.open(self.photograph("button")) as screen:
            colours = np.asarray(screen.convert("RGB"), dtype=int)[:, column]
        best = (0, 0)
        run = 0
        for row in range(SCREEN[1] - bottom - height, SCREEN[1] - bottom):
            alike = bool((abs(colours[row] - state["button_colour"]) <= 4).all())
            run = run + 1 if alike else 0
            best = max(best, (run, row - run // 2))
        if best[0] < least_height:
            pytest.fail(f"no such button in the {region}; the longest run is {best}; see build/artifacts")
        return [left + width / 2, SCREEN[1] - 1 - best[1]]

    def find_buttons(self, across: int, least_height: int = 12) -> list[list[float]]:
        """Centres of the buttons of the sidebar that lie so many pixels from its left, from top to bottom; where a
        text or an icon is there, no button is found.
        """
        from PIL import Image

        left, bottom, _, height = (state := self.state())["sidebar"]
        # What the pointer is on has another colour.
        self.rest([left - 200.0, bottom + height / 2])
        time.sleep(0.5)
        with Image.open(self.photograph("buttons")) as screen:
            colours = np.asarray(screen.convert("RGB"), dtype=int)[:, left + across]
        alike = (abs(colours - state["button_colour"]) <= 4).all(1)
        found, run = [], 0
        for row in range(SCREEN[1] - bottom - height, SCREEN[1] - bottom):
            if alike[row]:
                run += 1
                continue
            if run >= least_height:
                found.append([float(left + across), float(SCREEN[1] - 1 - (row - 1 - run // 2))])
            run = 0
        return found

    def write(self, text: str, field: list[float]) -> None:
        """Write into a text field in place of what is there."""
        self.click(field)
        time.sleep(0.3)
        self._xdotool("key", "ctrl+a")
        self._xdotool("type", "--delay", "30", text)
        self._xdotool("key", "Return")
        time.sleep(0.3)

    def find_picture(self, path: Path, width: int) -> list[float]:
        """Where the screen shows the picture of a file, so many pixels wide: its centre."""
        from PIL import Image

        with Image.open(self.photograph("picture")) as screen, Image.open(path) as picture:
            seen = np.asarray(screen.convert("RGB"), dtype=int)
            sought = np.asarray(picture.convert("RGB").resize((width, width * picture.height // picture.width)), int)
        height = sought.shape[0]
        found = [
            (
                float(abs(seen[row : row + height : 4, column : column + width : 4] - sought[::4, ::4]).mean()),
                column,
                row,
            )
            for row in range(0, SCREEN[1] - height, 2)
            for column in range(0, SCREEN[0] - width, 2)
        ]
        difference, column, row = min(found)
        if difference > 30.0:
            pytest.fail(f"{path.name} is not on the screen; what is most like it differs by {difference}")
        return [column + width / 2, SCREEN[1] - 1 - (row + height / 2)]

    def press(self, keys: str, over: list[float]) -> None:
        """A real key press with the mouse over a position."""
        self._xdotool("mousemove", str(int(over[0])), str(int(SCREEN[1] - 1 - over[1])))
        time.sleep(0.3)
        self._xdotool("key", keys)

    def photograph(self, name: str, folder: Path | None = None) -> Path:
        """A picture of the whole screen, kept in a folder of ``build/artifacts`` for this test, or in another."""
        folder = folder or self._pictures
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"window_{name}.png"
        subprocess.run(["import", "-display", self._display, "-window", "root", str(path)], check=True)
        return path

    def close(self) -> None:
        """End Blender."""
        self.process.kill()
        self.process.wait()
        self._log.close()

    def _xdotool(self, *arguments: str) -> None:
        subprocess.run(["xdotool", *arguments], env={**os.environ, "DISPLAY": self._display}, check=True)


@pytest.fixture
def open_blender(blender_program: str, display: str, tmp_path: Path) -> Iterator[Callable[..., BlenderWindow]]:
    """Opens Blender with a script and its arguments: by default Suzanne, the sidebar's tab, a painting, and the real
    worker.
    """
    opened: list[BlenderWindow] = []

    def start(script: str = "watch.py", *arguments: str) -> BlenderWindow:
        opened.append(BlenderWindow(blender_program, display, tmp_path, script, arguments or [str(STYLE_IMAGE)]))
        return opened[-1]

    yield start
    for window in opened:
        window.close()
