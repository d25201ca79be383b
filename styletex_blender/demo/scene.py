# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's scene: Suzanne, smooth, subdivided and unwrapped, without a material.

Run inside Blender: ``blender -b -P scene.py -- --output suzanne.blend``, or ``suzanne.glb`` for the mesh alone.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import bpy


def make_scene() -> None:
    """Empty the file and put Suzanne into it."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.mesh.primitive_monkey_add(size=2.0)
    suzanne = bpy.context.object
    suzanne.data.uv_layers.remove(suzanne.data.uv_layers[0])
    suzanne.data.uv_layers.new(name="UVMap")
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.uv.smart_project(angle_limit=math.radians(66.0), island_margin=0.02)
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.object.shade_smooth()
    subdivision = suzanne.modifiers.new("Subdivision", "SUBSURF")
    subdivision.levels = subdivision.render_levels = 2


def main(arguments: list[str]) -> None:
    """Save the scene where ``--output`` says: as a .blend file, or the subdivided mesh as a .glb file."""
    parser = argparse.ArgumentParser(prog="scene.py")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    make_scene()
    output = str(options.output.resolve())
    if options.output.suffix == ".glb":
        bpy.ops.export_scene.gltf(filepath=output, export_apply=True)
    else:
        bpy.ops.wm.save_as_mainfile(filepath=output)


if __name__ == "__main__":
    main(sys.argv[sys.argv.index("--") + 1 :])
