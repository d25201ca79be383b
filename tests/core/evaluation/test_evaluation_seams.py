# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trimesh

pytest.importorskip("skimage", reason="the measures need scikit-image, which is for development only")

from core.evaluation import seams
from core.evaluation.meshes import chair, evaluation_mesh
from core.geometry.overlap import find_overlap
from core.geometry.texels import texel_map
from core.results.coverage import measure_coverage
from core.views.embree import EmbreeRasteriser

SIZE = 256


def painted(mesh, colour):
    """A texture whose colours are ``colour`` of the position: [N, 3] to [N, 3] in [0, 1]."""
    texels = texel_map(mesh, SIZE)
    texture = np.full((SIZE, SIZE, 3), 128, np.uint8)
    texture[texels.row, texels.column] = np.clip(colour(texels.position) * 255.0, 0, 255)
    return texture, texels


def measure_seams(mesh, texture):
    return seams.measure_seams(mesh, texture, measure_coverage(mesh, EmbreeRasteriser(mesh), 3.0, len(texture)))


def waves(position):
    return 0.5 + 0.4 * np.sin(7.0 * position + np.array([0.0, 1.0, 2.0]))


@pytest.fixture(scope="module")
def ball(make_mesh):
    return make_mesh(trimesh.creation.icosphere(subdivisions=3))


def test_texture_that_depends_on_the_position_only_has_no_seams(ball):
    texture, _ = painted(ball, waves)
    error = measure_seams(ball, texture)
    assert error.pairs > 100
    assert error.ratio == pytest.approx(1.0, abs=0.15)


def test_one_plain_colour_has_no_seams(ball):
    assert measure_seams(ball, np.full((SIZE, SIZE, 3), 90, np.uint8)).ratio == pytest.approx(1.0)


def test_islands_of_different_lightness_have_seams(ball):
    texture, texels = painted(ball, waves)
    clean = measure_seams(ball, texture)
    # Half of the layout lighter: a seam wherever an island on the left meets one on the right.
    planted = texture.copy()
    right = texels.column > SIZE // 2
    planted[texels.row[right], texels.column[right]] = np.minimum(planted[texels.row, texels.column][right] + 40.0, 255)
    error = measure_seams(ball, planted)
    assert error.ratio > clean.ratio + 0.3


def test_texture_painted_in_the_uv_layout_has_seams(ball):
    row, column = np.mgrid[:SIZE, :SIZE] / SIZE
    texture = np.stack([0.5 + 0.5 * np.sin(9 * column), 0.5 + 0.5 * np.sin(9 * row), column * row], -1)
    assert measure_seams(ball, (texture * 255).astype(np.uint8)).ratio > 3.0


def test_sharp_edges_alone_are_no_seams():
    mesh = chair()
    texture, _ = painted(mesh, lambda position: 0.5 + 0.4 * np.sin(4.0 * position))
    error = measure_seams(mesh, texture)
    assert error.pairs > 100
    assert error.ratio == pytest.approx(1.0, abs=0.25)


@pytest.fixture(scope="module")
def tube(make_mesh):
    """The four walls of a box."""
    box = trimesh.creation.box((1, 1, 1))
    box.update_faces(np.abs(box.face_normals[:, 2]) < 0.5)
    return make_mesh(box)


@pytest.mark.parametrize("lighter", [0.0, 0.2])
def test_a_pattern_wrapped_around_sharp_edges_comes_to_the_longer_way_and_a_lighter_wall_to_more(tube, lighter):
    texels = texel_map(tube, SIZE)
    wide = float(np.abs(tube.positions).max())
    normal, (x, y, z) = texels.normal, texels.position.T
    walls = [normal[:, 0] > 0.5, normal[:, 1] > 0.5, normal[:, 0] < -0.5, normal[:, 1] < -0.5]
    around = np.select(walls, [y, 2 * wide - x, 4 * wide - y, 6 * wide + x])
    turns = np.pi / (4 * wide) * around
    colour = 0.4 + 0.3 * np.sin(np.stack([2 * turns, 3 * turns + 1, 4 * turns + 3 * z], axis=-1))
    texture = np.full((SIZE, SIZE, 3), 128, np.uint8)
    texture[texels.row, texels.column] = (colour + lighter * walls[0][:, None]) * 255
    ratio = measure_seams(tube, texture).ratio
    assert ratio == pytest.approx(np.sqrt(2.0), abs=0.15) if lighter == 0.0 else ratio > 2.0


@pytest.mark.parametrize("phase", range(4))
def test_few_long_seams_are_measured_all_along(phase):
    pole = evaluation_mesh("pole").mesh
    error = measure_seams(pole, painted(pole, lambda position: waves(3.0 * position + phase))[0])
    assert error.pairs > 2000
    assert error.ratio == pytest.approx(1.0, abs=0.1)


def test_seams_that_nobody_can_see_do_not_count():
    # The ends of the rungs are inside the legs; here they are black.
    mesh = chair()
    texture, _ = painted(mesh, waves)
    coverage = measure_coverage(mesh, EmbreeRasteriser(mesh), 3.0, SIZE)
    hidden = ~coverage.seen
    texture[coverage.texels.row[hidden], coverage.texels.column[hidden]] = 0
    assert 0.02 < hidden.mean() < 0.2
    assert seams.measure_seams(mesh, texture, coverage).ratio == pytest.approx(1.0, abs=0.3)


def test_seams_of_surfaces_that_show_the_texels_of_others_do_not_count(ball):
    # No texture can be right on both halves of the ball where they lie upon each other in the layout.
    upper = ball.positions[ball.triangles].mean(axis=1)[:, 2] > 0.0
    corner_uvs = ball.corner_uvs.copy()
    corner_uvs[upper] = corner_uvs[upper][:, :, ::-1]
    folded = replace(ball, corner_uvs=corner_uvs)
    shared = find_overlap(folded)
    assert shared is not None
    assert shared.shared > 0.1
    texture, _ = painted(folded, waves)
    error = measure_seams(folded, texture)
    assert 100 < error.pairs < measure_seams(ball, texture).pairs
    assert error.ratio == pytest.approx(1.0, abs=0.15)


def test_mesh_of_one_island_has_no_seam_to_measure(make_mesh):
    from core.geometry.mesh import Mesh

    positions = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1]], np.float32)
    triangles = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    mesh = Mesh(positions, triangles, positions[triangles][..., [0, 2]], np.zeros((2, 3, 3), np.float32))
    error = measure_seams(mesh, np.full((64, 64, 3), 50, np.uint8))
    assert error.seam is None
    assert error.ratio is None
    assert error.pairs == 0
