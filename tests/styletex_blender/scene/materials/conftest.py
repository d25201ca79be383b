# SPDX-License-Identifier: GPL-3.0-or-later
"""A cube that the tests give materials."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def cube(bpy, scene):
    """A cube without materials, selected alone."""
    bpy.data.objects["Suzanne"].select_set(False)
    cube = bpy.data.objects["Cube"]
    cube.data.materials.clear()
    bpy.context.view_layer.objects.active = cube
    return cube


@pytest.fixture
def give(bpy, cube):
    """Give the cube a material with a Principled BSDF in a further slot; returns it and its node tree."""

    def give(name="Wood"):
        material = bpy.data.materials.new(name)
        if bpy.app.version < (5, 0):
            material.use_nodes = True
        cube.data.materials.append(material)
        return material, material.node_tree

    return give


@pytest.fixture
def picture(bpy):
    """A small picture of the artist's."""
    image = bpy.data.images.new("picture", 4, 4)
    image.pixels.foreach_set(np.tile(np.array([0.8, 0.4, 0.9, 1.0], np.float32), 16))
    return image
