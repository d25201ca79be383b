# SPDX-License-Identifier: GPL-3.0-or-later
"""Style statistics: makes small patches of the texture as frequent as they are in the style image.

Patches of the surface are matched with those of the style image by optimal transport, coarse ones first (Galerne,
Leclaire and Rabin 2018, "A texture synthesis model based on semi-discrete optimal transport in patch space"; here with
entropic regularisation), and the field moves towards the likes that it was given; coarse ones in halves of the object,
so that every side of it gets all of the style. Nothing in that says where in the picture a patch was, so it carries
palette, stroke and small patterns, but no content; what the picture shows only once at the size of the coarsest patches
counts less besides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from ..geometry.surface_patches import Patches, SurfacePatches
from ..job import JobError

_TRANSPORT_ITERATIONS = 10
_NOTHING = 1e-30
"""Factors of the transport up to here count as 0."""
_MOST_COMPARED = 2500
"""Patches of the style image that are compared with each other to see which are common; more are thinned out."""
_LIKES = 3
"""A patch is as common as so many of its likes elsewhere in the picture are near."""


@dataclass(frozen=True)
class StatisticsSettings:
    """What is compared, and how finely. Tuples have one value for each level, the finest first."""

    style_resolution: int = 128
    """Shorter side to which the style image is resized on the finest level, in pixels; each level has half the
    resolution of the one before."""
    style_extent: float = 1.4
    """How much of the normalised mesh the style image's shorter side would cover, in its units: the size of strokes."""
    patch_size: int = 5
    """Side of the square patches, in pixels of their level; odd."""
    step_shares: tuple[float, ...] = (0.5, 0.25, 0.25)
    """Share of the steps that are spent on a level; the coarsest comes first."""
    surface_patches: tuple[int, ...] = (700, 200, 100)
    """Patches of the surface that are matched in one update."""
    updates_alone: int = 3
    """Updates of the field by this term alone after each by all terms: many of few patches go farther in the same time
    than few of many."""
    samples: tuple[int, ...] = (1, 2, 2)
    """Points along the side of a patch's pixel, whose mean is its colour: coarse pixels show the fine ones in them."""
    thickness: float = 0.5
    """How far patches lie in front of the surface and behind it, all told, in pixels of the finest level: what is
    painted goes straight into the object a little way, so that over an edge it changes no faster than beside it."""
    style_patches: int = 2000
    """Most patches of the style image on a level."""
    coarser_weight: float = 0.3
    """Weight of the level before, which is kept in view, in proportion to the present one."""
    regularisation: float = 0.005
    """Entropic regularisation of the transport, as a mean squared difference of colours in [0, 1]: how much worse a
    patch may fit, if that uses all of the style image's patches equally."""
    commonness: float = 1.0
    """How much less a patch counts that has few likes in the picture; 0 counts all alike."""

    def __post_init__(self) -> None:
        counts = {len(self.step_shares), len(self.surface_patches), len(self.samples)}
        if len(counts) > 1 or 0 in counts:
            raise JobError(
                "bad_setting",
                f"There are {len(self.step_shares)} step_shares, {len(self.surface_patches)} surface_patches and"
                f" {len(self.samples)} samples; there must be one of each for every level",
            )
        if self.style_resolution >> (len(self.step_shares) - 1) < self.patch_size:
            raise JobError(
                "bad_setting",
                f"style_resolution is {self.style_resolution}: too little for {len(self.step_shares)} levels",
            )

    def lowered(self, strength: float) -> StatisticsSettings:
        """Those of the last ``strength`` (in [0, 1]) of a run: coarse levels are left out first."""
        left, shares = strength * sum(self.step_shares), []
        for share in self.step_shares:
            shares.append(min(share, left))
            left -= shares[-1]
        return replace(self, step_shares=tuple(shares))


