# SPDX-License-Identifier: GPL-3.0-or-later
"""Run inside some Blender: textures a cube by the operator or by the API, and takes out the image that a way made.

texture_by.py -- make SCENE.blend | operator SCENE.blend STYLE OUT.png | api SCENE.blend STYLE OUT.png |
                 extract TEXTURED.blend OUT.png
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType

import bpy

ROOT = Path(__file__).resolve().parents[2]
WANTED = {"prompt": "a box", "content": "stripes", "preset": "draft", "seed": 3, "style_strength": 1.25}


def load_add_on() -> None:
    package = ModuleType("styletex")
    package.__path__ = [str(ROOT)]
    sys.modules["styletex"] = package
    importlib.import_module("styletex.styletex_blender").register()


def make(scene: str) -> None:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.wm.save_as_mainfile(filepath=scene)


def by_operator(scene: str, style: str, output: str) -> None:
    bpy.ops.wm.open_mainfile(filepath=scene)
    image = bpy.data.images.load(style)
    assert bpy.ops.styletex.stylize(style_image=image.name, texture_size="256", **WANTED) == {"FINISHED"}
    extract("", output)


def by_api(scene: str, style: str, output: str) -> None:
    bpy.ops.wm.open_mainfile(filepath=scene)
    api, settings = (importlib.import_module(f"styletex.styletex_blender.{name}") for name in ("api", "settings"))
    image = bpy.data.images.load(style)
    api.stylize([bpy.data.objects["Cube"]], settings.Settings(style_image=image.name, texture_size=256, **WANTED))
    extract("", output)


def extract(blend: str, output: str) -> None:
    if blend:
        bpy.ops.wm.open_mainfile(filepath=blend)
    Path(output).write_bytes(bpy.data.images["StyleTex · Cube"].packed_file.data)


def main(way: str, *arguments: str) -> None:
    if way in ("operator", "api"):
        load_add_on()
    {"make": make, "operator": by_operator, "api": by_api, "extract": extract}[way](*arguments)


status = 1
try:
    main(*sys.argv[sys.argv.index("--") + 1 :])
    status = 0
except BaseException:
    traceback.print_exc()
for stream in (sys.stdout, sys.stderr):
    stream.flush()
# The module of Blender 4.5 hangs at exit when a class is still registered.
os._exit(status)
