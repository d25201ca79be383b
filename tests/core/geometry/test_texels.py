# SPDX-License-Identifier: GPL-3.0-or-later
"""Every texel that the surface touches gets its point of the surface."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from core.geometry import texels as module
from core.geometry.mesh import Mesh
from core.geometry.texels import texel_map


@pytest.fixture(scope="module")
def torus(make_mesh):
    return make_mesh(trimesh.creation.torus(1.0, 0.4, major_sections=16, minor_sections=8))


def flat(corner_uvs):
    """Triangles in the plane y = 0 whose x and z are their u and v."""
    uvs = np.asarray(corner_uvs, np.float32)
    count = len(uvs)
    positions = np.insert(uvs.reshape(-1, 2), 1, 0.0, axis=1).astype(np.float32)
    normals = np.full((count, 3, 3), (0, -1, 0), np.float32)
    return Mesh(positions, np.arange(3 * count, dtype=np.int32).reshape(-1, 3), uvs, normals)


def image(texels, values=None):
    """The map as an image, -1 where no texel is."""
    picture = np.full((texels.size, texels.size), -1)
    picture[texels.row, texels.column] = texels.triangle if values is None else values
    return picture


def one_by_one(mesh, size):
    """Which triangle each texel centre lies in (lowest index), and whether any triangle touches the texel's square."""
    rows, columns = np.mgrid[:size, :size]
    centre, touched = np.full((size, size), -1), np.zeros((size, size), bool)
    for index in reversed(range(len(mesh.corner_uvs))):
        uv = mesh.corner_uvs[index].astype(np.float64)
        vertex = np.stack([uv[:, 0] * size - 0.5, (1 - uv[:, 1]) * size - 0.5], axis=-1)
        edge = np.roll(vertex, -1, axis=0) - vertex
        turn = np.sign(edge[0, 0] * edge[1, 1] - edge[0, 1] * edge[1, 0])
        side = [turn * (e[0] * (rows - v[1]) - e[1] * (columns - v[0])) for v, e in zip(vertex, edge, strict=True)]
        centre[np.all([value >= -1e-9 for value in side], axis=0)] = index
        half = 0.5 - 1e-6
        near = [value + half * np.abs(e).sum() >= 0 for value, e in zip(side, edge, strict=True)]
        low, high = vertex.min(axis=0) - half, vertex.max(axis=0) + half
        box = (columns >= low[0]) & (columns <= high[0]) & (rows >= low[1]) & (rows <= high[1])
        touched |= np.all(near, axis=0) & box
    return centre, touched


@pytest.mark.parametrize("size", [16, 64, 150])
def test_centres_and_touched_borders_are_those_found_one_by_one(torus, size):
    centre, touched = one_by_one(torus, size)
    picture = image(texel_map(torus, size))
    np.testing.assert_array_equal(picture[centre >= 0], centre[centre >= 0])
    np.testing.assert_array_equal(picture >= 0, touched | (centre >= 0))


def test_texels_are_sorted_and_none_is_there_twice(torus):
    texels = texel_map(torus, 128)
    place = texels.row.astype(int) * 128 + texels.column
    assert (np.diff(place) > 0).all()
    assert texels.size == 128


def test_positions_and_normals_are_the_triangles_own(torus):
    texels = texel_map(torus, 128)
    corners = torus.positions[torus.triangles[texels.triangle]].astype(np.float64)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    off_plane = np.abs(((texels.position - corners[:, 0]) * normal).sum(-1))
    assert off_plane.max() < 1e-5
    assert (texels.position >= corners.min(axis=1) - 1e-5).all() and (
        texels.position <= corners.max(axis=1) + 1e-5
    ).all()
    np.testing.assert_allclose(np.linalg.norm(texels.normal, axis=-1), 1, atol=1e-5)
    assert ((texels.normal * normal).sum(-1) > 0.5).all()


def test_a_texel_centre_maps_to_the_point_with_its_uv():
    texels = texel_map(flat([[(0, 0), (1, 0), (1, 1)], [(0, 0), (1, 1), (0, 1)]]), 8)
    assert len(texels.row) == 64
    np.testing.assert_allclose(texels.position[:, 0], (texels.column + 0.5) / 8, atol=1e-6)
    np.testing.assert_allclose(texels.position[:, 2], 1 - (texels.row + 0.5) / 8, atol=1e-6)


