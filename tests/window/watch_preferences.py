# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside Blender: enables the checkout as an extension, opens its preferences as the panel's button does, with an
installer that installs nothing, and writes what a person would see to a file, again and again.

blender -P watch_preferences.py -- STATE_FILE ONLINE FAKE_INSTALLER ARGUMENTS …
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

ROOT = Path(__file__).resolve().parents[2]
STATE_FILE, ONLINE, *FAKE = sys.argv[sys.argv.index("--") + 1 :]
MODULE = "bl_ext.user_default.styletex"
ticks = 0


def module(name: str):
    return importlib.import_module(f"{MODULE}.styletex_blender.{name}")


def enable() -> None:
    place = Path(bpy.utils.user_resource("EXTENSIONS", path="user_default", create=True)) / "styletex"
    if not place.exists():
        place.symlink_to(ROOT)
    addon_utils.enable(MODULE, default_set=True)
    bpy.context.preferences.view.show_splash = False
    bpy.context.preferences.system.use_online_access = ONLINE == "online"
    installer = module("install.installer")
    fingerprint = importlib.import_module(f"{MODULE}.vendor_install.installed").fingerprint()
    python = module("install.installer_python").installer_command([])[0]
    installer.installer_command = lambda arguments: [python, "-u", *FAKE, "--lock", fingerprint, *arguments]


def open_preferences() -> None:
    bpy.ops.styletex.open_preferences()
    bpy.app.timers.register(watch, first_interval=0.5, persistent=True)


def obey() -> None:
    """Do what is asked for from outside in the meantime."""
    order = Path(STATE_FILE).with_name("order.py")
    if order.exists():
        runpy.run_path(str(order), {"bpy": bpy, "module": module})
        order.unlink()


def watch() -> float:
    global ticks
    ticks += 1
    obey()
    state = {"ticks": ticks, "blender_pid": os.getpid()}
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                region = next(found for found in area.regions if found.type == "WINDOW")
                state["preferences"] = [window.x + region.x, window.y + region.y, region.width, region.height]
    installer = module("install.installer")
    run = installer.current_run()
    theme = bpy.context.preferences.themes[0].user_interface
    state |= {
        "button_colour": [round(channel * 255) for channel in theme.wcol_tool.inner[:3]],
        "running": installer.running() is not None,
        "installer_pid": installer._process.pid if installer._process else None,
        "percent": run.percent if run else 0.0,
        "ending": run.ending["type"] if run and run.ending else "",
        "state": module("install.installation").look_at(module("worker.environment").install_target()).state,
        "can_install": bpy.ops.styletex.install.poll(),
    }
    temporary = Path(STATE_FILE).with_suffix(".part")
    temporary.write_text(json.dumps(state))
    temporary.rename(STATE_FILE)
    return 0.1


enable()
bpy.app.timers.register(open_preferences, first_interval=1.0)
