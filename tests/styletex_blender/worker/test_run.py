# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs with a worker without models."""

from __future__ import annotations


def test_operator_textures_every_selected_mesh(bpy, scene, styletex):
    assert bpy.ops.styletex.stylize() == {"FINISHED"}
    run = styletex.module("worker.runner").current_run()
    assert [o.error for o in run.outcomes] == [None, None]
    for name in ("Cube", "Suzanne"):
        (slot,) = bpy.data.objects[name].material_slots
        assert slot.material.name == f"StyleTex · {name}"