class StyleStatistics:
    """Distance of a texture from the statistics of a style image, or of a blend of several.

    Of several, each is given its share of the surface's patches: their palettes and strokes lie side by side. To be
    near to all of them everywhere would give colours that none of them has.
    """

    def __init__(
        self,
        settings: StatisticsSettings,
        style_image: Tensor | Sequence[tuple[Tensor, float]],
        surface: SurfacePatches,
    ) -> None:
        """Cut the style image into patches.

        Args:
            settings: what is compared.
            style_image: [3, H, W] sRGB in [0, 1], on the device to compute on; or several with shares that add up to 1.
            surface: of the normalised mesh.
        """
        self.settings = settings
        self._surface = surface
        images = [(style_image, 1.0)] if isinstance(style_image, Tensor) else style_image
        parts = [_levels(image, share, settings) for image, share in images]
        self._levels = [_blend(levels) for levels in zip(*parts, strict=True)]

    def loss(self, field: Callable[[Tensor], Tensor], progress: float, generator: torch.Generator) -> Tensor:
        """Half the squared distance that the texture has to move, summed over its texels and colours.

        The sum makes the gradient on a texel of the order of the way it has to go, whatever the size of the mesh. A
        texel here is a pixel of the style image's finest level on the surface.

        Args:
            field: colours [N, 3] in [0, 1], with gradient, at positions [N, 3].
            progress: share of the steps that are done, in [0, 1]: which level it is about.
            generator: of the CPU; draws the patches.

        Returns:
            A scalar with gradient.
        """
        settings = self.settings
        level = _level_at(settings.step_shares, progress)
        loss = self._at(level, field, settings.surface_patches[level], generator)
        if level + 1 < len(self._levels):
            count = math.ceil(settings.surface_patches[level + 1] / 2)
            loss = loss + settings.coarser_weight * self._at(level + 1, field, count, generator)
        return loss

    def _at(self, level: int, field: Callable[[Tensor], Tensor], count: int, generator: torch.Generator) -> Tensor:
        settings, style = self.settings, self._levels[level]
        finest = settings.style_extent / settings.style_resolution
        drawn = self._surface.draw(
            count,
            settings.patch_size,
            finest * 2**level,
            settings.samples[level],
            finest * settings.thickness,
            generator,
        )
        positions = drawn.positions
        colours = field(positions.reshape(-1, 3).to(style.patches.device)).reshape(positions.shape)
        patches = colours.mean(dim=2).flatten(1)
        # A fine patch moves to its likes wherever it lies: to have strokes of every colour is for the coarse ones.
        parts = [torch.arange(count)] if level == 0 else _halves(drawn, generator)
        likes = torch.empty_like(patches)
        for part in parts:
            chosen = _transport(patches[part].detach(), style.patches, style.mass, settings.regularisation)
            likes[part] = style.patches[chosen]
        texels = self._surface.area / finest**2
        return 0.5 * texels * (patches - likes).square().sum() / (count * settings.patch_size**2)


@dataclass(frozen=True)
class _Level:
    """The style's patches at one resolution."""

    patches: Tensor
    """[M, size * size * 3]."""
    mass: Tensor
    """[M] share of the surface's patches that each of them should get."""


def _levels(style_image: Tensor, share: float, settings: StatisticsSettings) -> list[_Level]:
    """The patches of one picture [3, H, W], the finest level first; their mass is ``share`` on each."""
    height, width = style_image.shape[-2:]
    scale = settings.style_resolution / min(height, width)
    size = (round(height * scale), round(width * scale))
    image = functional.interpolate(
        style_image[None], size=size, mode="bilinear", antialias=True, align_corners=False
    ).clamp(0.0, 1.0)
    commonness = _commonness(image, len(settings.step_shares) - 1, settings)
    most = math.ceil(share * settings.style_patches)
    return [_level(image, level, commonness, share, most, settings) for level in range(len(settings.step_shares))]


def _level(
    image: Tensor, level: int, commonness: Tensor, share: float, most: int, settings: StatisticsSettings
) -> _Level:
    """``image`` is [1, 3, h, w], the finest level's; ``commonness`` [1, 1, y, x] of the coarsest one's patches."""
    patches, places = _cut(image, level, settings.patch_size, stride=1)
    mass = functional.interpolate(commonness, size=places, mode="bilinear", align_corners=True).flatten()
    # The same ones at every step, so that a place on the surface keeps its likes.
    chosen = torch.randperm(len(patches), generator=torch.Generator().manual_seed(0))[:most].to(image.device)
    return _Level(patches[chosen], share * mass[chosen] / mass[chosen].sum())


def _blend(levels: Sequence[_Level]) -> _Level:
    """The patches of several pictures at one resolution."""
    return _Level(torch.cat([one.patches for one in levels]), torch.cat([one.mass for one in levels]))


