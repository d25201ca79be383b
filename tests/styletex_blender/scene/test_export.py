# SPDX-License-Identifier: GPL-3.0-or-later
"""The exported arrays: what the worker gets is what the artist sees."""

from __future__ import annotations

import math

import numpy as np
import pytest

from styletex.core.job import JobError, read_job


@pytest.fixture
def export(bpy, styletex):
    return lambda target: styletex.module("scene.export").export_object(target, bpy.context)


def face_normals(arrays):
    corners = arrays.positions[arrays.triangles].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def test_transformed_cube_is_exported_as_it_stands_around_its_middle(bpy, export):
    bpy.ops.mesh.primitive_cube_add(location=(1, 2, 3), rotation=(0, 0, math.pi / 2))
    cube = bpy.context.object
    cube.scale = (1, 2, 3)
    arrays = export(cube).arrays
    assert arrays.positions.dtype == np.float32
    assert arrays.triangles.dtype == np.int32
    assert arrays.triangles.shape == (12, 3)
    assert arrays.corner_uvs.shape == (12, 3, 2)
    assert arrays.corner_normals.shape == (12, 3, 3)
    np.testing.assert_allclose(arrays.positions.min(axis=0), [-2, -1, -3], atol=1e-6)
    np.testing.assert_allclose(arrays.positions.max(axis=0), [2, 1, 3], atol=1e-6)
    np.testing.assert_allclose(arrays.corner_normals, np.repeat(face_normals(arrays)[:, None], 3, axis=1), atol=1e-5)


def test_corner_uvs_are_those_of_the_corner(bpy, export):
    bpy.ops.mesh.primitive_plane_add()
    plane = bpy.context.object
    arrays = export(plane).arrays
    # Blender's plane: the UV map is the position, mapped from [-1, 1] to [0, 1].
    expected = arrays.positions[arrays.triangles][..., :2] / 2 + 0.5
    np.testing.assert_allclose(arrays.corner_uvs, expected, atol=1e-6)
    np.testing.assert_allclose(arrays.corner_normals, np.broadcast_to([0, 0, 1], (2, 3, 3)), atol=1e-6)


def test_modifiers_are_applied(bpy, export):
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    modifier = cube.modifiers.new("Subdivision", "SUBSURF")
    modifier.levels = 2
    arrays = export(cube).arrays
    assert len(arrays.triangles) == 6 * 16 * 2
    assert np.abs(arrays.positions).max() < 1.0
    assert len(cube.data.polygons) == 6


def test_mesh_without_uvs_is_unwrapped_below_its_modifiers(bpy, export):
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    cube.data.uv_layers.remove(cube.data.uv_layers[0])
    cube.modifiers.new("Subdivision", "SUBSURF").levels = 1
    exported = export(cube)
    assert exported.new_uvs.shape == (24, 2)
    assert exported.arrays.corner_uvs.shape == (48, 3, 2)


def test_mirrored_object_faces_outwards(bpy, export):
    bpy.ops.mesh.primitive_uv_sphere_add(segments=12, ring_count=8)
    sphere = bpy.context.object
    bpy.ops.object.shade_smooth()
    sphere.scale = (-1, 1, 2)
    arrays = export(sphere).arrays
    centres = arrays.positions[arrays.triangles].mean(axis=1)
    assert ((face_normals(arrays) * centres).sum(axis=1) > 0).all()
    corners = arrays.positions[arrays.triangles]
    assert ((arrays.corner_normals * corners).sum(axis=-1) > 0).all()
    np.testing.assert_allclose(np.linalg.norm(arrays.corner_normals, axis=-1), 1.0, atol=1e-5)


def test_smooth_normals_are_split_at_sharp_edges(bpy, export):
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.shade_smooth()
    smooth = export(bpy.context.object).arrays
    assert np.abs(smooth.corner_normals - face_normals(smooth)[:, None]).max() > 0.3
    bpy.ops.object.shade_flat()
    flat = export(bpy.context.object).arrays
    np.testing.assert_allclose(flat.corner_normals, np.repeat(face_normals(flat)[:, None], 3, axis=1), atol=1e-5)


def test_object_in_edit_mode_is_exported_as_it_is_now(bpy, export):
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.transform.resize(value=(2, 2, 2))
    arrays = export(bpy.context.object).arrays
    np.testing.assert_allclose(arrays.positions.max(axis=0), [2, 2, 2], atol=1e-6)
    bpy.ops.object.mode_set(mode="OBJECT")


def no_faces(bpy, cube):
    cube.data.clear_geometry()


def no_area(bpy, cube):
    cube.scale = (0, 0, 0)


def not_a_number(bpy, cube):
    cube.data.vertices[3].co.x = math.nan


def uvs_in_one_point(bpy, cube):
    cube.data.uv_layers[0].uv.foreach_set("vector", [0.5] * 48)


def uvs_not_a_number(bpy, cube):
    cube.data.uv_layers[0].uv[5].vector = (math.nan, 0.0)


def hidden(bpy, cube):
    cube.hide_viewport = True


def uvs_in_pixels(bpy, cube):
    layer = cube.data.uv_layers[0]
    uvs = np.empty(len(cube.data.loops) * 2, np.float32)
    layer.uv.foreach_get("vector", uvs)
    layer.uv.foreach_set("vector", uvs * 512)


