# SPDX-License-Identifier: GPL-3.0-or-later
"""Style statistics: makes small patches of the texture as frequent as they are in the style image.

Patches of the surface are matched with those of the style image by optimal transport, coarse ones first (Galerne,
Leclaire and Rabin 2018, "A texture synthesis model based on semi-discrete optimal transport in patch space"; here with
entropic regularisation), and the field moves towards the likes that it was given. Nothing in that says where in the
picture a patch was, so it carries palette, stroke and small patterns, but no content; what the picture shows
only once at the size of the coarsest patches counts less besides.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from .job import JobError
from .surface_patches import SurfacePatches

_TRANSPORT_ITERATIONS = 10
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
    surface_patches: tuple[int, ...] = (2000, 1000, 500)
    """Patches of the surface that are matched in one step."""
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
        if len(self.step_shares) != len(self.surface_patches) or not self.step_shares:
            raise JobError(
                "bad_setting",
                f"There are {len(self.step_shares)} step_shares and {len(self.surface_patches)} surface_patches;"
                " there must be one of each for every level",
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
    """Distance of a texture from the statistics of one style image."""

    def __init__(self, settings: StatisticsSettings, style_image: Tensor, surface: SurfacePatches) -> None:
        """Cut the style image into patches.

        Args:
            settings: what is compared.
            style_image: [3, H, W] sRGB in [0, 1], on the device to compute on.
            surface: of the normalised mesh.
        """
        self.settings = settings
        self._surface = surface
        levels = _pyramid(style_image, settings)
        commonness = _commonness(levels[-1], settings)
        self._levels = [_Level(image, commonness, settings) for image in levels]

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
        positions = self._surface.draw(count, settings.patch_size, finest * 2**level, generator)
        patches = field(positions.flatten(0, 1).to(style.patches.device)).reshape(count, -1)
        likes = style.patches[_transport(patches.detach(), style.patches, style.mass, settings.regularisation)]
        texels = self._surface.area / finest**2
        return 0.5 * texels * (patches - likes).square().sum() / (count * settings.patch_size**2)


class _Level:
    """The style image's patches at one resolution."""

    def __init__(self, image: Tensor, commonness: Tensor, settings: StatisticsSettings) -> None:
        """``image`` [1, 3, h, w]; ``commonness`` [1, 1, y, x] of the coarsest level's patches."""
        patches = _cut(image, settings.patch_size, stride=1)
        places = [side - settings.patch_size + 1 for side in image.shape[-2:]]
        mass = functional.interpolate(commonness, size=places, mode="bilinear", align_corners=True).flatten()
        # The same ones at every step, so that a place on the surface keeps its likes.
        chosen = torch.randperm(len(patches), generator=torch.Generator().manual_seed(0))[: settings.style_patches]
        chosen = chosen.to(image.device)
        self.patches = patches[chosen]
        """[M, size * size * 3]."""
        self.mass = mass[chosen] / mass[chosen].sum()
        """[M] share of the surface's patches that each of them should get."""


def _pyramid(style_image: Tensor, settings: StatisticsSettings) -> list[Tensor]:
    """The style image [1, 3, h, w] at the resolution of each level."""
    height, width = style_image.shape[-2:]
    scale = settings.style_resolution / min(height, width)
    size = (round(height * scale), round(width * scale))
    finest = functional.interpolate(style_image[None], size=size, mode="bilinear", antialias=True, align_corners=False)
    levels = [finest.clamp(0.0, 1.0)]
    for _ in settings.step_shares[1:]:
        levels.append(functional.avg_pool2d(levels[-1], 2))
    return levels


def _cut(image: Tensor, size: int, stride: int) -> Tensor:
    """Patches [n, size * size * 3] of an image [1, 3, h, w], pixel by pixel."""
    patches = functional.unfold(image, size, stride=stride)[0]
    return patches.reshape(3, size * size, -1).permute(2, 1, 0).flatten(1)


def _commonness(image: Tensor, settings: StatisticsSettings) -> Tensor:
    """[1, 1, y, x] in (0, 1]: how common the patches of the coarsest level are, 1 for half of them.

    What a picture shows stands in it once, and its style everywhere: a patch is as common as its nearest likes are
    near that do not touch it.
    """
    size = settings.patch_size
    places = [side - size + 1 for side in image.shape[-2:]]
    stride = math.ceil(math.sqrt(places[0] * places[1] / _MOST_COMPARED))
    patches = _cut(image, size, stride)
    rows, columns = ((count - 1) // stride + 1 for count in places)
    number = torch.arange(rows * columns, device=image.device)
    row, column = stride * (number // columns), stride * (number % columns)
    apart = torch.maximum((row[:, None] - row).abs(), (column[:, None] - column).abs())
    distance = torch.cdist(patches, patches).square().masked_fill(apart < size, math.inf)
    likes = distance.topk(min(_LIKES, len(patches)), largest=False).values
    # Where a picture is so small that all its patches touch, nothing is known.
    far = likes.mean(dim=1).nan_to_num(posinf=0.0)
    median = far.median().clamp_min(1e-6)
    return (median / far.clamp_min(1e-6)).clamp_max(1.0).pow(settings.commonness).reshape(1, 1, rows, columns)


def _level_at(step_shares: tuple[float, ...], progress: float) -> int:
    """The level that is due, 0 for the finest; they are done from the last to the first."""
    left = sum(step_shares) * (1.0 - progress)
    for level in range(len(step_shares)):
        left -= step_shares[level]
        if left <= 0.0:
            return level
    return len(step_shares) - 1


def _transport(patches: Tensor, style: Tensor, mass: Tensor, regularisation: float) -> Tensor:
    """For each of the patches [n, d] the number of the style's patch [m, d] that it should become.

    By Sinkhorn's iterations (Cuturi 2013): each patch of the style is given to about ``mass`` [m] of all patches, and
    of the ways to do that the one with the nearest likes is taken.
    """
    distance = patches.square().sum(1, keepdim=True) + style.square().sum(1) - 2.0 * patches @ style.T
    distance /= patches.shape[1]
    # Relative to the nearest of each row and then of each column, lest either vanish: their factors take that up.
    distance -= distance.amin(dim=1, keepdim=True)
    distance -= distance.amin(dim=0, keepdim=True)
    kernel = torch.exp(distance / -regularisation)
    scale = torch.ones_like(mass)
    for _ in range(_TRANSPORT_ITERATIONS):
        rows = 1.0 / (len(patches) * (kernel @ scale).clamp_min(1e-30))
        scale = (mass / (rows @ kernel).clamp_min(1e-30)).clamp_max(1e8)
    return (kernel * scale).argmax(dim=1)
