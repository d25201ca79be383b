# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes are read as the files mean them, and those that cannot be read are refused with the cause."""

import numpy as np
import pytest
import trimesh

from core.geometry.mesh import Mesh, flat_normals, uv_areas
from core.job import JobError
from core.mesh_files.import_file import import_file


def read(path) -> Mesh:
    return import_file(path).mesh


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
    mesh = read(path)
    assert np.ptp(mesh.positions[:, 2]) == pytest.approx(5.0)
    outward = mesh.positions[mesh.triangles].mean(axis=1)
    assert ((flat_normals(mesh) * outward).sum(-1) > 0).all()


def test_uvs_of_the_file_are_kept_corner_by_corner(tmp_path):
    (tmp_path / "quad.obj").write_text(
        "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0.1 0.2\nvt 0.9 0.2\nvt 0.9 0.8\nvt 0.1 0.8\nvt 0.3 0.3\n"
        "f 1/1 2/2 3/3\nf 1/5 3/3 4/4\n"
    )
    mesh = read(tmp_path / "quad.obj")
    expected = [[[0.1, 0.2], [0.9, 0.2], [0.9, 0.8]], [[0.3, 0.3], [0.9, 0.8], [0.1, 0.8]]]
    np.testing.assert_allclose(mesh.corner_uvs, expected, atol=1e-6)


@pytest.mark.parametrize("suffix", ["obj", "glb", "ply"])
def test_a_file_without_uvs_is_unwrapped_without_overlap(tmp_path, suffix):
    trimesh.creation.torus(1.0, 0.3).export(tmp_path / f"torus.{suffix}")
    mesh = read(tmp_path / f"torus.{suffix}")
    assert mesh.corner_uvs.min() >= 0 and mesh.corner_uvs.max() <= 1
    assert 0.3 < uv_areas(mesh.corner_uvs).sum() < 1.0


def test_a_scenes_objects_are_joined_where_they_stand(tmp_path):
    scene = trimesh.Scene()
    scene.add_geometry(trimesh.creation.box(), transform=trimesh.transformations.translation_matrix((10, 0, 0)))
    scene.add_geometry(trimesh.creation.icosphere(1), transform=np.diag([-2.0, 2.0, 2.0, 1.0]))
    scene.export(tmp_path / "scene.glb")
    imported = import_file(tmp_path / "scene.glb")
    mesh = imported.mesh
    assert len(mesh.triangles) == 12 + 80
    positions = mesh.positions + imported.origin
    np.testing.assert_allclose(positions.max(axis=0), (10.5, 2, 2), atol=0.01)
    sphere = positions[mesh.triangles].mean(axis=1)
    inside = np.abs(sphere).max(axis=1) < 5
    assert ((flat_normals(mesh) * sphere).sum(-1)[inside] > 0).all()


def test_without_normals_in_the_file_creases_stay_sharp_and_curves_smooth(tmp_path):
    trimesh.creation.box().export(tmp_path / "box.obj")
    box = read(tmp_path / "box.obj")
    np.testing.assert_allclose(box.corner_normals, np.repeat(flat_normals(box)[:, None], 3, axis=1), atol=1e-6)
    trimesh.creation.icosphere(3).unwrap().export(tmp_path / "sphere.ply", vertex_normal=False)
    sphere = read(tmp_path / "sphere.ply")
    outward = sphere.positions[sphere.triangles]
    outward /= np.linalg.norm(outward, axis=-1, keepdims=True)
    assert (sphere.corner_normals * outward).sum(-1).min() > 0.999


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("mesh.fbx", b"", "not one of .glb, .gltf, .obj, .ply"),
        ("missing.obj", None, "does not exist"),
        ("empty.obj", b"", "has no faces"),
        ("points.obj", b"v 0 0 0\nv 1 0 0\n", "has no faces"),
        ("broken.glb", b"glTF\x02\x00", "is cut off"),
        ("broken.gltf", b"{", "is no glTF, or is damaged"),
        ("broken.ply", b"ply\nformat ascii 1.0\nelement vertex 9\n", "is cut off"),
    ],
)
def test_an_unreadable_file_is_a_job_error_that_names_it(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(JobError, match=message) as raised:
        read(path)
    assert raised.value.code == "bad_mesh"
    assert name in raised.value.message


def test_a_file_with_nan_positions_is_refused_before_unwrapping(tmp_path):
    (tmp_path / "nan.obj").write_text("v 0 0 0\nv nan 0 0\nv 1 1 0\nf 1 2 3\n")
    with pytest.raises(JobError, match="1 face corner with a position that is not finite"):
        read(tmp_path / "nan.obj")
