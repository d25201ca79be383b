# SPDX-License-Identifier: GPL-3.0-or-later
"""With a texture of the colour that was there before, a kept material renders as it did, to the pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest


@pytest.fixture
def render(bpy, tmp_path):
    """Renders the scene by Cycles: uint8 [48, 48, 3]."""
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.device = "CYCLES", "CPU"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.seed = 8, False, 1
    scene.render.resolution_x = scene.render.resolution_y = 48
    scene.render.image_settings.file_format = "PNG"
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location = (0.0, 0.0, 2.6)
    sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    sun.rotation_euler = (math.radians(50.0), 0.0, math.radians(60.0))
    for found in (camera, sun):
        scene.collection.objects.link(found)
    scene.camera = camera

    def render():
        from PIL import Image

        scene.render.filepath = str(tmp_path / "render.png")
        bpy.ops.render.render(write_still=True)
        with Image.open(scene.render.filepath) as picture:
            return np.asarray(picture.convert("RGB"), dtype=int)

    return render


@pytest.fixture
def plane(bpy):
    """A white, rough plane with a normal map on the UV map for rendering, which is not the active one."""
    bpy.ops.mesh.primitive_plane_add()
    plane = bpy.context.object
    plane.data.uv_layers.new(name="Second")
    plane.data.uv_layers.active = plane.data.uv_layers["Second"]
    uvs = np.empty(8, np.float32)
    plane.data.uv_layers["Second"].uv.foreach_get("vector", uvs)
    plane.data.uv_layers["Second"].uv.foreach_set("vector", uvs * 0.3)
    material = bpy.data.materials.new("Waves")
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    tree = material.node_tree
    principled = tree.nodes["Principled BSDF"]
    principled.inputs["Base Color"].default_value = (1.0, 1.0, 1.0, 1.0)
    principled.inputs["Roughness"].default_value = 0.3
    waves = 0.5 * np.sin(np.arange(64) / 64 * 2 * np.pi * 6)
    slopes = np.stack([waves / 2 + 0.5, np.full(64, 0.5), np.sqrt(1 - waves**2) / 2 + 0.5, np.ones(64)], axis=-1)
    image = bpy.data.images.new("waves", 64, 64)
    image.colorspace_settings.name = "Non-Color"
    image.pixels.foreach_set(np.tile(slopes.astype(np.float32), (64, 1)).ravel())
    node, normal_map = tree.nodes.new("ShaderNodeTexImage"), tree.nodes.new("ShaderNodeNormalMap")
    node.image = image
    tree.links.new(node.outputs["Color"], normal_map.inputs["Color"])
    tree.links.new(normal_map.outputs["Normal"], principled.inputs["Normal"])
    plane.data.materials.append(material)
    bpy.context.view_layer.update()
    return plane


def test_kept_material_renders_as_before_and_relief_is_where_the_texture_changes(bpy, styletex, plane, render):
    apply_texture = styletex.module("scene.material").apply_texture
    white, striped = bpy.data.images.new("white", 16, 16), bpy.data.images.new("striped", 64, 64)
    white.pixels.foreach_set(np.ones(16 * 16 * 4, np.float32))
    stripes = np.ones((64, 64, 4), np.float32)
    stripes[::2, :, :3] = 0.3
    striped.pixels.foreach_set(stripes.ravel())
    before = render()
    assert apply_texture(plane, white, "Second", (), "keep", 0.0) == []
    np.testing.assert_array_equal(render(), before)
    apply_texture(plane, white, "Second", (), "keep", 1.0)
    assert np.abs(render() - before).max() <= 1
    apply_texture(plane, striped, "Second", (), "keep", 0.0)
    flat = render()
    apply_texture(plane, striped, "Second", (), "keep", 1.0)
    assert np.abs(render() - flat).max() > 20
    normal = plane.active_material.node_tree.nodes["Principled BSDF"].inputs["Normal"]
    plane.active_material.node_tree.links.remove(normal.links[0])
    apply_texture(plane, white, "Second", (), "keep", 0.0)
    assert np.abs(render() - before).max() > 20, "the normal map is to be seen at all"
