# SPDX-License-Identifier: GPL-3.0-or-later
"""Only Here: what the artist chose is what the worker is given, with the texture that stays around it."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from styletex.core.job import JobError


@pytest.fixture
def prepared(bpy, styletex, scene):
    """Prepares the selected objects' jobs as the button does: the run, and what is in the folders."""
    runs = []
    bpy.data.materials["Old"].use_nodes = True

    def prepare(*objects):
        settings = styletex.module("settings").Settings.from_scene(bpy.context.scene)
        run = styletex.module("api").prepare(list(objects), settings)
        runs.append(run)
        folders = [task.folder.path for task in run.tasks]
        return run, [Exported(folder) for folder in folders]

    yield prepare
    for run in runs:
        for task in run.tasks:
            task.folder.leave(keep_checkpoint=False)


class Exported:
    def __init__(self, folder):
        self.job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        arrays = np.load(folder / "mesh.npz")
        self.centres = arrays["positions"][arrays["triangles"]].mean(axis=1)
        region = folder / "region.npz"
        self.weights = np.load(region)["corner_weights"] if region.exists() else None
        self.present = self.picture(folder / "present.png")
        self.mask = self.picture(folder / "only.png")

    @staticmethod
    def picture(path):
        if not path.exists():
            return None
        with Image.open(path) as picture:
            return np.asarray(picture)


@pytest.fixture
def cube(bpy, scene):
    return bpy.data.objects["Cube"]


@pytest.fixture
def choose(bpy, scene):
    def choose(**values):
        for name, value in values.items():
            setattr(bpy.context.scene.styletex, name, value)

    return choose


def edit(bpy, *objects):
    bpy.ops.object.mode_set(mode="OBJECT")
    for other in bpy.data.objects:
        other.select_set(other in objects)
    bpy.context.view_layer.objects.active = objects[0]
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_mode(type="FACE")
    bpy.ops.mesh.select_all(action="DESELECT")


def select_top(target):
    """In Edit Mode, which keeps it to itself."""
    import bmesh  # only there once bpy is

    shape = bmesh.from_edit_mesh(target.data)
    for face in shape.faces:
        face.select_set(face.normal.z > 0.9)
    bmesh.update_edit_mesh(target.data)


def texture(bpy, target, pixels, name="Present"):
    """Has the object show ``pixels`` uint8 [H, W, 4], row 0 at the bottom."""
    height, width = pixels.shape[:2]
    image = bpy.data.images.new(name, width, height, alpha=True)
    image.pixels.foreach_set((pixels.astype(np.float32) / 255.0).reshape(-1))
    for slot in target.material_slots:
        material = slot.material
        tree = material.node_tree
        node = tree.nodes.new("ShaderNodeTexImage")
        node.image = image
        shader = next(found for found in tree.nodes if found.type == "BSDF_PRINCIPLED")
        tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
    return image


def test_faces_selected_in_edit_mode_are_the_part_while_in_edit_mode(bpy, cube, choose, prepared):
    edit(bpy, cube)
    select_top(cube)
    choose(region="faces", region_border=0.03)
    _, (found,) = prepared(cube)
    assert found.job["region"] == "region.npz" and found.job["region_border"] == pytest.approx(0.03)
    assert found.job["restyle_strength"] == 1.0
    np.testing.assert_array_equal(found.weights == 1.0, np.repeat((found.centres[:, 2] > 0.9)[:, None], 3, axis=1))
    assert bpy.context.mode == "EDIT_MESH"
    bpy.ops.object.mode_set(mode="OBJECT")
    _, (again,) = prepared(cube)
    np.testing.assert_array_equal(again.weights, found.weights)


@pytest.mark.parametrize("modifier", ["SUBSURF", "MIRROR", "TRIANGULATE", "BEVEL"])
def test_selected_faces_are_found_again_behind_modifiers(bpy, cube, choose, prepared, styletex, modifier):
    edit(bpy, cube)
    select_top(cube)
    cube.modifiers.new(modifier, modifier)
    choose(region="faces")
    before = styletex.inventory()
    _, (found,) = prepared(cube)
    inside = (found.weights == 1.0).all(axis=1)
    high = found.centres[:, 2] > 0.98 * found.centres[:, 2].max()
    assert inside[high].all() and not inside[found.centres[:, 2] < 0.0].any()
    assert styletex.inventory() == before


