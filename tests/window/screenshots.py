# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of every state of the panel and the preferences, from a real Blender window of 1280 x 800 pixels.

python -m tests.window.screenshots --output DIR [--scale 1 2] [--only NAME …]
python -m tests.window.screenshots --docs              (those of docs/guide.md, as JPEG into docs/pictures/)

Needs Xvfb, xdotool and imagemagick, and the Blender that the environment variable BLENDER names. Each picture is called
after its state and its interface scale in percent: ``ready_100.png``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.window.conftest import ROOT, SCREEN, STYLE_IMAGE, BlenderWindow, virtual_screen

FAKE_WORKER = ROOT / "tests" / "fake_worker.py"
FAKE_INSTALLER = ROOT / "tests" / "fake_installer.py"

ALONE = """
panel = module("ui.panel")
for found in reversed(getattr(panel, "on_show", panel._CLASSES)):
    bpy.utils.unregister_class(found)
part = getattr(panel, "{name}")
panel.on_show = [type(part.__name__, (part,), dict(bl_options=set(), bl_parent_id=""))]
bpy.utils.register_class(panel.on_show[0])
"""
"""A panel below the main one, opened and alone: at 200 % the window is too small for all."""
WHOLE = """
panel = module("ui.panel")
bpy.utils.unregister_class(panel.on_show[0])
del panel.on_show
panel.register()
"""
REDRAW = """
for window in bpy.context.window_manager.windows:
    for area in window.screen.areas:
        area.tag_redraw()
"""
CHOOSE = f"""
import pathlib
path, choose_file = pathlib.Path({str(STYLE_IMAGE)!r}), module("ui.styles.choice").choose_file
"""
SETTINGS = "settings = bpy.context.scene.styletex\n"
RUN = """
settings = bpy.context.scene.styletex
settings.style_image, settings.prompt = bpy.data.images["great_wave.jpg"], "a monkey"
import json, os, sys
os.environ["STYLETEX_WORKER"] = json.dumps([sys.executable, "-u", {worker!r}, *{behaviour!r}])
with bpy.context.temp_override(area=view_3d()[0], region=view_3d()[1]):
    bpy.ops.styletex.stylize()
"""
VARIATIONS = """
bpy.context.scene.styletex.variations, bpy.context.scene.styletex.seed = 4, 41
"""
OPERATE = """
with bpy.context.temp_override(area=view_3d()[0], region=view_3d()[1]):
    bpy.ops.styletex.{call}
"""
THREE_MORE = """
for number, name in enumerate(("Barrel", "Chest of Drawers, Old.001", "Door")):
    copy = bpy.data.objects.new(name, bpy.data.objects["Suzanne"].data.copy())
    copy.location.x = 3.0 * (number + 1)
    bpy.context.collection.objects.link(copy)
    copy.select_set(True)
"""
END = """
module("worker.runner").abandon()
"""


FAILED = """
state, error = module("worker.run_state"), __import__("importlib").import_module("styletex.core.job").JobError
uid = bpy.data.objects["Suzanne"].session_uid
message, hint = {message!r}, {hint!r}
outcome = state.Outcome("Suzanne", error=error({code!r}, message, hint), object_uid=uid)
ended = state.Run([], refused=[outcome])
ended.finished = True
module("worker.runner").adopt(ended)
"""
"""The panel after an error."""
MEMORY = FAILED.format(
    code="out_of_memory",
    message="Memory ran out: CUDA out of memory. Tried to allocate 1.2 GiB",
    hint="Choose a smaller texture or close other programs that use the device, then try again",
)
LONG = FAILED.format(
    code="bad_mesh",
    message="The mesh has UVs that reach across 4,096 repeats of the texture in one face, " * 6,
    hint="Unwrap the object, or remove its UV map to have one made.",
)


REAL = """
import os
os.environ.pop("STYLETEX_WORKER", None)
with bpy.context.temp_override(area=view_3d()[0], region=view_3d()[1]):
    bpy.ops.styletex.stylize()
"""
"""A texture with the bundled model."""


