# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes are read as the files mean them, and those that cannot be textured are refused with the cause."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import trimesh

from core.geometry.mesh import Mesh, check, flat_normals, import_file, load_npz, normalise, points_on, uv_areas
from core.job import JobError


def square() -> Mesh:
    """Two triangles in the plane y = 0 that face the front."""
    positions = np.array([[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1]], np.float32)
    triangles = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    uvs = ((positions[:, [0, 2]] + 1) / 2).astype(np.float32)
    return Mesh(positions, triangles, uvs[triangles], np.full((2, 3, 3), (0, -1, 0), np.float32))


def save(path, mesh, **changes):
    arrays = {name: value for name, value in asdict(mesh).items() if name != "dropped_triangles"} | changes
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


def test_a_job_folders_mesh_comes_back_as_it_was_written(tmp_path):
    mesh = load_npz(save(tmp_path / "mesh.npz", square()))
    for name, value in asdict(square()).items():
        np.testing.assert_array_equal(getattr(mesh, name), value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"triangles": np.zeros((0, 3), np.int32), "corner_uvs": np.zeros((0, 3, 2), np.float32),
          "corner_normals": np.zeros((0, 3, 3), np.float32)}, "no faces"),
        ({"positions": np.zeros((4, 3), np.float32)}, "no area"),
        ({"positions": np.full((4, 3), np.nan, np.float32)}, "6 face corners with a position that is not finite"),
        ({"corner_uvs": np.full((2, 3, 2), np.inf, np.float32)}, "6 face corners with a UV that is not finite"),
        ({"corner_uvs": np.full((2, 3, 2), 0.5, np.float32)}, r"one point \(0.5, 0.5\)"),
        ({"corner_uvs": np.linspace(0, 1, 12, dtype=np.float32).reshape(2, 3, 2)}, "UVs of the mesh have no area"),
        ({"corner_uvs": square().corner_uvs * 512}, "262144 times over; at most 100"),
        ({"corner_uvs": square().corner_uvs * np.float32([500, 0.1])}, "across 500 repeats of the texture; at most"),
        ({"triangles": np.array([[0, 1, 2], [0, 2, 4]], np.int32)}, "beyond the mesh's 4 vertices"),
        ({"corner_uvs": None}, "no array corner_uvs"),
        ({"corner_uvs": np.zeros((2, 2), np.float32)}, r"must be float32 \[n, 3, 2\]"),
        ({"triangles": np.zeros((2, 3), np.float64)}, "must be int32"),
        ({"corner_normals": np.zeros((5, 3, 3), np.float32)}, "normals for 5"),
    ],
)  # fmt: skip
def test_a_mesh_that_cannot_be_textured_is_refused_with_the_cause(tmp_path, changes, message):
    path = save(tmp_path / "mesh.npz", square(), **changes)
    with pytest.raises(JobError, match=message) as raised:
        load_npz(path)
    assert raised.value.code == "bad_mesh"


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut off"])
def test_a_damaged_job_mesh_is_a_job_error(tmp_path, content):
    (tmp_path / "mesh.npz").write_bytes(content)
    with pytest.raises(JobError, match=r"mesh.npz cannot be read"):
        load_npz(tmp_path / "mesh.npz")


def test_only_the_corners_that_faces_use_must_be_finite(tmp_path):
    mesh = square()
    loose = np.concatenate([mesh.positions, np.full((1, 3), np.nan, np.float32)])
    assert len(load_npz(save(tmp_path / "mesh.npz", mesh, positions=loose)).triangles) == 2


def test_triangles_without_area_are_dropped_and_counted(tmp_path):
    mesh = square()
    grown = replace(
        mesh,
        triangles=np.concatenate([mesh.triangles, [[0, 1, 1], [2, 2, 2]]]).astype(np.int32),
        corner_uvs=np.concatenate([mesh.corner_uvs, mesh.corner_uvs]),
        corner_normals=np.concatenate([mesh.corner_normals, mesh.corner_normals]),
    )
    read = load_npz(save(tmp_path / "mesh.npz", grown))
    assert read.dropped_triangles == 2
    np.testing.assert_array_equal(read.triangles, mesh.triangles)


def test_missing_normals_become_the_faces_own(tmp_path):
    normals = square().corner_normals.copy()
    normals[0, 1], normals[1] = 0.0, np.nan
    read = load_npz(save(tmp_path / "mesh.npz", square(), corner_normals=normals))
    np.testing.assert_allclose(read.corner_normals, square().corner_normals)


def test_normalised_meshes_are_centred_with_largest_coordinate_0_9():
    mesh = normalise(replace(square(), positions=square().positions * (3, 1, 7) + (100, 5, -8)))
    used = mesh.positions
    np.testing.assert_allclose(used.min(axis=0) + used.max(axis=0), 0, atol=1e-6)
    assert np.abs(used).max() == pytest.approx(0.9)
    assert used.dtype == np.float32


def test_points_between_opposed_normals_have_the_flat_normal():
    normals = square().corner_normals.copy()
    normals[0] = [(1, 0, 0), (-1, 0, 0), (0, -1, 0)]
    mesh = replace(square(), corner_normals=normals)
    position, normal = points_on(mesh, np.array([0], np.int32), np.array([[0.5, 0.5, 0.0]], np.float32))
    np.testing.assert_allclose(position, [[0, 0, -1]])
    np.testing.assert_allclose(normal, [[0, -1, 0]])


