# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside Blender: opens the StyleTex tab and writes what a person would see to a file, again and again.

blender -P watch.py -- STATE_FILE STYLE_IMAGE [SCENE]

The scene is one of its own unless a file is named.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
from pathlib import Path
from types import ModuleType

import bpy

ROOT = Path(__file__).resolve().parents[2]
STATE_FILE, STYLE_IMAGE, *SCENE = map(Path, sys.argv[sys.argv.index("--") + 1 :])
ticks = 0


def load_add_on() -> None:
    package = ModuleType("styletex")
    package.__path__ = [str(ROOT)]
    sys.modules["styletex"] = package
    importlib.import_module("styletex.styletex_blender").register()


def make_scene() -> None:
    bpy.ops.object.select_all(action="DESELECT")
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    bpy.ops.mesh.primitive_monkey_add(size=3)
    bpy.ops.object.shade_smooth()
    old = bpy.data.materials.new("Old")
    bpy.context.object.data.materials.append(old)
    settings = bpy.context.scene.styletex
    settings.style_image = bpy.data.images.load(str(STYLE_IMAGE))
    settings.prompt = "a monkey"
    settings.preset = "draft"
    settings.texture_size = "256"


def view_3d() -> tuple[bpy.types.Area, bpy.types.Region]:
    area = next(found for found in bpy.context.window_manager.windows[0].screen.areas if found.type == "VIEW_3D")
    return area, next(found for found in area.regions if found.type == "UI")


def open_tab() -> float | None:
    area, region = view_3d()
    # Material Preview would compile shaders for a minute on a machine without a graphics card.
    area.spaces.active.shading.color_type = "TEXTURE"
    if not area.spaces.active.show_region_ui:
        area.spaces.active.show_region_ui = True
        return 0.2
    region.active_panel_category = "StyleTex"
    region.tag_redraw()
    if SCENE:
        bpy.app.timers.register(watch, first_interval=0.3, persistent=True)
        return None
    bpy.ops.ed.undo_push(message="Set up")
    bpy.data.objects["Light"].location.z += 1.0
    bpy.ops.ed.undo_push(message="Move Light")
    bpy.app.timers.register(watch, first_interval=0.3, persistent=True)
    return None


def module(name: str) -> ModuleType:
    """A module of the Blender side."""
    return importlib.import_module(f"styletex.styletex_blender.{name}")


def obey() -> None:
    """Do what the test asks for in the meantime."""
    order = STATE_FILE.with_name("order.py")
    if order.exists():
        runpy.run_path(str(order), {"bpy": bpy, "view_3d": view_3d, "module": module})
        order.unlink()


def watch() -> float:
    global ticks
    ticks += 1
    obey()
    runner = module("worker.runner")
    warm_worker = module("worker.warm_worker")
    order = module("worker.queue.order")
    area, region = view_3d()
    monkey = bpy.data.objects.get("Suzanne")
    run = runner.current_run()
    settings = bpy.context.scene.styletex
    theme = bpy.context.preferences.themes[0].user_interface
    viewport = next(found for found in area.regions if found.type == "WINDOW")
    state = {
        "ticks": ticks,
        "blender_pid": os.getpid(),
        "worker_pid": warm_worker._client.pid if warm_worker._client else None,
        "sidebar": [region.x, region.y, region.width, region.height],
        "viewport_centre": [viewport.x + viewport.width * 0.3, viewport.y + viewport.height * 0.15],
        "materials": [slot.material.name if slot.material else None for slot in monkey.material_slots]
        if monkey
        else [],
        "button_colour": [round(channel * 255) for channel in theme.wcol_tool.inner[:3]],
        "view_distance": area.spaces.active.region_3d.view_distance,
        "running": runner.running() is not None,
        "stage": run.stage if run else "",
        "frames": run.frames_shown if run else 0,
        "waits_for": run.waits_for if run else "",
        "changes": run.changes.any if run else "",
        "dirty_images": [image.name for image in bpy.data.images if image.is_dirty],
        "queue": {task.object_name: order.state_of(run, task).name for task in run.tasks} if run else {},
        "tasks": [task.key for task in run.tasks] if run else [],
        "farm": {found.job.sent.object_name: found.state.name for found in module("farm.watching").seen()},
        "paused": run is not None and run.paused,
        "step": run.step if run else 0,
        "saved": list(run.saved.values()) if run else [],
        "prompt": settings.prompt,
        "errors": [error.message for _, error in run.failures] if run else [],
        "light_height": bpy.data.objects["Light"].location.z,
        "style_image": settings.style_image.name if settings.style_image else "",
        "content": settings.content,
        "words": list(answer.words) if (answer := module("models.content_words").last_answer()) else [],
        "has_result": module("ui.results.outcome_panel").STYLETEX_PT_outcome.poll(bpy.context),
        "can_start": not module("ui.availability").why_not(bpy.context),
    }
    temporary = STATE_FILE.with_suffix(".part")
    temporary.write_text(json.dumps(state))
    temporary.rename(STATE_FILE)
    return 0.1


load_add_on()
bpy.context.preferences.view.show_splash = False
if SCENE:
    bpy.ops.wm.open_mainfile(filepath=str(SCENE[0]))
else:
    make_scene()
bpy.app.timers.register(open_tab, first_interval=1.0)
