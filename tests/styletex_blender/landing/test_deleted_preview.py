# SPDX-License-Identifier: GPL-3.0-or-later
"""The artist deletes the preview's material, or takes it out of its slot, while a texture is made."""

from __future__ import annotations

import pytest

PREVIEW = "StyleTex Preview"


@pytest.fixture
def cube(bpy, scene):
    bpy.data.objects["Suzanne"].select_set(False)
    cube = bpy.data.objects["Cube"]
    bpy.context.view_layer.objects.active = cube
    return cube


def delete(bpy, cube):
    for material in [found for found in bpy.data.materials if found.name.startswith(PREVIEW)]:
        bpy.data.materials.remove(material)


def take_out(bpy, cube):
    cube.material_slots[0].material = None


def slots(target):
    return [(slot.link, slot.material.name if slot.material else None) for slot in target.material_slots]


def two_links(bpy, cube):
    """A material linked to the mesh, and one linked to the object."""
    cube.data.materials.append(bpy.data.materials["Old"])
    cube.material_slots[1].link = "OBJECT"
    cube.material_slots[1].material = bpy.data.materials.new("Mine")


def nothing(bpy, cube):
    cube.data.materials.clear()


def no_uvs(bpy, cube):
    cube.data.uv_layers.remove(cube.data.uv_layers[0])


def as_it_is(bpy, cube):
    pass


@pytest.mark.parametrize("kind", [as_it_is, two_links, nothing, no_uvs])
@pytest.mark.parametrize("remove", [delete, take_out])
def test_texture_lands_in_the_emptied_slot(bpy, cube, styletex, monkeypatch, remove, kind):
    kind(bpy, cube)
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    assert cube.material_slots[0].material.name.startswith(PREVIEW)
    # As in the tick in which the texture comes: no frame puts the preview back.
    run.frame = None
    remove(bpy, cube)
    bpy.context.view_layer.update()
    monkeypatch.setattr(styletex.module("worker.showing"), "_may_show", lambda _run: False)
    styletex.end(run)
    (outcome,) = run.outcomes
    assert outcome.error is None and outcome.textured
    assert all(slot.material.node_tree.nodes["StyleTex Texture"].image for slot in cube.material_slots)
    assert not any(found.name.startswith(PREVIEW) for found in [*bpy.data.materials, *bpy.data.images])
    assert len(cube.data.uv_layers) == 1


@pytest.mark.parametrize("kind", [as_it_is, two_links, nothing, no_uvs])
@pytest.mark.parametrize("remove", [delete, take_out])
def test_canceled_job_leaves_the_slots_as_they_were(bpy, cube, styletex, remove, kind):
    kind(bpy, cube)
    before, maps = slots(cube), len(cube.data.uv_layers)
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    remove(bpy, cube)
    styletex.module("worker.runner").cancel()
    styletex.until(lambda: run.finished)
    assert slots(cube) == before and len(cube.data.uv_layers) == maps
    cube.data.materials.clear()
    styletex.module("scene.preview").hide_previews()
    assert not cube.material_slots, "what is emptied later stays empty"


def test_preview_comes_back_with_the_next_frame(bpy, cube, styletex):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    delete(bpy, cube)
    shown = run.frames_shown
    styletex.until(lambda: run.frames_shown > shown)
    assert cube.material_slots[0].material.name.startswith(PREVIEW)
    assert not run.changes.any
    styletex.end(run)
    assert run.outcomes[0].textured