def run(*behaviour: str) -> str:
    """Code that starts a texture with the fake worker."""
    return RUN.format(worker=str(FAKE_WORKER), behaviour=list(behaviour))


def alone(name: str) -> str:
    """Code that shows one sub-panel."""
    return ALONE.format(name=name)


ONLINE = "bpy.context.preferences.system.use_online_access = True\n"
NO_MODELS = """
import os
os.environ["HF_HUB_CACHE"] = os.path.join(bpy.app.tempdir, "hub")
"""
"""Nothing was downloaded."""
OWN_FILES = """
bpy.context.scene.styletex.more_styles.clear()
settings = bpy.context.scene.styletex
settings.profile, settings.own_model = "sd15", "/models/checkpoints/dreamy.safetensors"
for name, weight in (("ink", 0.8), ("detail", 0.4)):
    lora = settings.loras.add()
    lora.path, lora.weight = f"/models/loras/{name}.safetensors", weight
"""
BLEND = f"""
settings = bpy.context.scene.styletex
for path in ({str(STYLE_IMAGE.with_name("stained_glass.jpg"))!r}, None):
    item = settings.more_styles.add()
    if path:
        item.image, item.weight = bpy.data.images.load(path), 0.5
"""
SLOW = ("--steps", "400", "--step-seconds", "0.25")
QUICK = ("--steps", "20", "--step-seconds", "0.01")
PANEL = (
    ("empty", SETTINGS + "settings.style_image = None\nsettings.prompt = settings.content = ''", 1.0),
    (
        "ready",
        SETTINGS + CHOOSE + "choose_file(settings, path)",
        1.0,
    ),
    (
        "several_objects",
        "bpy.ops.object.select_all(action='SELECT')\nbpy.ops.mesh.primitive_cube_add(location=(4, 0, 0))\n"
        "bpy.data.objects['Suzanne'].select_set(True)",
        1.0,
    ),
    ("model_missing", ONLINE + NO_MODELS + SETTINGS + "settings.profile = 'sd15'" + REDRAW, 6.0),
    (
        "one_object",
        SETTINGS + "settings.profile = 'bundled'\nbpy.data.objects.remove(bpy.data.objects['Cube'])\n"
        "bpy.context.view_layer.objects.active = bpy.data.objects['Suzanne']\n"
        "bpy.data.objects['Suzanne'].select_set(True)",
        1.0,
    ),
    ("at_work", REAL, 1.0),
    ("running", END + run(*SLOW, "--warning-at", "2"), 1.0),
    (
        "canceling",
        "bpy.app.timers.unregister(module('worker.runner')._tick)\n"
        "module('worker.runner').current_run().wants_cancel = True",
        0.5,
    ),
    ("done", END + run(*QUICK), 1.0),
    ("failed", END + run(*QUICK, "--error-at", "3"), 1.0),
    ("failed_long", END + LONG, 1.0),
    ("failed_memory", END + MEMORY, 1.0),
    ("texture", END + alone("STYLETEX_PT_texture"), 1.0),
    ("style_and_model", alone("STYLETEX_PT_style"), 1.0),
    ("blend", BLEND, 1.0),
    ("own_files", OWN_FILES, 1.0),
    (
        "own_settings",
        "bpy.context.scene.styletex.profile = 'bundled'\n"
        + alone("STYLETEX_PT_object")
        + "bpy.data.objects['Suzanne'].styletex.use_own = True\n"
        "module('ui.styles.choice').choose_file(bpy.data.objects['Suzanne'].styletex, "
        f"__import__('pathlib').Path({str(STYLE_IMAGE)!r}))",
        1.0,
    ),
    (
        "only_here",
        alone("STYLETEX_PT_region") + SETTINGS + "bpy.data.objects['Suzanne'].styletex.use_own = False\n"
        "settings.region, settings.region_slot = 'slot', 1",
        1.0,
    ),
    ("only_here_faces", "bpy.ops.object.mode_set(mode='EDIT')\nbpy.context.scene.styletex.region = 'faces'", 1.0),
    (
        "only_here_mask",
        "bpy.ops.object.mode_set(mode='OBJECT')\nbpy.context.scene.styletex.region = 'mask'\n"
        "bpy.data.objects['Suzanne'].styletex.use_own = True",
        1.0,
    ),
    (
        "only_here_whole",
        WHOLE + "bpy.data.objects['Suzanne'].styletex.use_own = False\nbpy.context.scene.styletex.region = 'group'",
        1.0,
    ),
    ("result", "bpy.context.scene.styletex.region = 'all'\n" + run(*QUICK) + alone("STYLETEX_PT_outcome"), 1.0),
    ("history", END + VARIATIONS + run(*QUICK) + alone("STYLETEX_PT_history"), 1.0),
    ("history_looked_at", OPERATE.format(call="history_show(number=0)"), 1.0),
    ("history_applied", OPERATE.format(call="history_apply()"), 1.0),
    (
        "history_whole",
        WHOLE + OPERATE.format(call="history_show(number=1)") + "module('worker.runner').dismiss()",
        1.5,
    ),
    ("progress", "bpy.context.scene.styletex.variations = 1\n" + run(*SLOW) + alone("STYLETEX_PT_progress"), 1.0),
    ("queue_empty", END + alone("STYLETEX_PT_queue"), 1.0),
    ("queue_running", THREE_MORE + run(*SLOW), 1.0),
    ("queue_paused", "module('worker.runner').pause()", 1.0),
    ("queue_failed", END + run(*QUICK, "--error-at", "3"), 1.0),
    ("whole", END + WHOLE, 1.0),
    ("help", "bpy.ops.styletex.open_help(code='worker_died')", 3.0),
)
"""Name of a state, the code that brings it about from the one before, and the seconds until it is to be seen."""
UNTIL: dict[str, Callable[[dict[str, Any]], bool]] = {
    "at_work": lambda state: state["running"] and state["frames"] >= 10,
    "running": lambda state: state["running"] and state["frames"] >= 1,
    "done": lambda state: not state["running"] and state["has_result"],
    "failed": lambda state: not state["running"] and bool(state["errors"]),
    "result": lambda state: not state["running"] and state["has_result"],
    "history": lambda state: not state["running"] and len(state["tasks"]) == 4,
    "progress": lambda state: state["running"] and state["frames"] >= 1,
    "queue_running": lambda state: state["running"] and state["frames"] >= 1 and len(state["queue"]) == 4,
    "queue_paused": lambda state: state["paused"],
    "queue_failed": lambda state: not state["running"] and bool(state["errors"]),
}
"""What is waited for in some of the states, however slow the machine is; the seconds count from then."""
LARGE = """
windows = bpy.context.window_manager.windows
with bpy.context.temp_override(window=windows[1]):
    bpy.ops.wm.window_close()
area = max(windows[0].screen.areas, key=lambda found: found.width * found.height)
area.type = "PREFERENCES"
with bpy.context.temp_override(window=windows[0], area=area):
    bpy.ops.screen.screen_full_area(use_hide_panels=True)
"""
"""The preferences in the whole window: their own would be too small at 200 %."""
PREFERENCES = (
    ("preferences_absent", LARGE, 1.5),
    ("preferences_models", ONLINE + NO_MODELS + "bpy.ops.styletex.list_models()", 5.0),
    ("preferences_offline", "bpy.context.preferences.system.use_online_access = False", 1.0),
    (
        "preferences_installing",
        ONLINE + "bpy.ops.styletex.install()",
        5.0,
    ),
    ("preferences_canceled", "bpy.ops.styletex.cancel_install()", 4.0),
)