def test_touched_texels_take_the_nearest_point_of_the_triangle():
    texels = texel_map(flat([[(0.26, 0.26), (0.74, 0.26), (0.74, 0.74)]]), 8)
    centre = np.stack([(texels.column + 0.5) / 8, 1 - (texels.row + 0.5) / 8], axis=-1)
    moved = np.linalg.norm(texels.position[:, [0, 2]] - centre, axis=-1)
    assert moved.max() < np.sqrt(0.5) / 8
    below = texels.row == 5  # v in [0.25, 0.375]: centres at 0.3125 lie inside
    assert below.any() and moved[below & (texels.column == 4)].max() == 0


def test_a_sliver_thinner_than_a_texel_is_not_lost():
    texels = texel_map(flat([[(0.1, 0.501), (0.9, 0.502), (0.9, 0.503)]]), 16)
    assert set(texels.column) >= set(range(2, 14))


@pytest.mark.parametrize("shape", [[(0.3, 0.4)] * 3, [(0.1, 0.1), (0.53, 0.53), (0.9, 0.9)]])
def test_a_face_without_uv_area_still_has_its_texels(shape):
    good = [(0.0, 0.8), (0.1, 0.8), (0.1, 0.9)]
    texels = texel_map(flat([good, shape]), 16)
    picture = image(texels)
    for u, v in shape:
        assert picture[int((1 - v) * 16), int(u * 16)] == 1


def test_the_first_of_overlapping_triangles_has_the_texel():
    triangle = [(0.1, 0.1), (0.9, 0.1), (0.5, 0.9)]
    texels = texel_map(flat([triangle, triangle, triangle[::-1]]), 32)
    assert set(texels.triangle) == {0}


def test_a_centre_hit_wins_over_a_touch_of_an_earlier_triangle():
    toucher, owner = [(0, 0), (0.51, 0), (0.51, 1)], [(0.505, 0), (1, 0), (0.505, 1)]
    picture = image(texel_map(flat([toucher, owner]), 16))
    assert picture[12, 8] == 1


@pytest.mark.parametrize("shift", [(1, 0), (0, -1), (3, 2), (-0.5, 0.25), (0.999, 0)])
def test_uvs_outside_the_unit_square_wrap_around(torus, shift):
    moved = replace(torus, corner_uvs=(torus.corner_uvs * 0.25 + shift).astype(np.float32))
    at_home = replace(torus, corner_uvs=(torus.corner_uvs * 0.25).astype(np.float32))
    size = 128
    expected = image(texel_map(at_home, size))
    columns, rows = round(shift[0] * size), round(-shift[1] * size)
    if shift[0] != 0.999:
        expected = np.roll(expected, (rows, columns), axis=(0, 1))
        got = image(texel_map(moved, size))
        assert ((expected >= 0) == (got >= 0)).mean() > 0.995
        assert (expected == got).mean() > 0.99
    else:
        assert abs(len(texel_map(moved, size).row) / (expected >= 0).sum() - 1) < 0.05


def test_a_triangle_larger_than_the_texture_covers_all_of_it():
    texels = texel_map(flat([[(-2, -2), (4, -2), (-2, 4)]]), 16)
    assert len(texels.row) == 256


def test_small_bands_and_chunks_give_the_same_map(torus, monkeypatch):
    whole = texel_map(torus, 200)
    monkeypatch.setattr(module, "_BAND_TEXELS", 3000)
    monkeypatch.setattr(module, "_CANDIDATES", 700)
    banded = texel_map(torus, 200)
    for name in ("row", "column", "triangle", "position", "normal"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(banded, name))


def test_texture_that_is_wider_than_high_has_the_texels_of_a_stretched_square(torus):
    wide = texel_map(torus, 96, 48)
    assert (wide.size, wide.height) == (96, 48)
    stretched = replace(torus, corner_uvs=torus.corner_uvs * np.float32([1.0, 0.5]))
    square = texel_map(stretched, 96)
    # The lower half of the square is the picture; what only touches the border is apart.
    lower = square.row >= 48
    np.testing.assert_array_equal(square.row[lower] - 48, wide.row)
    np.testing.assert_array_equal(square.column[lower], wide.column)
    np.testing.assert_allclose(square.position[lower], wide.position, atol=1e-5)


def test_rows_wrap_around_by_the_height_and_not_by_the_width():
    low = flat([[(0.1, 1.2), (0.9, 1.2), (0.5, 1.4)]])
    high = flat([[(0.1, 0.2), (0.9, 0.2), (0.5, 0.4)]])
    first, second = (texel_map(mesh, 80, 20) for mesh in (low, high))
    np.testing.assert_array_equal(first.row, second.row)
    np.testing.assert_array_equal(first.column, second.column)
