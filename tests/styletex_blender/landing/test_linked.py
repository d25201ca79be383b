# SPDX-License-Identifier: GPL-3.0-or-later
"""A texture that waits goes to all objects that it was made for: those that share their mesh."""

from __future__ import annotations

import pytest

STYLED = "StyleTex · Cube"


@pytest.fixture
def twins(bpy, scene):
    """The cube, and a copy with the same mesh."""
    cube = bpy.data.objects["Cube"]
    twin = cube.copy()
    bpy.context.collection.objects.link(twin)
    return [cube, twin]


@pytest.fixture
def kept_back(bpy, twins, styletex, tmp_path):
    """The name of the folder of a texture that could not be put on the two."""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    bpy.context.scene.styletex.destination = "beside"
    run = styletex.begin(twins)
    styletex.until(lambda: run.frames_shown >= 1)
    (tmp_path / "textures").write_text("in the way")
    styletex.end(run)
    assert [outcome.kept is not None for outcome in run.outcomes] == [True]
    (tmp_path / "textures").unlink()
    return run.outcomes[0].kept.name


def shown(objects):
    return [slot.material.name for target in objects for slot in target.material_slots]


def test_apply_puts_it_on_all_of_them(bpy, twins, kept_back):
    assert bpy.ops.styletex.apply_kept(folder=kept_back) == {"FINISHED"}
    assert shown(twins) == [STYLED, STYLED]


def test_in_the_next_session_too(bpy, twins, kept_back, styletex):
    styletex.module("worker.runner").dismiss()
    assert styletex.module("worker.runner").current_run() is None
    assert bpy.ops.styletex.apply_kept(folder=kept_back) == {"FINISHED"}
    assert shown(twins) == [STYLED, STYLED]


def test_one_that_has_another_mesh_by_now_keeps_its_material(bpy, twins, kept_back):
    twins[1].data = twins[1].data.copy()
    assert bpy.ops.styletex.apply_kept(folder=kept_back) == {"FINISHED"}
    assert shown(twins) == [STYLED, "Old"]


def test_when_it_fails_all_have_what_they_had(bpy, twins, kept_back, styletex, monkeypatch):
    land = styletex.module("landing.land")
    apply_texture = land.apply_texture

    def fail_at_the_end(*given):
        apply_texture(*given)
        for other in twins:
            for slot in other.material_slots:
                slot.link, slot.material = "OBJECT", None
        raise RuntimeError("nothing works")

    monkeypatch.setattr(land, "apply_texture", fail_at_the_end)
    with pytest.raises(RuntimeError, match="nothing works"):
        bpy.ops.styletex.apply_kept(folder=kept_back)
    assert shown(twins) == ["Old", "Old"]
