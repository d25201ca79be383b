# SPDX-License-Identifier: GPL-3.0-or-later
"""The style-statistics term knows its own style, paints it, and nothing of where things are in it."""

import pytest
import torch
import trimesh
from torch.nn import functional

from core.geometry.surface_patches import SurfacePatches
from core.job import JobError
from core.style.statistics import StatisticsSettings, StyleStatistics, _transport
from tests.core.bare_mesh import bare_mesh

SIDE = 64
SETTINGS = StatisticsSettings(style_resolution=SIDE, step_shares=(0.5, 0.5), surface_patches=(600, 300), samples=(1, 2))
RED = torch.tensor([0.9, 0.1, 0.1])


@pytest.fixture(scope="module")
def wall():
    """A square that a style image just covers, upright, seen from the front as the picture is."""
    half = SETTINGS.style_extent / 2
    corners = [(-half, 0, -half), (half, 0, -half), (half, 0, half), (-half, 0, half)]
    return SurfacePatches(bare_mesh(trimesh.Trimesh(corners, [(0, 1, 2), (0, 2, 3)])))


def picture(kind, seed=0):
    """[3, SIDE, SIDE]: flat red, lying stripes of blue and yellow, or green speckle."""
    generator = torch.Generator().manual_seed(seed)
    if kind == "red":
        return RED[:, None, None].expand(3, SIDE, SIDE).clone()
    if kind == "stripes":
        lower = (torch.arange(SIDE) // 4 % 2).float()[:, None].expand(SIDE, SIDE)
        colours = torch.tensor([[0.1, 0.2, 0.7], [0.9, 0.8, 0.2]])
        return lower[None] * colours[0][:, None, None] + (1 - lower[None]) * colours[1][:, None, None]
    return torch.rand(1, SIDE, SIDE, generator=generator) * torch.tensor([0.2, 0.8, 0.3])[:, None, None]


def hung(image):
    """The wall's colours when ``image`` [3, h, w] hangs there."""

    def field(positions):
        grid = torch.stack([positions[:, 0], -positions[:, 2]], dim=-1) / (SETTINGS.style_extent / 2)
        return functional.grid_sample(image[None], grid[None, None], padding_mode="reflection", align_corners=False)[
            0, :, 0
        ].T

    return field


def distance(wall, image, style, progress=0.9, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return float(StyleStatistics(SETTINGS, style, wall).loss(hung(image), progress, generator))


KINDS = ("red", "stripes", "speckle")


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_near_its_own_statistics_and_far_from_others(wall, kind):
    own = distance(wall, picture(kind), picture(kind))
    others = [distance(wall, picture(kind), picture(other)) for other in KINDS if other != kind]
    assert own < 0.1 * min(others)


@pytest.mark.parametrize("kind", KINDS)
def test_so_it_is_while_only_coarse_patches_are_compared(wall, kind):
    own = distance(wall, picture(kind), picture(kind), progress=0.1)
    others = [distance(wall, picture(kind), picture(other), progress=0.1) for other in KINDS if other != kind]
    assert own < 0.15 * min(others)


def test_moving_everything_in_the_picture_hardly_matters(wall):
    style = picture("speckle")
    moved = style.roll((17, 30), dims=(1, 2))
    assert distance(wall, moved, style) < 0.1 * distance(wall, picture("stripes"), style)


def test_moving_stripes_makes_them_hardly_worse(wall):
    style = picture("stripes")
    moved = style.roll((5, 30), dims=(1, 2))
    assert distance(wall, moved, style) < 1.2 * distance(wall, style, style)


def test_noise_becomes_the_styles_pattern_the_right_way_up(wall):
    image = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)).requires_grad_()
    statistics = StyleStatistics(SETTINGS, picture("stripes"), wall)
    optimiser = torch.optim.Adam([image], lr=0.05)
    for step in range(60):
        optimiser.zero_grad()
        statistics.loss(hung(image), step / 60, torch.Generator().manual_seed(step)).backward()
        assert torch.isfinite(image.grad).all()
        optimiser.step()
    inside = image.detach()[:, 8:-8, 8:-8]
    along, across = inside.diff(dim=2).abs().mean(), inside.diff(dim=1).abs().mean()
    assert across > 2 * along
    # Half of it blue, half yellow.
    assert float((inside[2] > inside[0]).float().mean()) == pytest.approx(0.5, abs=0.12)


