# SPDX-License-Identifier: GPL-3.0-or-later
"""The ControlNets' images follow the conventions that the published ControlNets were trained on."""

import numpy as np
import pytest

from core.views.cameras import Camera
from core.views.control_images import NORMAL_BACKGROUND, depth_image, normal_image
from core.views.rasteriser import Raster


def view(normal=(0.0, -1.0, 0.0), depth=((2.0, 3.0), (4.0, 9.0)), mask=((True, True), (True, False))):
    """A two by two view; the last pixel is background."""
    covered = np.array(mask)
    return Raster(
        mask=covered,
        triangle=np.where(covered, 0, -1).astype(np.int32),
        barycentric=np.full((2, 2, 3), 1 / 3, np.float32),
        position=np.zeros((2, 2, 3), np.float32),
        normal=np.broadcast_to(np.array(normal, np.float32), (2, 2, 3)),
        depth=np.array(depth, np.float32),
        facing=np.ones((2, 2), np.float32),
    )


def camera_in_front():
    """Stands at -Y and looks along +Y with Z up: x right is +X, y up is +Z, z to the viewer is -Y."""
    return Camera(azimuth=0.0, elevation=0.0, distance=3.0, fov_degrees=30.0)


@pytest.mark.parametrize(
    ("normal", "colour"),
    [
        ((0.0, -1.0, 0.0), (0.5, 0.5, 1.0)),
        ((-1.0, 0.0, 0.0), (1.0, 0.5, 0.5)),
        ((1.0, 0.0, 0.0), (0.0, 0.5, 0.5)),
        ((0.0, 0.0, 1.0), (0.5, 1.0, 0.5)),
    ],
)
def test_normals_are_red_to_the_left_green_up_blue_to_the_viewer(normal, colour):
    image = normal_image(view(normal), camera_in_front())
    assert image.dtype == np.float32
    np.testing.assert_allclose(image[0, 0], colour, atol=1e-6)
    np.testing.assert_allclose(image[1, 1], NORMAL_BACKGROUND, atol=1e-6)


def test_depth_is_one_at_the_nearest_pixel_and_zero_behind_and_beside_the_object():
    image = depth_image(view())
    assert image.dtype == np.float32 and image.shape == (2, 2, 3)
    np.testing.assert_allclose(image[..., 0], [[1.0, 0.5], [0.0, 0.0]])


def test_depth_of_a_plane_facing_the_camera_and_of_nothing_is_finite():
    np.testing.assert_allclose(depth_image(view(depth=((2.0, 2.0), (2.0, 9.0))))[0, 0], 1.0)
    assert not depth_image(view(mask=((False, False), (False, False)))).any()
