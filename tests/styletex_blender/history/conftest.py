# SPDX-License-Identifier: GPL-3.0-or-later
"""A cube alone, and a hand on its history."""

from __future__ import annotations

import pytest


@pytest.fixture
def cube(bpy, scene):
    """The scene with nothing but the cube selected."""
    bpy.data.objects["Suzanne"].select_set(False)
    cube = bpy.data.objects["Cube"]
    bpy.context.view_layer.objects.active = cube
    bpy.ops.ed.undo_push(message="Deselect")
    return cube


@pytest.fixture
def history(styletex):
    return styletex.module("history.entries")


@pytest.fixture
def shown(styletex):
    return styletex.module("history.shown")


@pytest.fixture
def variations(bpy):
    """Makes so many results of the active object."""

    def make(count=3, seed=5):
        bpy.context.scene.styletex.seed, bpy.context.scene.styletex.variations = seed, count
        assert bpy.ops.styletex.stylize() == {"FINISHED"}

    return make
