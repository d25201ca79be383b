# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras follow the stated conventions and cover the whole sphere."""

import itertools

import numpy as np
import pytest

from core.job import JobError
from core.views.cameras import Camera, ViewSampler, ViewSampling, direction_word, sphere_cameras, turntable

ANYWHERE = [Camera(a, e, 3.3, 40.0) for a, e in [(0, 0), (90, 0), (-135, 30), (20, 90), (77, -90), (180, -45)]]


def project(camera, points):
    """Pixel coordinates in [-1, 1] (x right, y up) by the matrix, for a square image."""
    local = points @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
    return local[:, :2] / -local[:, 2:] / np.tan(np.radians(camera.fov_degrees) / 2)


def test_azimuth_0_stands_in_front_and_90_at_the_right_hand():
    np.testing.assert_allclose(Camera(0, 0, 2, 40).position, (0, -2, 0), atol=1e-6)
    np.testing.assert_allclose(Camera(90, 0, 2, 40).position, (2, 0, 0), atol=1e-6)
    np.testing.assert_allclose(Camera(0, 90, 2, 40).position, (0, 0, 2), atol=1e-6)


@pytest.mark.parametrize("camera", ANYWHERE)
def test_the_matrix_is_a_rotation_that_looks_at_the_origin_with_z_up(camera):
    rotation = camera.world_to_camera[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-6)
    assert np.linalg.det(rotation) == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(camera.world_to_camera @ (0, 0, 0, 1), (0, 0, -3.3, 1), atol=1e-6)
    np.testing.assert_allclose(camera.world_to_camera @ (*camera.position, 1), (0, 0, 0, 1), atol=1e-6)
    assert rotation[0, 2] == pytest.approx(0.0, abs=1e-6)  # no roll
    assert rotation[1, 2] >= -1e-6  # up is up


@pytest.mark.parametrize("camera", ANYWHERE)
def test_rays_and_matrix_agree(camera):
    origins, directions = camera.rays(6, 6)
    points = (origins + 2.5 * directions).reshape(-1, 3)
    centres = (np.arange(6) + 0.5) / 3 - 1
    expected = np.stack(np.meshgrid(centres, -centres), axis=-1).reshape(-1, 2)
    np.testing.assert_allclose(project(camera, points), expected, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=-1), 1, atol=1e-6)


@pytest.mark.parametrize("eye", [(0.3, -0.2, 0.9), (-0.5, 0.6, -0.4), (0.1, 0.2, 0.9), (0.1, 0.2, -0.7)])
def test_a_camera_may_stand_anywhere_and_look_at_anything_without_roll(eye):
    target = np.array((0.1, 0.2, 0.3), np.float32)
    camera = Camera.looking_at(target, np.array(eye, np.float32), 50.0)
    np.testing.assert_allclose(camera.position, eye, atol=1e-6)
    np.testing.assert_allclose(
        camera.world_to_camera @ (*target, 1), (0, 0, -np.linalg.norm(eye - target), 1), atol=1e-6
    )
    np.testing.assert_allclose(camera.world_to_camera @ (*camera.position, 1), (0, 0, 0, 1), atol=1e-6)
    assert camera.rotation[0, 2] == pytest.approx(0.0, abs=1e-6) and camera.rotation[1, 2] >= -1e-6
    origins, directions = camera.rays(3, 3)
    middle = origins[1, 1] + directions[1, 1] * camera.distance
    np.testing.assert_allclose(middle, target, atol=1e-6)


def test_wide_images_have_square_pixels():
    _, tall = Camera(0, 0, 3, 40).rays(4, 4)
    _, wide = Camera(0, 0, 3, 40).rays(4, 8)
    np.testing.assert_allclose(wide[:, 2:6], tall, atol=1e-6)


