# SPDX-License-Identifier: GPL-3.0-or-later
"""The artist works on while a texture is made: what changes is said when it happens, and no texture lands where it does
not fit.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

STYLED = "StyleTex · Cube"


@pytest.fixture
def cube(bpy, scene):
    bpy.data.objects["Suzanne"].select_set(False)
    bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
    return bpy.data.objects["Cube"]


def shown(target):
    return [slot.material.name if slot.material else None for slot in target.material_slots]


def extrude(bpy, cube):
    import bmesh  # There is none before ``bpy``.

    shape = bmesh.new()
    shape.from_mesh(cube.data)
    bmesh.ops.subdivide_edges(shape, edges=shape.edges[:], cuts=1)
    shape.to_mesh(cube.data)
    cube.data.update()


def unwrap_anew(bpy, cube):
    layer = cube.data.uv_layers["UVMap"]
    layer.uv.foreach_set("vector", np.linspace(0.0, 1.0, len(cube.data.loops) * 2, dtype=np.float32))
    cube.data.update_tag()


def remove_uvs(bpy, cube):
    cube.data.uv_layers.remove(cube.data.uv_layers["UVMap"])
    cube.data.update_tag()


def unwrap_in_edit_mode(bpy, cube):
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.uv.cube_project()


def delete_faces_in_edit_mode(bpy, cube):
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.mesh.subdivide()


def join(bpy, cube):
    other = bpy.data.objects["Suzanne"]
    with bpy.context.temp_override(active_object=cube, object=cube, selected_editable_objects=[cube, other]):
        bpy.ops.object.join()


def exchange_mesh(bpy, cube):
    cube.data = bpy.data.objects["Suzanne"].data


def give_another_material(bpy, cube):
    cube.material_slots[0].material = bpy.data.materials.new("Mine")


def add_slot(bpy, cube):
    cube.data.materials.append(bpy.data.materials.new("Mine"))


def convert(bpy, cube):
    bpy.context.view_layer.objects.active = cube
    bpy.ops.object.convert(target="POINTCLOUD")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (extrude, "its faces were changed"),
        (exchange_mesh, "its faces were changed"),
        (join, "its faces were changed"),
        (delete_faces_in_edit_mode, "its faces were changed"),
        (unwrap_anew, "its UV map 'UVMap' was changed"),
        (unwrap_in_edit_mode, "its UV map 'UVMap' was changed"),
        (remove_uvs, "its UV map 'UVMap' was removed"),
        (convert, "it was made a pointcloud"),
        (give_another_material, "it was given another material"),
        (add_slot, "its material slots were changed"),
    ],
)
def test_change_is_said_when_it_happens_and_the_texture_is_kept_and_not_put_on(bpy, cube, styletex, change, words):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    assert not run.changes.any
    change(bpy, cube)
    bpy.context.view_layer.update()
    styletex.until(lambda: run.changes.any == words)
    styletex.end(run)
    (outcome,) = run.outcomes
    assert not outcome.textured and words in outcome.error.message
    assert (outcome.kept / "base_color.png").is_file()
    assert STYLED not in bpy.data.images and STYLED not in bpy.data.materials
    assert STYLED not in shown(bpy.data.objects["Cube"])
    assert bpy.ops.styletex.again.poll() == (bpy.context.mode == "OBJECT")


def test_renamed_object_gets_its_texture(bpy, cube, styletex):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    cube.name = "Crate"
    bpy.data.objects["Suzanne"].name = "Cube"
    styletex.end(run)
    assert run.outcomes[0].textured
    assert "Crate" in bpy.data.objects and shown(bpy.data.objects["Crate"])[0].startswith("StyleTex")
    assert not any((name or "").startswith("StyleTex") for name in shown(bpy.data.objects["Cube"]))


def test_mesh_that_is_edited_while_its_new_uvs_wait_keeps_them_waiting(bpy, cube, styletex):
    cube.data.uv_layers.remove(cube.data.uv_layers[0])
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    delete_faces_in_edit_mode(bpy, cube)
    bpy.context.view_layer.update()
    styletex.until(lambda: run.changes.unfit == "its faces were changed")
    styletex.module("worker.runner").finish()
    styletex.until(lambda: run.waits_for)
    bpy.ops.object.mode_set(mode="OBJECT")
    styletex.until(lambda: run.finished)
    assert (run.outcomes[0].kept / "new_uvs.npy").is_file()
    assert len(cube.data.uv_layers) == 0 and shown(cube) == ["Old"]
    assert styletex.module("scene.export").export_object(cube, bpy.context).uv_map == "StyleTex"


@pytest.mark.parametrize("change", [unwrap_anew, unwrap_in_edit_mode])
def test_undone_change_is_no_change(bpy, cube, styletex, change):
    before = styletex.module("scene.uv").read_uvs(cube.data, "UVMap")
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    change(bpy, cube)
    bpy.context.view_layer.update()
    styletex.until(lambda: run.changes.unfit)
    if cube.mode == "EDIT":
        bpy.ops.object.mode_set(mode="OBJECT")
    cube.data.uv_layers["UVMap"].uv.foreach_set("vector", before.reshape(-1))
    cube.data.update_tag()
    bpy.context.view_layer.update()
    styletex.until(lambda: not run.changes.any)
    styletex.end(run)
    assert run.outcomes[0].textured and shown(cube) == [STYLED]


def test_stylize_again_begins_anew_with_the_mesh_as_it_is(bpy, cube, styletex):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    assert not bpy.ops.styletex.again.poll()
    extrude(bpy, cube)
    bpy.context.view_layer.update()
    styletex.until(lambda: run.changes.unfit)
    first = run.task
    bpy.ops.styletex.again()
    styletex.until(lambda: run.task.job_id != first.job_id and run.frame is not None)
    assert not run.changes.any
    styletex.end(run)
    assert [outcome.textured for outcome in run.outcomes] == [True]
    assert shown(cube) == [STYLED]
    assert not first.folder.path.exists() or first.folder.path == run.task.folder.path


def test_stylize_again_after_the_end_makes_the_texture_for_the_mesh_as_it_is(bpy, cube, styletex, fake_worker):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    extrude(bpy, cube)
    styletex.end(run)
    assert run.outcomes[0].kept
    styletex.module("worker.warm_worker").close()
    fake_worker()
    bpy.ops.object.select_all(action="DESELECT")
    assert bpy.ops.styletex.again() == {"FINISHED"}
    assert shown(cube) == [STYLED]


def test_apply_puts_a_texture_on_over_another_material_but_not_on_other_faces(bpy, cube, styletex):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    give_another_material(bpy, cube)
    styletex.end(run)
    folder = run.outcomes[0].kept.name
    uvs = styletex.module("scene.uv").read_uvs(cube.data, "UVMap")
    unwrap_anew(bpy, cube)
    with pytest.raises(RuntimeError, match="its UV map 'UVMap' was changed"):
        bpy.ops.styletex.apply_kept(folder=folder)
    cube.data.uv_layers["UVMap"].uv.foreach_set("vector", uvs.reshape(-1))
    assert bpy.ops.styletex.apply_kept(folder=folder) == {"FINISHED"}
    assert shown(cube) == [STYLED]
    assert bpy.data.materials["Mine"].use_fake_user


def move_a_vertex(bpy, cube):
    cube.data.vertices[0].co.x += 0.5
    cube.data.update()


def add_modifier(bpy, cube):
    cube.modifiers.new("Smooth", "SUBSURF")


@pytest.mark.parametrize(("change", "words"), [(move_a_vertex, "its shape was"), (add_modifier, "its modifiers were")])
def test_texture_that_still_fits_is_put_on_with_a_word_on_what_changed(bpy, cube, styletex, change, words):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    change(bpy, cube)
    bpy.context.view_layer.update()
    styletex.until(lambda: words in run.changes.stale)
    styletex.end(run)
    assert run.outcomes[0].textured
    assert any(words in warning for warning in run.warnings)


def rename_object(bpy, cube):
    cube.name = "Box"


def move_object(bpy, cube):
    cube.location.x += 5.0
    cube.scale.y = 2.0


def make_single_user(bpy, cube):
    cube.data = cube.data.copy()


def hide_collection(bpy, cube):
    hidden = bpy.data.collections.new("Hidden")
    bpy.context.scene.collection.children.link(hidden)
    hidden.objects.link(cube)
    bpy.context.scene.collection.objects.unlink(cube)
    hidden.hide_viewport = True
    bpy.context.view_layer.layer_collection.children["Hidden"].exclude = True


def remove_style_image(bpy, cube):
    bpy.data.images.remove(bpy.context.scene.styletex.style_image)


def change_settings(bpy, cube):
    bpy.context.scene.styletex.prompt = ""
    bpy.context.scene.styletex.texture_size = "4096"
    bpy.context.scene.styletex.destination = "beside"


def look_into_edit_mode(bpy, cube):
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.object.mode_set(mode="OBJECT")


@pytest.mark.parametrize(
    "change",
    [
        *(rename_object, move_object, make_single_user, hide_collection),
        *(remove_style_image, change_settings, look_into_edit_mode),
    ],
)
def test_what_a_texture_does_not_depend_on_does_not_matter(bpy, cube, styletex, change):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    change(bpy, cube)
    bpy.context.view_layer.update()
    styletex.end(run)
    assert run.outcomes[0].textured, run.outcomes[0].error
    assert run.warnings == []
    assert shown(cube) == [f"StyleTex · {cube.name}"]


def test_saving_elsewhere_meanwhile_puts_the_texture_beside_the_new_file(bpy, cube, styletex, tmp_path):
    (tmp_path / "new").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "old.blend"))
    bpy.context.scene.styletex.destination = "beside"
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "new" / "new.blend"))
    styletex.end(run)
    assert run.outcomes[0].textured
    assert [path.name for path in (tmp_path / "new" / "textures").iterdir()] == ["StyleTex _ Cube.png"]
    assert not (tmp_path / "textures").exists()


def test_renamed_uv_map_is_found_by_its_coordinates(bpy, cube, styletex):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    cube.data.uv_layers["UVMap"].name = "Mine"
    bpy.context.view_layer.update()
    styletex.end(run)
    assert run.outcomes[0].textured
    nodes = cube.material_slots[0].material.node_tree.nodes
    assert nodes["StyleTex UV Map"].uv_map == "Mine"


def test_slots_get_their_own_materials_back_when_one_was_removed(bpy, cube, styletex):
    """The first slot is the mesh's, the second the object's own."""
    second, third = bpy.data.materials.new("Second"), bpy.data.materials.new("Third")
    cube.data.materials.append(second)
    cube.data.materials.append(third)
    cube.material_slots[1].link = "OBJECT"
    cube.material_slots[1].material = bpy.data.materials.new("Own")
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    assert all(name.startswith("StyleTex Preview") for name in shown(cube))
    cube.active_material_index = 0
    bpy.ops.object.material_slot_remove()
    styletex.module("worker.runner").cancel()
    styletex.until(lambda: run.finished)
    assert [(slot.link, slot.material.name) for slot in cube.material_slots] == [("OBJECT", "Own"), ("DATA", "Third")]
    assert [found.name for found in cube.data.materials] == ["Second", "Third"]
    assert not [found for found in bpy.data.materials if "Preview" in found.name]


def test_material_that_the_artist_gives_meanwhile_is_not_covered_again(bpy, cube, styletex):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    give_another_material(bpy, cube)
    bpy.context.view_layer.update()
    styletex.until(lambda: run.changes.replaced)
    frames = run.frames_shown
    styletex.until(lambda: run.frames_shown > frames + 1)
    assert shown(cube) == ["Mine"]
    styletex.end(run)
    assert shown(cube) == ["Mine"]


def test_object_that_changed_while_others_were_textured_is_read_again(bpy, scene, styletex):
    cube, monkey = bpy.data.objects["Cube"], bpy.data.objects["Suzanne"]
    run = styletex.begin([monkey, cube])
    styletex.until(lambda: run.frames_shown >= 1)
    extrude(bpy, cube)
    first = run.tasks[1]
    styletex.end(run)
    assert [outcome.textured for outcome in run.outcomes] == [True, True]
    assert run.tasks[1].job_id != first.job_id
    assert not first.folder.path.exists()


def test_changes_are_looked_for_when_blender_says_so_and_not_all_the_time(bpy, cube, styletex, monkeypatch):
    run_state = styletex.module("worker.run_state")
    looks = []
    changes_since = run_state.changes_since
    monkeypatch.setattr(run_state, "changes_since", lambda *rest: looks.append(1) or changes_since(*rest))
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    bpy.context.view_layer.update()
    styletex.until(lambda: not run.look_again)
    seen, frames = len(looks), run.frames_shown
    styletex.until(lambda: run.frames_shown >= frames + 3)
    assert len(looks) == seen
    styletex.end(run)


def test_killed_worker_after_a_change_still_says_why(bpy, cube, styletex):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    extrude(bpy, cube)
    os.kill(styletex.module("worker.warm_worker")._client.pid, 15)
    styletex.until(lambda: run.finished)
    assert run.outcomes[0].error.code == "worker_died"
