# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene of three objects: one without UVs, one with a subdivision modifier, one broken. Also run as a script, by the
Blender that is to open it, since a Blender does not open what a newer one wrote: three_objects.py -- FILE.blend
"""

from __future__ import annotations

import sys

import bpy


def make() -> None:
    """Put the objects into the present scene."""
    bpy.ops.mesh.primitive_monkey_add(location=(-3, 0, 0))
    bpy.context.object.name = "Bare"
    bpy.context.object.data.uv_layers.remove(bpy.context.object.data.uv_layers[0])
    bpy.ops.mesh.primitive_cube_add()
    bpy.context.object.name = "Smooth"
    bpy.context.object.modifiers.new("Subdivision", "SUBSURF").levels = 2
    bpy.ops.mesh.primitive_cube_add(location=(3, 0, 0))
    bpy.context.object.name = "Broken"
    bpy.context.object.data.clear_geometry()


if __name__ == "__main__":
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    make()
    bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1])
