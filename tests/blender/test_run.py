# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs with a worker without models."""

from __future__ import annotations

import importlib

import pytest


@pytest.fixture
def scene(bpy, fake_worker, style_image):
    """A cube and a monkey, selected, with all settings made."""
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    bpy.ops.mesh.primitive_monkey_add(location=(3, 0, 0))
    monkey = bpy.context.object
    cube.select_set(True)
    settings = bpy.context.scene.styletex
    settings.style_image = bpy.data.images.load(str(style_image))
    settings.prompt = "a box"
    settings.texture_size = "256"
    old = bpy.data.materials.new("Old")
    cube.data.materials.append(old)
    monkey.data.materials.append(old)
    bpy.ops.ed.undo_push(message="Set up")
    return bpy.context.scene


def module(name):
    return importlib.import_module(f"styletex.styletex_blender.{name}")


def test_operator_textures_every_selected_mesh(bpy, scene):
    assert bpy.ops.styletex.stylize() == {"FINISHED"}
    run = module("runner").current_run()
    assert [o.error for o in run.outcomes] == [None, None]
    for name in ("Cube", "Suzanne"):
        (slot,) = bpy.data.objects[name].material_slots
        assert slot.material.name == f"StyleTex · {name}"
