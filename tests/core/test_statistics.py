# SPDX-License-Identifier: GPL-3.0-or-later
"""The style-statistics term knows its own style, and nothing of where things are in it."""

import pytest
import torch

from core.statistics import StatisticsSettings, StyleStatistics, _rotations, _transport

SETTINGS = StatisticsSettings(style_resolution=64)


def picture(kind, seed=0):
    """[3, 64, 64]: flat red, blue and yellow stripes, or green speckle."""
    generator = torch.Generator().manual_seed(seed)
    if kind == "red":
        return torch.tensor([0.8, 0.1, 0.1])[:, None, None].expand(3, 64, 64).clone()
    if kind == "stripes":
        stripes = (torch.arange(64) // 4 % 2).float().expand(64, 64)
        colours = torch.tensor([[0.1, 0.2, 0.7], [0.9, 0.8, 0.2]])
        return (stripes[None] * colours[0][:, None, None]) + (1 - stripes[None]) * colours[1][:, None, None]
    return torch.rand(1, 64, 64, generator=generator) * torch.tensor([0.2, 0.8, 0.3])[:, None, None]


def distance(image, style, mask=None, seed=0):
    mask = torch.ones(1, 1, 64, 64) if mask is None else mask
    generator = torch.Generator().manual_seed(seed)
    return float(StyleStatistics(SETTINGS, style).loss(image[None], mask, generator))


KINDS = ("red", "stripes", "speckle")


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_near_its_own_statistics_and_far_from_others(kind):
    own = distance(picture(kind), picture(kind))
    others = [distance(picture(kind), picture(other)) for other in KINDS if other != kind]
    assert own < 0.1 * min(others)


def test_moving_everything_in_the_picture_hardly_matters():
    style = picture("speckle")
    moved = style.roll((17, 30), dims=(1, 2))
    assert distance(moved, style) < 0.1 * distance(picture("stripes"), style)


def test_the_background_plays_no_part():
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 10:50, 12:60] = 1
    image = picture("speckle")
    other = image * mask[0] + (1 - mask[0]) * torch.tensor([1.0, 0.0, 1.0])[:, None, None]
    assert distance(image, picture("stripes"), mask) == pytest.approx(distance(other, picture("stripes"), mask))


def test_the_gradient_is_finite_and_stays_on_the_object():
    mask = torch.zeros(2, 1, 64, 64)
    mask[0, :, 5:60, 5:60] = 1
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    generator = torch.Generator().manual_seed(0)
    loss = StyleStatistics(SETTINGS, picture("stripes")).loss(images, mask, generator)
    (gradient,) = torch.autograd.grad(loss, images)
    assert torch.isfinite(gradient).all()
    assert gradient[0].abs().max() > 0
    assert gradient[1].abs().max() == 0
    assert (gradient * (1 - mask)).abs().max() == 0


def test_nothing_covered_is_a_loss_of_zero():
    assert distance(picture("red"), picture("stripes"), torch.zeros(1, 1, 64, 64)) == 0


def test_the_same_generator_state_gives_the_same_loss():
    assert distance(picture("speckle"), picture("red")) == distance(picture("speckle"), picture("red"))


def test_transport_gives_the_styles_colours_and_keeps_rare_ones():
    generator = torch.Generator().manual_seed(0)
    style = torch.tensor([0.9, 0.9, 0.8])[:, None].repeat(1, 1000)
    style[:, :30] = torch.tensor([0.9, 0.1, 0.1])[:, None]
    colours = _transport(torch.rand(3, 1000, generator=generator), style, _rotations(12, generator))
    red = (colours - torch.tensor([0.9, 0.1, 0.1])[:, None]).square().sum(0) < 0.02
    pale = (colours - torch.tensor([0.9, 0.9, 0.8])[:, None]).square().sum(0) < 0.02
    assert 20 <= red.sum() <= 40
    assert (red | pale).float().mean() > 0.97