def test_each_object_in_edit_mode_has_its_own_selected_faces(bpy, cube, choose, prepared):
    monkey = bpy.data.objects["Suzanne"]
    edit(bpy, cube, monkey)
    select_top(cube)
    choose(region="faces")
    run, (found,) = prepared(cube, monkey)
    assert found.job["object_name"] == "Cube"
    assert [outcome.error.message for outcome in run.refused] == ["No face of it is selected"]
    select_top(monkey)
    assert len(prepared(cube, monkey)[1]) == 2


def test_material_slot_is_the_part(bpy, cube, choose, prepared):
    cube.data.materials.append(cube.data.materials[0])
    cube.data.polygons[2].material_index = 1
    choose(region="slot", region_slot=2)
    _, (found,) = prepared(cube)
    assert (found.weights == 1.0).all(axis=1).sum() == 2 and (found.weights == 0.0).all(axis=1).sum() == 10
    choose(region_slot=3)
    with pytest.raises(JobError, match="no material slot 3, only 2"):
        prepared(cube)


def test_vertex_group_is_the_part_with_its_weights(bpy, cube, choose, prepared):
    group = cube.vertex_groups.new(name="Top")
    group.add([vertex.index for vertex in cube.data.vertices if vertex.co.z > 0.0], 0.5, "REPLACE")
    choose(region="group", region_group="Top")
    _, (found,) = prepared(cube)
    assert set(np.unique(found.weights)) == {0.0, 0.5}
    assert (found.weights[found.centres[:, 2] > 0.9] == 0.5).all()
    assert (found.weights[found.centres[:, 2] < -0.9] == 0.0).all()
    choose(region_group="Gone")
    with pytest.raises(JobError, match="no vertex group 'Gone'"):
        prepared(cube)


def test_mask_image_is_the_part_as_it_is_painted(bpy, cube, choose, prepared):
    mask = bpy.data.images.new("Mask", 4, 4)
    values = np.zeros((4, 4, 4), dtype=np.float32)
    values[2:, :, :3], values[..., 3] = 0.5, 1.0
    mask.pixels.foreach_set(values.reshape(-1))
    choose(region="mask", region_mask=mask)
    _, (found,) = prepared(cube)
    assert found.job["region"] == "only.png" and found.weights is None
    assert (found.mask[:2, :, :3] == 128).all() and (found.mask[2:, :, :3] == 0).all()
    choose(region_mask=None)
    with pytest.raises(JobError, match="No image is chosen as a mask"):
        prepared(cube)


@pytest.mark.parametrize("transparent", [False, True])
def test_present_texture_is_given_with_every_bit(bpy, cube, choose, prepared, transparent):
    pixels = np.random.default_rng(0).integers(0, 256, (48, 80, 4), dtype=np.uint8)
    pixels[0, 0, 3] = 0
    if not transparent:
        pixels[..., 3] = 255
    texture(bpy, cube, pixels)
    edit(bpy, cube)
    select_top(cube)
    choose(region="faces")
    _, (found,) = prepared(cube)
    np.testing.assert_array_equal(found.present[::-1], pixels if transparent else pixels[..., :3])


def test_plain_colour_fills_a_texture_of_the_size_that_is_set(bpy, cube, choose, prepared):
    edit(bpy, cube)
    select_top(cube)
    choose(region="faces")
    _, (found,) = prepared(cube)
    assert found.present.shape[:2] == (256, 256) and len(np.unique(found.present.reshape(-1, 3), axis=0)) == 1
    cube.data.materials.clear()
    assert prepared(cube)[1][0].present.shape[:2] == (256, 256)