def test_views_cover_the_whole_sphere_evenly():
    sampler = ViewSampler(ViewSampling(views_per_step=4), seed=1)
    positions = np.array([camera.position for _ in range(96) for camera in sampler.sample()])
    unit = positions / np.linalg.norm(positions, axis=1, keepdims=True)
    zone = np.clip((unit[:, 2] + 1) * 2, 0, 3.999).astype(int)  # four zones of equal area
    sector = ((np.degrees(np.arctan2(unit[:, 1], unit[:, 0])) + 180) // 60).astype(int) % 6
    counts = np.bincount(zone * 6 + sector, minlength=24)
    assert counts.min() >= 12 and counts.max() <= 20  # 16 expected


def test_consecutive_views_look_from_opposite_sides():
    for views in (1, 2, 3):
        sampler = ViewSampler(ViewSampling(views_per_step=views), seed=7)
        cameras = list(itertools.chain.from_iterable(sampler.sample() for _ in range(6)))
        for first, second in zip(cameras[::2], cameras[1::2], strict=False):
            unit = [camera.position / camera.distance for camera in (first, second)]
            np.testing.assert_allclose(unit[0], -unit[1], atol=1e-6)


def test_the_same_seed_gives_the_same_views_and_another_seed_others():
    def views(seed):
        sampler = ViewSampler(ViewSampling(), seed)
        return [sampler.sample() for _ in range(5)]

    assert views(3) == views(3)
    assert views(3) != views(4)


def test_a_restored_sampler_goes_on_where_it_was():
    sampler = ViewSampler(ViewSampling(views_per_step=3), seed=5)
    sampler.sample()
    state = sampler.state
    expected = [sampler.sample() for _ in range(3)]
    resumed = ViewSampler(ViewSampling(views_per_step=3), seed=5)
    resumed.restore(state)
    assert [resumed.sample() for _ in range(3)] == expected


def test_distances_and_fields_of_view_fill_their_ranges():
    sampler = ViewSampler(ViewSampling(views_per_step=200), seed=2)
    cameras = sampler.sample()
    for name, low, high in (("distance", 3.0, 4.0), ("fov_degrees", 25.0, 45.0)):
        values = np.array([getattr(camera, name) for camera in cameras])
        assert low <= values.min() < low + 0.1 * (high - low)
        assert high >= values.max() > high - 0.1 * (high - low)


@pytest.mark.parametrize(
    "values",
    [
        {"views_per_step": 0},
        {"distance": (1.0, 2.0)},
        {"distance": (4.0, 3.0)},
        {"fov_degrees": (0.0, 30.0)},
        {"close_ups": 1.5},
    ],
)
def test_impossible_settings_are_refused_with_their_value(values):
    with pytest.raises(JobError, match=next(iter(values))) as raised:
        ViewSampling(**values)
    assert str(next(iter(values.values()))) in raised.value.message


@pytest.mark.parametrize(
    ("azimuth", "elevation", "word"),
    [
        (0, 0, "front view"),
        (44, 10, "front view"),
        (-46, 10, "side view"),
        (90, -59, "side view"),
        (180, 0, "back view"),
        (-170, 30, "back view"),
        (360, 0, "front view"),
        (12, 61, "overhead view"),
        (180, -80, "view from below"),
    ],
)
def test_views_are_called_what_they_show(azimuth, elevation, word):
    assert direction_word(Camera(azimuth, elevation, 3, 40)) == word


@pytest.mark.parametrize("elevation", [-40.0, 0.0, 15.0, 90.0])
def test_a_turntable_frames_any_normalised_mesh(elevation):
    corners = np.array(list(itertools.product((-0.9, 0.9), repeat=3)))
    cameras = turntable(4, elevation)
    assert [camera.azimuth for camera in cameras] == [0, 90, 180, 270]
    for camera in cameras:
        assert np.abs(project(camera, corners)).max() < 1.0


def test_fibonacci_cameras_stand_all_round():
    positions = sphere_cameras(64, 3.5)
    np.testing.assert_allclose(np.linalg.norm(positions, axis=1), 3.5, rtol=1e-5)
    np.testing.assert_allclose(positions.mean(axis=0), 0, atol=0.1)
    apart = np.linalg.norm(positions[:, None] - positions[None], axis=-1) + 9 * np.eye(64)
    assert apart.min() > 0.6 * 3.5 * np.sqrt(4 * np.pi / 64)