@pytest.fixture(scope="module")
def plate():
    """A lying square with a top and an underside, much nearer to each other than its ends."""
    return SurfacePatches(bare_mesh(trimesh.creation.box((SETTINGS.style_extent, SETTINGS.style_extent, 0.05))))


@pytest.mark.parametrize(("surface", "across", "along", "least"), [("wall", 0, 2, 0.05), ("plate", 2, 0, 0.17)])
def test_a_colour_does_not_gather_on_the_side_that_is_a_little_nearer_to_it(surface, across, along, least, request):
    place = torch.arange(SIDE)
    blocks = ((place[:, None] // 32 + place // 32) % 2).bool()
    pale = torch.full((3,), 0.8)
    style = torch.where(blocks, RED[:, None, None], pale[:, None, None])
    statistics = StyleStatistics(SETTINGS, style, request.getfixturevalue(surface))
    told_to_turn_pale = []
    for seed in range(16):
        asked = []

        def field(positions, asked=asked):
            paleness = 0.5 + 0.05 * positions[:, across].sign() + 0.04 * (9 * positions[:, along]).sin()
            colours = torch.lerp(RED, pale, paleness[:, None]).requires_grad_()
            asked.append((positions[:, across] < 0, colours))
            return colours

        statistics.loss(field, 0.1, torch.Generator().manual_seed(seed)).backward()
        [(redder, colours)] = asked
        told_to_turn_pale.append(float((colours.grad[redder, 1] < 0).float().mean()))
    assert sum(told_to_turn_pale) / len(told_to_turn_pale) > least


def test_the_same_generator_state_gives_the_same_loss(wall):
    assert distance(wall, picture("speckle"), picture("red")) == distance(wall, picture("speckle"), picture("red"))


def test_transport_uses_each_of_the_styles_patches_as_often_as_it_should():
    pale, red = torch.full((12,), 0.8), RED.repeat(4)
    style = torch.stack([pale] * 90 + [red] * 10)
    all_nearer_to_pale = torch.lerp(pale, red, torch.linspace(0.0, 0.45, 500)[:, None])
    becomes_red = _transport(all_nearer_to_pale, style, torch.full((100,), 0.01), 0.005) >= 90
    assert 0.07 <= float(becomes_red.float().mean()) <= 0.13
    assert becomes_red[-30:].all(), "the reddest ones"


def test_what_the_picture_shows_once_counts_less(wall):
    style = picture("speckle")
    row, column = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    style[:, (row - 30) ** 2 + (column - 25) ** 2 < 100] = RED[:, None]

    def share_of_red(commonness):
        settings = StatisticsSettings(
            SIDE, step_shares=(0.5, 0.5), surface_patches=(10, 10), samples=(1, 2), commonness=commonness
        )
        coarsest = StyleStatistics(settings, style, wall)._levels[-1]
        return float(coarsest.mass[coarsest.patches[:, 0::3].mean(1) > 0.4].sum())

    assert share_of_red(0.0) > 0.03
    assert share_of_red(1.0) < 0.5 * share_of_red(0.0)


def test_the_last_part_of_a_run_leaves_out_coarse_levels():
    shares = StatisticsSettings(step_shares=(0.5, 0.3, 0.2))
    assert shares.lowered(1.0) == shares
    assert shares.lowered(0.7).step_shares == pytest.approx((0.5, 0.2, 0.0))
    assert shares.lowered(0.25).step_shares == pytest.approx((0.25, 0.0, 0.0))


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"step_shares": (0.5, 0.5)}, "step_shares"),
        ({"step_shares": (), "surface_patches": ()}, "step_shares"),
        ({"style_resolution": 16}, "style_resolution"),
    ],
)
def test_settings_that_cannot_be_used_are_named(wrong, named):
    with pytest.raises(JobError, match=named):
        StatisticsSettings(**wrong)
