# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside Blender: times the export of a large mesh, as a click on Stylize Texture begins.

blender -b -P large_export.py -- OUTPUT.json STYLE_IMAGE TRIANGLES

Written are the seconds that each of some exports took, with all files of the job.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
from pathlib import Path
from types import ModuleType

import bpy

ROOT = Path(__file__).resolve().parents[2]
OUTPUT, STYLE_IMAGE, TRIANGLES = sys.argv[sys.argv.index("--") + 1 :]
ROUNDS = 3


def main() -> None:
    package = ModuleType("styletex")
    package.__path__ = [str(ROOT)]
    sys.modules["styletex"] = package
    importlib.import_module("styletex.styletex_blender").register()
    exporting = importlib.import_module("styletex.styletex_blender.exporting")
    settings = importlib.import_module("styletex.styletex_blender.settings")
    side = round((int(TRIANGLES) / 2) ** 0.5)
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=side, y_subdivisions=side)
    target, scene = bpy.context.object, bpy.context.scene
    wave = target.modifiers.new("Wave", "WAVE")
    wave.height = 0.1
    scene.styletex.style_image = bpy.data.images.load(STYLE_IMAGE)
    seconds = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        task = exporting.export_task(target, settings.Settings.from_scene(scene))
        seconds.append(time.perf_counter() - begun)
        task.folder.leave(keep_checkpoint=False)
    Path(OUTPUT).write_text(json.dumps({"seconds": seconds}))


try:
    main()
except BaseException:
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)
