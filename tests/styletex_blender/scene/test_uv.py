# SPDX-License-Identifier: GPL-3.0-or-later
"""UV maps: the artist's stay as they are, and a mesh without one gets one without side effects."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.mark.parametrize("mode", ["OBJECT", "EDIT", "SCULPT"])
def test_unwrapping_keeps_selection_active_object_mode_and_datablocks(bpy, styletex, scene, mode):
    cube, monkey = bpy.data.objects["Cube"], bpy.data.objects["Suzanne"]
    monkey.data.uv_layers.remove(monkey.data.uv_layers[0])
    cube.select_set(True)
    monkey.select_set(False)
    bpy.context.view_layer.objects.active = cube
    bpy.ops.object.mode_set(mode=mode)
    before = styletex.inventory()
    exported = styletex.module("scene.export").export_object(monkey, bpy.context)
    assert exported.uv_map == "StyleTex"
    assert exported.new_uvs.shape == (len(monkey.data.loops), 2)
    assert exported.new_uvs.min() >= 0.0
    assert exported.new_uvs.max() <= 1.0
    assert styletex.inventory() == before
    assert len(monkey.data.uv_layers) == 0
    assert (cube.mode, monkey.mode) == (mode, "OBJECT")
    assert bpy.context.view_layer.objects.active == cube
    assert [found.name for found in bpy.context.selected_objects] == ["Cube"]
    bpy.ops.object.mode_set(mode="OBJECT")


def test_hidden_and_unselected_faces_are_unwrapped_too(bpy, styletex, scene):
    cube = bpy.data.objects["Cube"]
    cube.data.uv_layers.remove(cube.data.uv_layers[0])
    cube.data.polygons.foreach_set("hide", [True, False, True, False, False, False])
    cube.data.polygons.foreach_set("select", [False] * 6)
    exported = styletex.module("scene.export").export_object(cube, bpy.context)
    uvs = exported.arrays.corner_uvs.astype(np.float64)
    first, second = uvs[:, 1] - uvs[:, 0], uvs[:, 2] - uvs[:, 0]
    areas = np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])
    assert areas.min() > 0.01
    hidden = np.empty(6, dtype=bool)
    cube.data.polygons.foreach_get("hide", hidden)
    assert hidden.tolist() == [True, False, True, False, False, False]


def test_the_artists_uv_maps_stay_and_the_active_one_is_used(bpy, styletex, scene):
    cube = bpy.data.objects["Cube"]
    second = cube.data.uv_layers.new(name="Second")
    shifted = np.linspace(0.0, 1.0, len(cube.data.loops) * 2, dtype=np.float32) ** 2
    second.uv.foreach_set("vector", shifted)
    cube.data.uv_layers.active = second
    before = {layer.name: styletex.module("scene.uv").read_uvs(cube.data, layer.name) for layer in cube.data.uv_layers}
    exported = styletex.module("scene.export").export_object(cube, bpy.context)
    bpy.ops.styletex.stylize()
    assert (exported.uv_map, exported.new_uvs) == ("Second", None)
    for name, uvs in before.items():
        np.testing.assert_array_equal(styletex.module("scene.uv").read_uvs(cube.data, name), uvs)
    assert cube.data.uv_layers.active.name == "Second"
    material = cube.material_slots[0].material
    assert material.node_tree.nodes["StyleTex UV Map"].uv_map == "Second"
