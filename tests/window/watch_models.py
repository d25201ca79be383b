# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside Blender: enables a checkout as an extension, so that it has preferences, shows the StyleTex tab with the
real worker, and writes what a person would see of models to a file, again and again.

blender -P watch_models.py -- STATE_FILE CHECKOUT STYLE_IMAGE
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
from pathlib import Path

import addon_utils
import bpy

STATE_FILE, CHECKOUT, STYLE_IMAGE = map(Path, sys.argv[sys.argv.index("--") + 1 :])
MODULE = "bl_ext.user_default.styletex"
ticks = 0


def module(name: str):
    return importlib.import_module(f"{MODULE}.styletex_blender.{name}")


def enable() -> None:
    place = Path(bpy.utils.user_resource("EXTENSIONS", path="user_default", create=True)) / "styletex"
    if not place.exists():
        place.symlink_to(CHECKOUT)
    addon_utils.enable(MODULE, default_set=True)
    bpy.context.preferences.view.show_splash = False
    bpy.context.preferences.system.use_online_access = True


def make_scene() -> None:
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    bpy.ops.mesh.primitive_monkey_add(size=3)
    settings = bpy.context.scene.styletex
    settings.style_image = bpy.data.images.load(str(STYLE_IMAGE))
    settings.prompt, settings.preset, settings.texture_size = "a monkey", "draft", "256"


def view_3d() -> tuple[bpy.types.Area, bpy.types.Region]:
    area = next(found for found in bpy.context.window_manager.windows[0].screen.areas if found.type == "VIEW_3D")
    return area, next(found for found in area.regions if found.type == "UI")


def open_tab() -> float | None:
    area, region = view_3d()
    area.spaces.active.shading.color_type = "TEXTURE"
    if not area.spaces.active.show_region_ui:
        area.spaces.active.show_region_ui = True
        return 0.2
    region.active_panel_category = "StyleTex"
    region.tag_redraw()
    bpy.app.timers.register(watch, first_interval=0.3, persistent=True)
    return None


def obey() -> None:
    """Do what the test asks for in the meantime."""
    order = STATE_FILE.with_name("order.py")
    if order.exists():
        preferences = bpy.context.preferences.addons[MODULE].preferences
        runpy.run_path(str(order), {"bpy": bpy, "view_3d": view_3d, "module": module, "preferences": preferences})
        order.unlink()


def watch() -> float:
    global ticks
    ticks += 1
    obey()
    tasks, runner = module("models.model_tasks"), module("worker.runner")
    settings = bpy.context.scene.styletex
    _area, region = view_3d()
    known = tasks.catalogue()
    model = known.model(settings.profile) if known is not None else None
    _name, download = tasks.last_download()
    run = runner.current_run()
    state = {
        "ticks": ticks,
        "blender_pid": os.getpid(),
        "sidebar": [region.x, region.y, region.width, region.height],
        "button_colour": [
            round(channel * 255) for channel in bpy.context.preferences.themes[0].user_interface.wcol_tool.inner[:3]
        ],
        "model": model.state if model else "",
        "base": model.base if model else "",
        "button": module("ui.models.model_operators").download_text(model) if model else "",
        "arrived": model.bytes_arrived if model else 0,
        "found": [file.path for file in known.files] if known else [],
        "problem": tasks.problem(),
        "downloading": tasks.downloading() is not None,
        "download_pid": tasks._download.process.pid if tasks._download else None,
        "percent": download.percent if download else 0.0,
        "ending": download.ending["type"] if download and download.ending else "",
        "said": download.ending.get("message", "") if download and download.ending else "",
        "running": runner.running() is not None,
        "frames": run.frames_shown if run else 0,
        "errors": [error.message for _, error in run.failures] if run else [],
        "materials": [slot.material.name for slot in bpy.data.objects["Suzanne"].material_slots if slot.material],
    }
    temporary = STATE_FILE.with_suffix(".part")
    temporary.write_text(json.dumps(state))
    temporary.rename(STATE_FILE)
    return 0.1


enable()
make_scene()
bpy.app.timers.register(open_tab, first_interval=1.0)
