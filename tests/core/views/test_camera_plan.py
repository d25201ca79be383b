# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole run's cameras see all of any mesh, from all sides, the same ones each time."""

import functools
import itertools
from dataclasses import replace

import numpy as np
import pytest
import trimesh

from core.evaluation.shapes import SHAPES, ball
from core.geometry.crease import crease_normals
from core.geometry.mesh import Mesh, normalise
from core.geometry.surface_points import surface_points
from core.models.profiles import profile
from core.optimisation.presets import optimisation_settings
from core.results.coverage import coverage_of
from core.views.camera_plan import CameraPlan
from core.views.cameras import sphere_cameras
from core.views.control_images import depth_image, normal_image
from core.views.embree import EmbreeRasteriser
from core.views.visibility import look

DRAFT = optimisation_settings(profile("bundled"), "draft")
"""The shortest run of all."""


def inside_out():
    solid = ball(1.0)
    solid.invert()
    return solid


ALL_SHAPES = {
    **SHAPES,
    "nested": lambda: trimesh.util.concatenate([ball(1.0), ball(0.4)]),
    "inside out": inside_out,
}

STEPS = {"nested": 20, "inside out": 20}
"""Fewer where the end of the run adds nothing."""


@functools.cache
def planned(name):
    """Mesh, Embree's tree and the cameras of a draft, one list a step."""
    shape = ALL_SHAPES[name]()
    positions, triangles = shape.vertices.astype(np.float32), shape.faces.astype(np.int32)
    corner_uvs = np.random.default_rng(0).random((len(triangles), 3, 2)).astype(np.float32)
    mesh = normalise(Mesh(positions, triangles, corner_uvs, crease_normals(positions, triangles)))
    embree = EmbreeRasteriser(mesh)
    plan = CameraPlan(mesh, embree, DRAFT.views, DRAFT.resolution, seed=0)
    return mesh, embree, [plan[step] for step in range(STEPS.get(name, DRAFT.steps))]


def cameras_of(name):
    return list(itertools.chain.from_iterable(planned(name)[2]))


def is_close_up(camera):
    return camera.target != (0.0, 0.0, 0.0)


def looks(name):
    """Points of the surface, and how often the views show the front of each."""
    mesh, embree, _ = planned(name)
    points = surface_points(mesh, 1500)
    return points, sum(look(camera, embree, points.position, points.normal) > 0 for camera in cameras_of(name))


def winding(mesh, eye):
    """How often a closed mesh winds round a point (van Oosterom & Strackee 1983): 1 inside of a solid, 0 outside."""
    corners = mesh.positions[mesh.triangles].astype(np.float64) - eye
    a, b, c = corners.transpose(1, 0, 2)
    la, lb, lc = (np.linalg.norm(side, axis=-1) for side in (a, b, c))
    solid = (a * np.cross(b, c)).sum(-1)
    rest = la * lb * lc + (a * b).sum(-1) * lc + (a * c).sum(-1) * lb + (b * c).sum(-1) * la
    return round(np.arctan2(solid, rest).sum() / (2 * np.pi))


@pytest.mark.parametrize("name", ["pole", "sheet", "room", "islands", "torus", "tiny", "cup"])
def test_a_draft_sees_the_front_of_all_that_can_be_seen(name):
    _, embree, _ = planned(name)
    points, seen = looks(name)
    reachable = np.zeros(len(seen), dtype=bool)
    for direction in sphere_cameras(60, 1.0):
        towards = np.flatnonzero(points.normal @ direction > 0.3)
        free = embree.free_distance(points.position[towards], np.tile(direction, (len(towards), 1)))
        reachable[towards] |= free > 0.03
    assert reachable.mean() > 0.98  # nothing touches anything
    assert (seen[reachable] > 0).mean() >= 0.99


@pytest.mark.parametrize("name", ["islands", "torus", "pole"])
def test_undersides_are_seen_as_often_as_tops(name):
    points, seen = looks(name)
    top, bottom = seen[points.normal[:, 2] > 0.5].mean(), seen[points.normal[:, 2] < -0.5].mean()
    assert bottom == pytest.approx(top, rel=0.15)


@pytest.mark.parametrize("name", ["torus", "room"])
def test_pairs_of_whole_views_look_from_opposite_sides(name):
    cameras = cameras_of(name)
    for first, second in zip(cameras[::2], cameras[1::2], strict=True):
        assert is_close_up(first) == is_close_up(second)
        if not is_close_up(first):
            np.testing.assert_allclose(first.rotation[2], -second.rotation[2], atol=1e-6)


def test_the_views_of_a_step_are_the_same_wherever_a_run_begins():
    mesh, embree, steps = planned("room")
    resumed = CameraPlan(mesh, embree, DRAFT.views, DRAFT.resolution, seed=0)
    assert resumed[30] == steps[30] and resumed[31] == steps[31] and resumed[0] == steps[0]
    assert any(is_close_up(camera) for camera in steps[30] + steps[31])
    assert CameraPlan(mesh, embree, DRAFT.views, DRAFT.resolution, seed=1)[0] != steps[0]


@pytest.mark.parametrize(("name", "open_space"), [("room", -1), ("cup", 0), ("nested", 0), ("pole", 0)])
def test_no_camera_stands_in_a_wall(name, open_space):
    mesh = planned(name)[0]
    for camera in cameras_of(name):
        assert winding(mesh, camera.position) == (open_space if is_close_up(camera) else 0)


