# SPDX-License-Identifier: GPL-3.0-or-later
"""Points on surfaces lie as far apart as asked, and know the way to their neighbours over the surface."""

import dataclasses

import numpy as np
import pytest
import trimesh
from scipy.spatial import KDTree

from core.detail.surface_graph import surface_graph
from core.geometry.overlap import find_overlap

SPACING = 0.06


def graph_of(mesh, spacing=SPACING, levels=2, overlap=None):
    return surface_graph(mesh, spacing, levels, np.random.default_rng(0), overlap)


@pytest.fixture(scope="module")
def ball(make_mesh):
    return graph_of(make_mesh(trimesh.creation.icosphere(4)))


@pytest.fixture(scope="module")
def box(make_mesh):
    return graph_of(make_mesh(trimesh.creation.box((1, 1, 1))))


def test_points_are_spread_evenly_and_each_level_has_a_fourth_of_the_one_before(ball):
    radius = np.linalg.norm(ball.position, axis=-1)
    np.testing.assert_allclose(radius, 0.9, atol=0.01)
    apart, _ = KDTree(ball.position).query(ball.position, 2)
    assert 0.3 * SPACING < np.median(apart[:, 1]) < 1.2 * SPACING
    # No hole: wherever one is on the ball, a point is near.
    anywhere = np.random.default_rng(1).normal(size=(2000, 3))
    anywhere *= 0.9 / np.linalg.norm(anywhere, axis=-1, keepdims=True)
    assert KDTree(ball.position).query(anywhere)[0].max() < 2 * SPACING
    fine, coarse = ball.levels
    assert len(fine.points) == len(ball.position) and len(coarse.points) == len(ball.position) // 4


def test_ways_are_as_long_as_the_arc_over_a_ball_and_lead_back(ball):
    level = ball.levels[0]
    position = ball.position[level.points]
    outwards = position / np.linalg.norm(position, axis=-1, keepdims=True)
    angle = 2.0 * np.arcsin(np.linalg.norm(outwards[:, None] - outwards[level.index], axis=-1) / 2.0)
    np.testing.assert_allclose(np.linalg.norm(level.way, axis=-1), 0.9 * angle, rtol=0.05, atol=1e-3)
    straight = ~level.turned
    bent = np.linalg.norm(level.way + level.back, axis=-1) / np.linalg.norm(level.way, axis=-1)
    assert bent[straight].max() < 0.5 < bent[level.turned].min() + 0.1
    np.testing.assert_allclose(np.linalg.norm(level.way, axis=-1), np.linalg.norm(level.back, axis=-1), atol=1e-4)
    assert level.turned.mean() < 0.1 and level.real.mean() > 0.99


def test_on_a_plane_the_way_is_what_lies_between(make_mesh):
    sheet = trimesh.Trimesh([(0, 0, 0), (1, 0, 0), (1, 0, 1), (0, 0, 1)], [(0, 1, 2), (0, 2, 3)])
    graph = graph_of(make_mesh(sheet))
    level = graph.levels[0]
    apart = graph.position[level.points][level.index] - graph.position[level.points][:, None]
    # It faces -Y: to the right is X, and up is Z.
    np.testing.assert_allclose(level.way, apart[..., [0, 2]], atol=1e-5)
    np.testing.assert_allclose(level.back, -apart[..., [0, 2]], atol=1e-5)
    assert not level.turned.any()


def test_over_an_edge_the_way_goes_on_around_it(box):
    level = box.levels[0]
    here, there = box.position[level.points], box.position[level.points][level.index]
    # From the front (-Y) to the right side (+X), away from the other edges.
    front, side = here[:, 1] < -0.899, (there[..., 0] > 0.899) & (there[..., 1] > -0.89)
    across = front[:, None] & side & (np.abs(here[:, None, 2]) < 0.7)
    assert across.sum() > 20
    start, end = np.broadcast_to(here[:, None], there.shape)[across], there[across]
    around = (0.9 - start[:, 0]) + (end[:, 1] + 0.9)
    np.testing.assert_allclose(level.way[across][:, 0], around, atol=0.5 * SPACING)
    np.testing.assert_allclose(level.way[across][:, 1], end[:, 2] - start[:, 2], atol=0.5 * SPACING)
    assert not level.turned[across].any() and level.real[across].all()


def test_the_two_sides_of_a_thin_wall_are_no_neighbours(make_mesh):
    wall = graph_of(make_mesh(trimesh.creation.box((1, 0.02, 1))))
    level = wall.levels[0]
    middle = np.abs(wall.position[level.points][:, [0, 2]]).max(axis=1) < 0.7
    side = np.sign(wall.position[level.points][:, 1])
    crossing = (side[level.index] != side[:, None]) & level.real
    assert middle.sum() > 100 and not crossing[middle].any()


def test_the_nearest_points_are_of_the_same_side(make_mesh):
    wall = graph_of(make_mesh(trimesh.creation.box((1, 0.02, 1))))
    place = np.array([[0.1, -0.018, 0.1]], np.float32)
    for sign in (-1, 1):
        _, number = wall.nearest(place * (1, -sign, 1), np.array([[0, sign, 0]], np.float32), 3)
        assert (np.sign(wall.position[number[0], 1]) == sign).all()


def test_points_lie_where_texels_have_their_owner(make_mesh):
    mesh = make_mesh(trimesh.creation.box((1, 1, 1)))
    stacked = mesh.corner_uvs.copy()
    stacked[6:] = stacked[:6]
    mesh = dataclasses.replace(mesh, corner_uvs=stacked)
    overlap = find_overlap(mesh)
    owners = mesh.positions[mesh.triangles[:6]].reshape(-1, 3)
    low, high = owners.min(axis=0) - 1e-4, owners.max(axis=0) + 1e-4
    position = graph_of(mesh, overlap=overlap).position
    assert ((position >= low) & (position <= high)).all()


def test_a_few_points_have_one_level(make_mesh):
    graph = graph_of(make_mesh(trimesh.creation.icosphere(1)), spacing=1.5, levels=3)
    assert len(graph.levels) < 3
    assert len(graph.position) >= 3
    _, number = graph.nearest(graph.position, graph.normal, 3)
    np.testing.assert_array_equal(number[:, 0], np.arange(len(graph.position)))
