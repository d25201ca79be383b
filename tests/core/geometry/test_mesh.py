# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's mesh is read as it was written, and one that cannot be textured is refused with the cause."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from core.geometry.mesh import Mesh, check, load_npz, normalise, points_on
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


def test_checking_a_good_mesh_says_nothing():
    check(square())