@pytest.mark.parametrize("name", ["room", "cup", "pole"])
def test_nothing_stands_between_a_close_up_and_what_it_looks_at(name):
    _, embree, _ = planned(name)
    close = [camera for camera in cameras_of(name) if is_close_up(camera)]
    eyes = np.array([camera.position for camera in close])
    directions = np.array([-camera.rotation[2] for camera in close])
    _, _, distance = embree.cast(eyes, directions)
    np.testing.assert_allclose(distance, [camera.distance for camera in close], rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("name", ["torus", "tiny", "inside out"])
def test_compact_solids_are_only_seen_whole(name):
    assert not any(is_close_up(camera) for camera in cameras_of(name))


@pytest.mark.parametrize("name", ALL_SHAPES)
def test_whole_views_are_the_large_majority(name):
    assert np.mean([is_close_up(camera) for camera in cameras_of(name)]) <= 0.25


def test_close_ups_in_the_open_show_a_texel_with_a_pixel():
    mesh = planned("pole")[0]
    texel = np.sqrt(surface_points(mesh, 1).area) / (4 * DRAFT.resolution)
    for camera in filter(is_close_up, cameras_of("pole")):
        pixel = 2 * np.tan(np.radians(camera.fov_degrees) / 2) * camera.distance / DRAFT.resolution
        assert pixel == pytest.approx(texel, rel=0.01)


def test_control_images_of_a_close_up_show_the_target_in_the_middle():
    _, embree, _ = planned("room")
    camera = next(filter(is_close_up, cameras_of("room")))
    raster = embree.rasterise(camera, 33, 33)
    np.testing.assert_allclose(raster.position[16, 16], camera.target, atol=1e-3)
    depth, normal = depth_image(raster), normal_image(raster, camera)
    assert depth[raster.mask].min() == 0 and depth[raster.mask].max() == 1
    assert normal[16, 16, 2] > 0.5  # towards the viewer


def test_coverage_is_what_the_views_of_the_run_saw():
    mesh, embree, steps = planned("room")
    first = coverage_of(mesh, embree, steps[0][:1], 128).shares()
    whole_run = coverage_of(mesh, embree, cameras_of("room"), 128).shares()
    assert 0.1 < first["seen"] < 0.7
    assert whole_run["seen"] > 0.98
    assert first["untouched"] == whole_run["untouched"] == 0


def test_close_ups_can_be_forbidden():
    mesh, embree, _ = planned("pole")
    settings = replace(DRAFT, views=replace(DRAFT.views, close_ups=0.0))
    plan = CameraPlan(mesh, embree, settings.views, settings.resolution, seed=0)
    assert not any(is_close_up(camera) for step in range(6) for camera in plan[step])


def test_the_paper_preset_draws_the_published_cameras():
    settings = optimisation_settings(profile("sd15"), "paper")
    mesh, embree, _ = planned("torus")
    plan = CameraPlan(mesh, embree, settings.views, settings.resolution, seed=3)
    steps = [plan[step] for step in range(settings.steps)]
    assert {len(step) for step in steps} == {1}
    cameras = [step[0] for step in steps]
    ranges = {"distance": (3, 4), "fov_degrees": (25, 45), "elevation": (-20, 45), "azimuth": (-180, 180)}
    for name, (low, high) in ranges.items():
        values = np.array([getattr(camera, name) for camera in cameras])
        share = (values - low) / (high - low)
        assert share.min() >= 0 and share.max() <= 1
        np.testing.assert_allclose(np.histogram(share, 5, (0, 1))[0] / len(share), 0.2, atol=0.03)
    assert not any(is_close_up(camera) for camera in cameras)
    assert CameraPlan(mesh, embree, settings.views, settings.resolution, seed=3)[700] == steps[700]


def test_many_views_go_close_to_a_small_part_that_they_are_for():
    mesh, embree, _ = planned("nested")
    middle = mesh.positions[mesh.triangles].mean(axis=1)
    chosen = np.linalg.norm(middle - middle[middle[:, 0].argmax()], axis=1) < 0.12
    names = ("triangles", "corner_uvs", "corner_normals")
    part = replace(mesh, **{name: getattr(mesh, name)[chosen] for name in names})
    points = surface_points(part, 200)

    def shown(focus):
        plan = CameraPlan(mesh, embree, DRAFT.views, DRAFT.resolution, 0, focus)
        again = CameraPlan(mesh, embree, DRAFT.views, DRAFT.resolution, 0, focus)
        cameras = [camera for step in range(10) for camera in plan[step]]
        for camera, same in zip(cameras, (camera for step in range(10) for camera in again[step]), strict=True):
            np.testing.assert_array_equal(camera.position, same.position)
        seen = [look(camera, embree, points.position, points.normal) > 0.0 for camera in cameras]
        distance = [np.linalg.norm(points.position.mean(axis=0) - camera.position) for camera in cameras]
        return np.mean(seen), np.mean(np.array(distance) < 2.0)

    (share, near), (share_before, near_before) = shown(part), shown(None)
    assert share > share_before + 0.2
    assert near >= 0.25 and near_before < 0.2