@pytest.mark.parametrize(("suffix", "up"), [("obj", 1), ("glb", 1), ("gltf", 1), ("ply", 2)])
def test_the_up_axis_of_each_format_becomes_z(tmp_path, suffix, up):
    extents = np.ones(3)
    extents[up] = 5.0
    box = trimesh.creation.box(extents=extents)
    path = tmp_path / f"box.{suffix}"
    if suffix == "gltf":
        for name, content in box.export(file_type="gltf").items():
            (tmp_path / ("box.gltf" if name == "model.gltf" else name)).write_bytes(content)
    else:
        box.export(path)
    mesh = import_file(path)
    assert np.ptp(mesh.positions[:, 2]) == pytest.approx(5.0)
    outward = mesh.positions[mesh.triangles].mean(axis=1)
    assert ((flat_normals(mesh) * outward).sum(-1) > 0).all()


def test_uvs_of_the_file_are_kept_corner_by_corner(tmp_path):
    (tmp_path / "quad.obj").write_text(
        "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0.1 0.2\nvt 0.9 0.2\nvt 0.9 0.8\nvt 0.1 0.8\nvt 0.3 0.3\n"
        "f 1/1 2/2 3/3\nf 1/5 3/3 4/4\n"
    )
    mesh = import_file(tmp_path / "quad.obj")
    expected = [[[0.1, 0.2], [0.9, 0.2], [0.9, 0.8]], [[0.3, 0.3], [0.9, 0.8], [0.1, 0.8]]]
    np.testing.assert_allclose(mesh.corner_uvs, expected, atol=1e-6)


@pytest.mark.parametrize("suffix", ["obj", "glb", "ply"])
def test_a_file_without_uvs_is_unwrapped_without_overlap(tmp_path, suffix):
    trimesh.creation.torus(1.0, 0.3).export(tmp_path / f"torus.{suffix}")
    mesh = import_file(tmp_path / f"torus.{suffix}")
    assert mesh.corner_uvs.min() >= 0 and mesh.corner_uvs.max() <= 1
    assert 0.3 < uv_areas(mesh.corner_uvs).sum() < 1.0


def test_a_scenes_objects_are_joined_where_they_stand(tmp_path):
    scene = trimesh.Scene()
    scene.add_geometry(trimesh.creation.box(), transform=trimesh.transformations.translation_matrix((10, 0, 0)))
    scene.add_geometry(trimesh.creation.icosphere(1), transform=np.diag([-2.0, 2.0, 2.0, 1.0]))
    scene.export(tmp_path / "scene.glb")
    mesh = import_file(tmp_path / "scene.glb")
    assert len(mesh.triangles) == 12 + 80
    np.testing.assert_allclose(mesh.positions.max(axis=0), (10.5, 2, 2), atol=0.01)
    sphere = mesh.positions[mesh.triangles].mean(axis=1)
    inside = np.abs(sphere).max(axis=1) < 5
    assert ((flat_normals(mesh) * sphere).sum(-1)[inside] > 0).all()


def test_without_normals_in_the_file_creases_stay_sharp_and_curves_smooth(tmp_path):
    trimesh.creation.box().export(tmp_path / "box.obj")
    box = import_file(tmp_path / "box.obj")
    np.testing.assert_allclose(box.corner_normals, np.repeat(flat_normals(box)[:, None], 3, axis=1), atol=1e-6)
    trimesh.creation.icosphere(3).unwrap().export(tmp_path / "sphere.ply", vertex_normal=False)
    sphere = import_file(tmp_path / "sphere.ply")
    outward = sphere.positions[sphere.triangles]
    outward /= np.linalg.norm(outward, axis=-1, keepdims=True)
    assert (sphere.corner_normals * outward).sum(-1).min() > 0.999


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("mesh.fbx", b"", "not one of .glb, .gltf, .obj, .ply"),
        ("missing.obj", None, "does not exist"),
        ("empty.obj", b"", "missing faces|no faces|cannot be read"),
        ("points.obj", b"v 0 0 0\nv 1 0 0\n", "no faces|cannot be read"),
        ("broken.glb", b"glTF\x02\x00", "cannot be read"),
        ("broken.gltf", b"{", "cannot be read"),
        ("broken.ply", b"ply\nformat ascii 1.0\nelement vertex 9\n", "cannot be read|no faces"),
    ],
)
def test_an_unreadable_file_is_a_job_error_that_names_it(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(JobError, match=message) as raised:
        import_file(path)
    assert raised.value.code == "bad_mesh"
    assert name in raised.value.message


def test_a_file_with_nan_positions_is_refused_before_unwrapping(tmp_path):
    (tmp_path / "nan.obj").write_text("v 0 0 0\nv nan 0 0\nv 1 1 0\nf 1 2 3\n")
    with pytest.raises(JobError, match="1 face corner with a position that is not finite"):
        import_file(tmp_path / "nan.obj")


def test_checking_a_good_mesh_says_nothing():
    check(square())