DOCS = ROOT / "docs" / "pictures"
OF_DOCS = {
    "ready": "sidebar",
    "at_work": "screen",
    "done": "sidebar",
    "failed_memory": "sidebar",
    "texture": "sidebar",
    "style_and_model": "sidebar",
    "model_missing": "sidebar",
    "own_files": "sidebar",
    "preferences_models": "screen",
    "own_settings": "sidebar",
    "queue_running": "sidebar",
    "preferences_absent": "screen",
}
"""The states that the guide shows, each with what of the window it shows."""
AWAY = frozenset({"preferences_models"})
"""States with the pointer elsewhere."""
MOST_BYTES = 100_000
"""Of a picture of the guide."""


def main(arguments: list[str]) -> int:
    """Take the pictures; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.window.screenshots", description=__doc__.splitlines()[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--output", type=Path, help="the folder for the pictures")
    where.add_argument("--docs", action="store_true", help="write those of the guide into docs/pictures/")
    parser.add_argument("--scale", type=float, nargs="+", default=[1.0, 2.0], help="interface scales (1 2)")
    parser.add_argument("--only", nargs="+", choices=("panel", "preferences"), default=("panel", "preferences"))
    options = parser.parse_args(arguments)
    if options.docs:
        options.output, options.scale = ROOT / "build" / "pictures", [1.0]
    program = os.environ.get("BLENDER", "")
    if not program:
        print("Name a Blender in the environment variable BLENDER", file=sys.stderr)
        return 2
    for scale in options.scale:
        if "panel" in options.only:
            _take(program, options.output, scale, PANEL, options.docs, "watch.py", str(STYLE_IMAGE))
        if "preferences" in options.only:
            behaviour = ("online", str(FAKE_INSTALLER), "--stage-seconds", "2")
            _take(program, options.output, scale, PREFERENCES, options.docs, "watch_preferences.py", *behaviour)
    return 0


def _take(program: str, output: Path, scale: float, states: tuple, docs: bool, script: str, *arguments: str) -> None:
    with virtual_screen() as display, tempfile.TemporaryDirectory() as folder:
        window = BlenderWindow(program, display, Path(folder), script, arguments)
        try:
            window.until(lambda state: state["ticks"] > 3, "the window")
            window.do(f"bpy.context.preferences.view.ui_scale = {scale}")
            # Where nothing has a tooltip.
            window.rest([2.0, 2.0])
            for name, code, seconds in states:
                window.do(code)
                if name in UNTIL:
                    window.until(UNTIL[name], name, seconds=900)
                time.sleep(seconds)
                window.do(REDRAW)
                time.sleep(0.7)
                ticks = window.state()["ticks"]
                window.until(lambda state, before=ticks: state["ticks"] > before + 1, "a drawing")
                if name in AWAY:
                    # No tooltip over what is to be seen.
                    window.rest([SCREEN[0] / 2, 5.0])
                    time.sleep(1.0)
                path = window.photograph(name, output)
                if docs and name in OF_DOCS:
                    _write_jpeg(path, window.state()["sidebar"] if OF_DOCS[name] == "sidebar" else None, name)
                path.rename(output / f"{name}_{100 * scale:.0f}.png")
                print(json.dumps({"state": name, "scale": scale}), flush=True)
        finally:
            window.close()


def _write_jpeg(screen: Path, sidebar: list[int] | None, name: str) -> None:
    """A picture for the guide: of the sidebar as far as anything is in it, or of the whole window.

    Raises:
        ValueError: it is larger than ``MOST_BYTES`` however much it is compressed.
    """
    with Image.open(screen) as opened:
        picture = opened.convert("RGB")
    if sidebar is not None:
        left, bottom, width, height = sidebar
        picture = picture.crop((left, SCREEN[1] - bottom - height, left + width, SCREEN[1] - bottom))
        picture = picture.crop((0, 0, width, _used(picture)))
    DOCS.mkdir(exist_ok=True)
    for quality in (88, 80, 70, 60):
        picture.save(DOCS / f"{name}.jpg", quality=quality, optimize=True)
        if (DOCS / f"{name}.jpg").stat().st_size <= MOST_BYTES:
            return
    raise ValueError(f"{name}.jpg is larger than {MOST_BYTES} bytes")


def _used(sidebar: Image.Image) -> int:
    """Rows of a picture of the sidebar down to the last that differs from the ones at its bottom."""
    rows = np.asarray(sidebar, dtype=int)[:, 8 : sidebar.width // 2]
    different = np.abs(rows - rows[-1:]).max((1, 2)) > 12
    return min(sidebar.height, int(np.flatnonzero(different).max(initial=0)) + 12)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
