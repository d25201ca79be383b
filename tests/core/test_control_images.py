# SPDX-License-Identifier: GPL-3.0-or-later
"""The ControlNets' images follow the conventions that the published ControlNets were trained on."""

from types import SimpleNamespace

import numpy as np
import pytest

from core.diffusion.control_images import NORMAL_BACKGROUND, depth_image, normal_image


def view(normal=(0.0, -1.0, 0.0), depth=((2.0, 3.0), (4.0, 9.0)), mask=((True, True), (True, False))):
    """A two by two view; the last pixel is background."""
    mask = np.array(mask)
    return SimpleNamespace(
        mask=mask,
        normal=np.broadcast_to(np.array(normal, np.float32), (*mask.shape, 3)),
        depth=np.array(depth, np.float32),
    )


def camera_in_front():
    """Stands at -Y and looks along +Y with Z up: x right is +X, y up is +Z, z to the viewer is -Y."""
    matrix = np.eye(4, dtype=np.float32)
    matrix[:3, :3] = [[1, 0, 0], [0, 0, 1], [0, -1, 0]]
    return SimpleNamespace(world_to_camera=matrix)


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
