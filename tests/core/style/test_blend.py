# SPDX-License-Identifier: GPL-3.0-or-later
"""Several style images by their weights: each has its share of the patches, and of the embedding."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from core.diffusion.conditioning import condition, style_embedding
from core.geometry.surface_patches import SurfacePatches
from core.job import Job, style_shares
from core.style.statistics import StatisticsSettings, StyleStatistics, _transport
from tests.core.bare_mesh import bare_mesh

SETTINGS = StatisticsSettings(style_resolution=32, step_shares=(1.0,), surface_patches=(400,), samples=(1,))
RED, BLUE = torch.tensor([0.9, 0.1, 0.1]), torch.tensor([0.1, 0.1, 0.9])
JOB = Job("Box", "a box", "style.png", content="a house")


def flat(colour, side=32):
    """A flat colour with a little grain."""
    grain = 0.02 * torch.rand(3, side, side, generator=torch.Generator().manual_seed(0))
    return (colour[:, None, None] + grain).clamp(0.0, 1.0)


@pytest.fixture(scope="module")
def ball():
    return SurfacePatches(bare_mesh(trimesh.creation.icosphere(3)))


def loss(statistics, field):
    return float(statistics.loss(field, 0.1, torch.Generator().manual_seed(0)))


def noise(places):
    """Colours without any order, as a field begins with."""
    return torch.rand(len(places), 3, generator=torch.Generator().manual_seed(1))


def test_one_picture_of_share_1_is_that_picture(ball):
    alone = StyleStatistics(SETTINGS, flat(RED), ball)
    assert loss(StyleStatistics(SETTINGS, [(flat(RED), 1.0)], ball), noise) == loss(alone, noise)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_a_blend_gives_each_picture_its_share_of_the_surface(share, ball):
    blend = StyleStatistics(SETTINGS, [(flat(RED), share), (flat(BLUE), 1.0 - share)], ball)
    (level,) = blend._levels
    red = level.patches[:, 0] > 0.5
    assert float(level.mass.sum()) == pytest.approx(1.0)
    assert float(level.mass[red].sum()) == pytest.approx(share, abs=1e-5)
    patches = torch.rand(400, level.patches.shape[1], generator=torch.Generator().manual_seed(2))
    given = _transport(patches, level.patches, level.mass, SETTINGS.regularisation)
    assert float(red[given].float().mean()) == pytest.approx(share, abs=0.1)


def pictures():
    colours = ((200, 60, 30), (30, 90, 160))
    return [Image.fromarray(np.full((48, 40, 3), colour, np.uint8)) for colour in colours]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_the_embedding_is_blended_after_the_content_is_removed(share, networks):
    one, two = pictures()
    shares = [(image, part) for image, part in ((one, share), (two, 1.0 - share)) if part > 0.0]
    with torch.no_grad():
        first, second = (style_embedding(networks, image, "a house", 1.0)[0] for image in (one, two))
        expected = networks.image_projection(share * first + (1.0 - share) * second)
    result = condition(networks, JOB, shares)
    torch.testing.assert_close(result.style_tokens, expected, rtol=1e-4, atol=1e-5)
    assert (share in (0.0, 1.0)) == any(
        torch.allclose(result.style_tokens, condition(networks, JOB, image).style_tokens, atol=1e-5)
        for image in (one, two)
    )


def test_shares_are_weights_over_their_sum_and_what_weighs_nothing_is_left_out():
    job = dataclasses.replace(JOB, style_weight=0.0, more_styles=(("b.png", 1.0), ("c.png", 3.0)))
    assert style_shares(job) == [("b.png", 0.25), ("c.png", 0.75)]
    assert style_shares(JOB) == [("style.png", 1.0)]
