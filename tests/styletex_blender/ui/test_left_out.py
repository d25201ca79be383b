# SPDX-License-Identifier: GPL-3.0-or-later
"""What is selected and has a surface, and is not textured, is said; cameras and lights are nobody's surprise."""

from __future__ import annotations

import pytest


@pytest.fixture
def beside(bpy, scene):
    """A collection instance, a curve and a camera, selected beside the meshes."""
    rocks = bpy.data.collections.new("Rocks")
    made = [bpy.data.objects.new("Instance", None), bpy.data.objects.new("Path", bpy.data.curves.new("Path", "CURVE"))]
    made.append(bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera")))
    made[0].instance_type, made[0].instance_collection = "COLLECTION", rocks
    for found in made:
        bpy.context.collection.objects.link(found)
        found.select_set(True)


def test_they_are_named_with_the_way_out(bpy, beside, styletex, fake_worker):
    fake_worker("--steps", "3")
    assert bpy.ops.styletex.stylize() == {"FINISHED"}
    run = styletex.module("worker.runner").current_run()
    assert [outcome.textured for outcome in run.outcomes] == [True, True]
    instance, path = run.warnings
    assert instance.startswith("Instance is not textured: It is an instance of the collection 'Rocks'")
    assert "Make Instances Real" in instance
    assert path.startswith("Path is not textured: Its type is Curve, not a mesh") and "Convert" in path


def test_meshes_alone_bring_no_word(bpy, scene, styletex, fake_worker):
    fake_worker("--steps", "3")
    assert bpy.ops.styletex.stylize() == {"FINISHED"}
    assert styletex.module("worker.runner").current_run().warnings == []
