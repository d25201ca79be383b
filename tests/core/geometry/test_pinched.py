# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces without room in the texture are told of, with their share."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from core.geometry.pinched import find_pinched


@pytest.fixture
def ball(make_mesh):
    return make_mesh(trimesh.creation.icosphere(2))


@pytest.mark.parametrize("place", [(0.5, 0.5), (0.0, 0.0)])
def test_half_of_the_faces_at_one_point(ball, place):
    uvs = ball.corner_uvs.copy()
    uvs[::2] = place
    pinched = find_pinched(replace(ball, corner_uvs=uvs))
    assert pinched.faces == 0.5
    assert pinched.surface == pytest.approx(0.5, abs=0.05)
    assert pinched.message().startswith(
        "50 % of the faces (49 % of the surface) lie in a point or a line of the UV map"
    )


def test_faces_in_a_line_and_in_a_tiny_square(ball):
    uvs = ball.corner_uvs.copy()
    uvs[:32, :, 0] = 0.25
    uvs[32:64] = 0.5 + uvs[32:64] * 1e-3
    assert find_pinched(replace(ball, corner_uvs=uvs)).faces == pytest.approx(64 / 320)


def test_sound_uvs_and_a_few_pinched_faces_are_not_spoken_of(ball):
    assert find_pinched(ball).faces == 0
    assert find_pinched(ball).message() is None
    uvs = ball.corner_uvs.copy()
    uvs[0] = 0.5
    assert find_pinched(replace(ball, corner_uvs=uvs)).message() is None


def test_uneven_densities_are_an_artists_choice(ball):
    uvs = ball.corner_uvs * np.where(np.arange(len(ball.corner_uvs)) % 2, 1.0, 0.05)[:, None, None]
    assert find_pinched(replace(ball, corner_uvs=uvs.astype(np.float32))).faces == 0
