# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside Blender: times what the add-on does in Blender's main thread while two textures are made.

blender -P main_thread.py -- OUTPUT.json STYLE_IMAGE WORKER_COMMAND

The worker's command is a JSON list. Written are, for each tick of the timer, the milliseconds of the thread's own
processor time and of the clock that the add-on took from that tick to the next (its timer, its panels, its handlers),
whether a frame was shown in it, and whether a finished texture was put on its object.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy

ROOT = Path(__file__).resolve().parents[2]
OUTPUT, STYLE_IMAGE, WORKER = sys.argv[sys.argv.index("--") + 1 :]
LONGEST_SECONDS = 300.0


def module(name: str) -> ModuleType:
    return importlib.import_module(f"styletex.styletex_blender.{name}")


class Clock:
    """Adds up what wrapped functions take, each moment once."""

    def __init__(self) -> None:
        self.cpu = self.wall = 0.0
        self._depth = 0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*arguments: Any, **options: Any) -> Any:
            self._depth += 1
            cpu, wall = time.thread_time(), time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.cpu += time.thread_time() - cpu
                    self.wall += time.perf_counter() - wall

        return wrapped

    def take(self) -> tuple[float, float]:
        """Milliseconds of both since the last call."""
        taken = 1000.0 * self.cpu, 1000.0 * self.wall
        self.cpu = self.wall = 0.0
        return taken


clock = Clock()
ticks: list[dict[str, Any]] = []
drawn = 0
begun = time.monotonic()


def instrument() -> None:
    """Put the clock around the timer, the panels and the handlers."""
    runner, showing = module("worker.runner"), module("worker.showing")
    frames = []
    take_frame = showing.take_frame
    showing.take_frame = lambda run, event: frames.append(1) or take_frame(run, event)
    tick = runner._tick

    def counted() -> float | None:
        global drawn
        if ticks:
            ticks[-1]["cpu"], ticks[-1]["wall"] = clock.take()
        frames.clear()
        run = runner.current_run()
        before = len(run.done) if run is not None else 0
        again = clock.timed(tick)()
        landed = run is not None and len(run.done) > before
        ticks.append({"frame": bool(frames), "landed": landed, "cpu": 0.0, "wall": 0.0})
        return again

    runner._tick = counted
    runner.note_updates = clock.timed(runner.note_updates)
    for panel in module("ui.panel")._CLASSES:
        panel.draw = counted_draw(clock.timed(panel.draw))


def counted_draw(draw: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(self: Any, context: Any) -> None:
        global drawn
        drawn += 1
        draw(self, context)

    return wrapped


def begin() -> float | None:
    """Open the tab, then start."""
    area = next(found for found in bpy.context.window_manager.windows[0].screen.areas if found.type == "VIEW_3D")
    region = next(found for found in area.regions if found.type == "UI")
    area.spaces.active.shading.color_type = "TEXTURE"
    if not area.spaces.active.show_region_ui:
        area.spaces.active.show_region_ui = True
        return 0.3
    region.active_panel_category = "StyleTex"
    instrument()
    with bpy.context.temp_override(area=area, region=region):
        bpy.ops.styletex.stylize()
    bpy.app.timers.register(end, first_interval=0.5, persistent=True)
    return None


def end() -> float | None:
    run = module("worker.runner").current_run()
    if not run.finished and time.monotonic() - begun < LONGEST_SECONDS:
        return 0.5
    ticks[-1]["cpu"], ticks[-1]["wall"] = clock.take()
    done = [outcome.textured for outcome in run.outcomes]
    version = bpy.app.version_string
    Path(OUTPUT).write_text(json.dumps({"blender": version, "textured": done, "ticks": ticks, "drawn": drawn}))
    module("worker.runner").abandon()
    sys.stdout.flush()
    os._exit(0)


def main() -> None:
    package = ModuleType("styletex")
    package.__path__ = [str(ROOT)]
    sys.modules["styletex"] = package
    os.environ["STYLETEX_WORKER"] = WORKER
    importlib.import_module("styletex.styletex_blender").register()
    bpy.context.preferences.view.show_splash = False
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    for across in (-2.0, 2.0):
        bpy.ops.mesh.primitive_monkey_add(size=3, location=(across, 0.0, 0.0))
    for found in bpy.data.objects:
        found.select_set(found.type == "MESH")
    settings = bpy.context.scene.styletex
    settings.style_image, settings.prompt = bpy.data.images.load(STYLE_IMAGE), "a monkey"
    bpy.app.timers.register(begin, first_interval=1.0)


try:
    main()
except BaseException:
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)