def _cut(image: Tensor, level: int, size: int, stride: int) -> tuple[Tensor, tuple[int, int]]:
    """Patches [n, size * size * 3], pixel by pixel, whose pixels are means of 2**level pixels a side.

    They begin at every ``stride``-th pixel of ``image`` [1, 3, h, w], not of the level: so a coarse pattern is there
    in all its phases. Beside them the numbers of rows and columns of patches.
    """
    width = 2**level
    means = functional.avg_pool2d(image, width, stride=1)
    rows, columns = ((side - width * (size - 1) - 1) // stride + 1 for side in means.shape[-2:])
    patches = functional.unfold(means, size, dilation=width, stride=stride)[0]
    return patches.reshape(3, size * size, -1).permute(2, 1, 0).flatten(1), (rows, columns)


def _commonness(image: Tensor, level: int, settings: StatisticsSettings) -> Tensor:
    """[1, 1, y, x] in (0, 1]: how common the patches of a level are, 1 for half of them.

    What a picture shows stands in it once, and its style everywhere: a patch is as common as its nearest likes are
    near that do not touch it.
    """
    stride = math.ceil(math.sqrt(image.shape[-2] * image.shape[-1] / _MOST_COMPARED))
    patches, (rows, columns) = _cut(image, level, settings.patch_size, stride)
    number = torch.arange(rows * columns, device=image.device)
    row, column = stride * (number // columns), stride * (number % columns)
    apart = torch.maximum((row[:, None] - row).abs(), (column[:, None] - column).abs())
    touching = apart < settings.patch_size * 2**level
    distance = torch.cdist(patches, patches).square().masked_fill(touching, math.inf)
    nearest = distance.topk(min(_LIKES, len(patches)), largest=False).values.mean(dim=1)
    # A patch that touches all others has nothing to be compared with.
    known = torch.isfinite(nearest)
    if not bool(known.any()):
        return image.new_ones(1, 1, rows, columns)
    median = nearest[known].median().clamp_min(1e-6)
    common = (median / nearest.clamp_min(1e-6)).clamp_max(1.0).where(known, nearest.new_ones(()))
    return common.pow(settings.commonness).reshape(1, 1, rows, columns)


def _level_at(step_shares: tuple[float, ...], progress: float) -> int:
    """The level that is due, 0 for the finest; they are done from the last to the first."""
    left = sum(step_shares) * (1.0 - progress)
    for level in range(len(step_shares)):
        left -= step_shares[level]
        if left <= 0.0:
            return level
    return len(step_shares) - 1


def _halves(drawn: Patches, generator: torch.Generator) -> Sequence[Tensor]:
    """Numbers of the patches in two halves, as many here as there: those that lie, or that face, more one way.

    Each half is given all of the style by itself, lest a colour gather on one side of the object or as if light fell
    there. What is flat has a top and an underside, which lie much alike and only face apart.
    """
    lie = bool(torch.rand((), generator=generator) < 0.5)
    what = drawn.positions.mean(dim=(1, 2)) if lie else drawn.normals
    return (what @ torch.randn(3, generator=generator)).argsort().chunk(2)


def _transport(patches: Tensor, style: Tensor, mass: Tensor, regularisation: float) -> Tensor:
    """For each of the patches [n, d] the number of the style's patch [m, d] that it should become.

    By Sinkhorn's iterations (Cuturi 2013): each patch of the style is given to about ``mass`` [m] of all patches, and
    of the ways to do that the one with the nearest likes is taken.
    """
    # Without what all of a row share, which the next line would take out.
    distance = torch.addmm(style.square().sum(1), patches, style.T, alpha=-2.0)
    # Relative to the nearest of each row and then of each column, lest either vanish: their factors take that up.
    distance -= distance.amin(dim=1, keepdim=True)
    distance -= distance.amin(dim=0, keepdim=True)
    kernel = distance.mul_(-1.0 / (patches.shape[1] * regularisation)).exp_()
    # Processors multiply the very smallest numbers a hundred times as slowly; each row and column has a 1.
    functional.threshold(kernel, _NOTHING, 0.0, inplace=True)
    scale = torch.ones_like(mass)
    for _ in range(_TRANSPORT_ITERATIONS):
        rows = 1.0 / (len(patches) * (kernel @ scale).clamp_min(1e-30))
        scale = (mass / (rows @ kernel).clamp_min(1e-30)).clamp_max(1e8)
    return kernel.mul_(scale).argmax(dim=1)