def test_float_texture_is_taken_and_that_is_told(bpy, cube, choose, prepared):
    image = texture(bpy, cube, np.full((8, 8, 4), 255, dtype=np.uint8))
    node = next(n for n in cube.data.materials[0].node_tree.nodes if n.type == "TEX_IMAGE")
    node.image = bpy.data.images.new("Float", 8, 8, float_buffer=True)
    bpy.data.images.remove(image)
    edit(bpy, cube)
    select_top(cube)
    choose(region="faces")
    run, (found,) = prepared(cube)
    assert found.present.shape[:2] == (8, 8)
    assert any("a float image" in warning for warning in run.warnings)


def test_all_faces_are_the_whole_object_and_none_is_refused(bpy, cube, choose, prepared):
    edit(bpy, cube)
    choose(region="faces")
    with pytest.raises(JobError, match="No face of it is selected"):
        prepared(cube)
    bpy.ops.mesh.select_all(action="SELECT")
    run, (found,) = prepared(cube)
    assert found.job["region"] is None and found.job["base_color"] is None
    assert any("All faces" in warning for warning in run.warnings)


def test_part_of_an_objects_own_goes_before_the_scenes(bpy, cube, choose, prepared):
    group = cube.vertex_groups.new(name="Top")
    group.add([0], 1.0, "REPLACE")
    cube.styletex.use_own = cube.styletex.use_region = True
    cube.styletex.region, cube.styletex.region_group = "group", "Top"
    _, (own, other) = prepared(cube, bpy.data.objects["Suzanne"])
    assert own.job["region"] == "region.npz" and other.job["region"] is None
    cube.styletex.use_region = False
    assert prepared(cube)[1][0].job["region"] is None


def test_restyle_strength_counts_where_the_present_colour_is_the_start(bpy, cube, choose, prepared):
    edit(bpy, cube)
    select_top(cube)
    choose(region="faces", start_from_present=True, restyle_strength=0.25)
    assert prepared(cube)[1][0].job["restyle_strength"] == 0.25


def test_another_selection_is_another_job_and_goes_on_from_no_checkpoint_of_the_first(bpy, cube, choose, prepared):
    edit(bpy, cube)
    select_top(cube)
    choose(region="faces")
    first, _ = prepared(cube)
    (first.tasks[0].folder.path / "checkpoint.safetensors").write_bytes(b"first")
    place = first.tasks[0].folder.path
    first.tasks[0].folder.leave(keep_checkpoint=True)
    again, _ = prepared(cube)
    assert again.tasks[0].folder.path == place and again.tasks[0].folder.resumable
    again.tasks[0].folder.leave(keep_checkpoint=True)
    bpy.ops.mesh.select_all(action="INVERT")
    other, _ = prepared(cube)
    assert other.tasks[0].folder.path != place and not other.tasks[0].folder.resumable
    shutil.rmtree(place)


def test_job_that_is_made_again_means_the_faces_that_were_selected_then(bpy, cube, choose, prepared, styletex):
    edit(bpy, cube)
    select_top(cube)
    choose(region="faces")
    run, (found,) = prepared(cube)
    bpy.ops.mesh.select_all(action="INVERT")
    bpy.ops.object.mode_set(mode="OBJECT")
    cube.data.vertices[0].co *= 1.01
    again = run.tasks[0].export_again(cube)
    with np.load(again.folder.path / "region.npz") as arrays:
        np.testing.assert_array_equal(arrays["corner_weights"], found.weights)
    edit(bpy, cube)
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.mesh.subdivide()
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(JobError, match="cannot be told any more"):
        again.export_again(cube)


def test_what_is_transparent_in_a_mask_is_no_part(bpy, cube, choose, prepared):
    image = bpy.data.images.new("Mask", 8, 8, alpha=True)
    pixels = np.ones((8, 8, 4), np.float32)
    pixels[:, 4:, 3] = 0.0
    image.pixels.foreach_set(pixels.ravel())
    choose(region="mask", region_mask=image)
    run, _ = prepared(cube)
    with Image.open(run.tasks[0].folder.path / "only.png") as file:
        seen = np.asarray(file.convert("L"))
    assert (seen[:, :4] == 255).all() and (seen[:, 4:] == 0).all()