def no_faces_after_modifiers(bpy, cube):
    cube.modifiers.new("Mask", "MASK").vertex_group = cube.vertex_groups.new(name="none").name


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (no_faces, "no faces"),
        (no_faces_after_modifiers, "no faces"),
        (no_area, "no area"),
        (not_a_number, "1 of 8 vertices are not numbers"),
        (uvs_in_one_point, "no area in the UV map 'UVMap'"),
        (uvs_in_pixels, "'UVMap' repeats the texture "),
        (uvs_not_a_number, "coordinates that are not numbers"),
        (hidden, "hidden"),
    ],
)
@pytest.mark.parametrize("with_uvs", [True, False])
def test_bad_meshes_are_refused_in_words(bpy, export, damage, words, with_uvs):
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    damage(bpy, cube)
    if not with_uvs and cube.data.uv_layers and "uvs" not in damage.__name__:
        cube.data.uv_layers.remove(cube.data.uv_layers[0])
    with pytest.raises(JobError, match=words) as raised:
        export(cube)
    assert raised.value.code == "bad_mesh"


def test_job_folder_holds_the_job_the_mesh_and_the_style_image(bpy, styletex, scene, style_image):
    run = styletex.begin([bpy.data.objects["Cube"]])
    folder = run.tasks[0].folder.path
    job = read_job(folder)
    assert (job.object_name, job.prompt, job.texture_size, job.tone) == ("Cube", "a box", 256, None)
    assert (folder / job.style_image).read_bytes() == style_image.read_bytes()
    with np.load(folder / "mesh.npz") as arrays:
        assert sorted(arrays) == ["corner_normals", "corner_uvs", "positions", "triangles"]
    styletex.end(run)


def test_the_panel_s_own_values_count_where_their_box_is_ticked(bpy, styletex, scene, style_image):
    settings = scene.styletex
    settings.style_strength, settings.stroke_size, settings.detail = 0.5, 0.25, 0.75
    run = styletex.begin([bpy.data.objects["Cube"]])
    job = read_job(run.tasks[0].folder.path)
    styletex.end(run)
    assert (job.style_strength, job.stroke_size, job.detail) == (0.5, None, None)
    settings.use_stroke_size = settings.use_detail = True
    run = styletex.begin([bpy.data.objects["Cube"]])
    job = read_job(run.tasks[0].folder.path)
    styletex.end(run)
    assert (job.style_strength, job.stroke_size, job.detail) == (0.5, 0.25, 0.75)


def test_painted_and_generated_style_images_are_written_as_they_look(bpy, styletex, tmp_path):
    from PIL import Image

    write = styletex.module("scene.style_picture").write_style_image
    painted = bpy.data.images.new("Painted", 4, 2)
    pixels = np.tile(np.array([1.0, 0.5, 0.0, 1.0], dtype=np.float32), 8)
    painted.pixels.foreach_set(pixels)
    with Image.open(tmp_path / write("Painted", tmp_path)) as picture:
        assert picture.size == (4, 2)
        assert np.asarray(picture)[0, 0, :3].tolist() == [255, 128, 0]
    linear = bpy.data.images.new("Linear", 4, 2, float_buffer=True)
    linear.pixels.foreach_set(np.tile(np.array([1.0, 0.214041, 0.0, 1.0], dtype=np.float32), 8))
    with Image.open(tmp_path / write("Linear", tmp_path)) as picture:
        assert np.asarray(picture)[0, 0, :3] == pytest.approx([255, 128, 0], abs=1)


def test_a_picture_with_values_that_are_no_numbers_is_refused(bpy, styletex, tmp_path):
    broken = bpy.data.images.new("Broken", 4, 2, float_buffer=True)
    pixels = np.full(4 * 2 * 4, 0.5, dtype=np.float32)
    pixels[5] = math.nan
    broken.pixels.foreach_set(pixels)
    with pytest.raises(JobError, match="'Broken' has 1 pixel with a value that is not a number") as raised:
        styletex.module("scene.style_picture").write_style_image("Broken", tmp_path)
    assert raised.value.code == "bad_image"


def test_missing_style_image_is_named(bpy, styletex, scene, style_image):
    image = bpy.context.scene.styletex.style_image
    image.filepath = "//gone.png"
    image.reload()
    with pytest.raises(JobError, match=r"stripes\.png") as raised:
        styletex.begin([bpy.data.objects["Cube"]])
    assert raised.value.code == "bad_image"


@pytest.mark.parametrize("far", [1e8, 1e38])
def test_vertices_without_a_face_do_not_matter_wherever_they_are(bpy, export, far):
    bpy.ops.mesh.primitive_monkey_add()
    monkey = bpy.context.object
    before = export(monkey).arrays
    monkey.data.vertices.add(1)
    monkey.data.vertices[-1].co = (far, 0, 0)
    bpy.context.view_layer.update()
    after = export(monkey).arrays
    np.testing.assert_array_equal(after.positions[after.triangles], before.positions[before.triangles])


def test_object_of_another_scene_is_named_with_its_scene(bpy, export):
    bpy.ops.mesh.primitive_cube_add()
    cube, other = bpy.context.object, bpy.data.scenes.new("Other")
    bpy.context.collection.objects.unlink(cube)
    other.collection.objects.link(cube)
    bpy.context.view_layer.update()
    with pytest.raises(JobError, match="not in the view layer") as raised:
        export(cube)
    assert raised.value.hint == "Switch to the scene 'Other'"


def test_object_of_an_excluded_collection_is_told_so(bpy, export):
    bpy.ops.mesh.primitive_cube_add()
    cube, away = bpy.context.object, bpy.data.collections.new("Away")
    bpy.context.scene.collection.children.link(away)
    away.objects.link(cube)
    bpy.context.collection.objects.unlink(cube)
    bpy.context.view_layer.layer_collection.children["Away"].exclude = True
    bpy.context.view_layer.update()
    with pytest.raises(JobError, match="not in the view layer") as raised:
        export(cube)
    assert "Outliner" in raised.value.hint
