# SPDX-License-Identifier: GPL-3.0-or-later
"""Noise on the surface is Gaussian noise in each view, and the same noise in all of them."""

import numpy as np
import pytest
import torch
import trimesh

from core.diffusion.surface_noise import SurfaceNoise
from core.views.cameras import Camera
from core.views.embree import EmbreeRasteriser
from core.views.step_views import step_views

SIDE = 32
"""Of the latents."""


@pytest.fixture(scope="module")
def embree(make_mesh):
    return EmbreeRasteriser(make_mesh(trimesh.creation.box(extents=(1.8, 1.8, 1.8))))


def seen(embree, *cameras, supersampling=3):
    """64 by 64 pixels from each camera."""
    return next(step_views(embree, [list(cameras)], [0], 64, supersampling))


def front(azimuth=0.0, distance=3.4, fov_degrees=36.0, target=(0.0, 0.0, 0.0)):
    return Camera(azimuth, 0.0, distance, fov_degrees, target)


def noise(views, seed=0, background=0):
    return SurfaceNoise(seed, 4).of(views, SIDE, torch.Generator().manual_seed(background))


def inside(views):
    """[B, SIDE, SIDE]: the latents' pixels that show nothing but surface."""
    count, height, width = views.shape
    covered = torch.zeros(count * height * width).index_add_(0, views.pixels, views.weights)
    return torch.nn.functional.avg_pool2d(covered.reshape(count, height, width), height // SIDE) > 0.999


@pytest.mark.parametrize("camera", [front(), front(30.0), front(0.0, 1.5, 20.0, (0.0, -0.9, 0.0))])
def test_the_noise_of_a_view_is_standard_normal_and_its_pixels_hardly_know_each_other(embree, camera):
    values = noise(seen(embree, camera))[0]
    assert values.shape == (4, SIDE, SIDE)
    assert float(values.mean()) == pytest.approx(0.0, abs=0.1)
    assert float(values.std()) == pytest.approx(1.0, abs=0.06)
    for axis in (1, 2):
        moved = values.roll(1, axis)
        assert abs(float((values * moved).mean())) < 0.06
    assert abs(float(np.corrcoef(values.flatten(1))[0, 1])) < 0.1


def test_a_place_has_its_noise_in_every_view_and_the_background_has_none(embree):
    views = seen(embree, front(fov_degrees=44.0), front(fov_degrees=44.0))
    first, second = noise(views, background=1), noise(views, background=2)
    covered = inside(views)[:, None].expand_as(first)
    assert covered.float().mean() > 0.3
    torch.testing.assert_close(first[covered], second[covered])
    torch.testing.assert_close(first[0][covered[0]], first[1][covered[1]])
    assert (~covered).float().mean() > 0.1
    assert not torch.isclose(first[~covered], second[~covered]).all()


def test_from_a_little_aside_most_of_the_noise_is_found_again(embree):
    views = seen(embree, front(), front(target=(0.02, 0.0, 0.0)))
    values, both = noise(views), inside(views).all(0)
    found = np.corrcoef(values[0][:, both].flatten(), values[1][:, both].flatten())[0, 1]
    assert found > 0.4
    fresh = np.corrcoef(values[0][:, both].flatten(), noise(views, seed=1)[1][:, both].flatten())[0, 1]
    assert abs(fresh) < 0.1


def test_smoothed_edges_change_nothing_in_the_noise_of_faces(embree):
    coarse = noise(seen(embree, front(), supersampling=1))
    assert float(coarse.std()) == pytest.approx(1.0, abs=0.06)
