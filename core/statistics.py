# SPDX-License-Identifier: GPL-3.0-or-later
"""Style statistics: makes the renders' colours and small patches as frequent as they are in the style image.

Colours are compared by optimal transport, patches of a few pixels on a pyramid by their nearest likes. Nothing in
either says where in the picture a colour or a patch was, so they carry palette, mottling and stroke, but no content.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

LEAST_COLOURS = 12
"""Pixels in a tile below which it is left out: too few to show a palette."""


@dataclass(frozen=True)
class StatisticsSettings:
    """What is compared, and how finely."""

    style_resolution: int = 128
    """Shorter side to which the style image is resized, in pixels of the renders: the size of strokes on the object."""
    levels: int = 3
    """Levels of the pyramid on which patches are compared; each has half the resolution of the one before."""
    patch_size: int = 5
    """Side of the square patches, in pixels of their level; odd."""
    stride: int = 3
    """Distance between compared patches and pixels, in pixels of their level; the grid moves at every step."""
    style_patches: int = 1500
    """Patches of the style image that are looked at in one step and on one level, drawn afresh each time."""
    completeness: float = 0.005
    """Smaller values make it dearer to leave patches of the style image unused (``alpha`` of Granot et al.)."""
    patch_weight: float = 1.0
    """Weight of the patches of one level."""
    colour_tiles: int = 4
    """A view is cut into about so many tiles a side, and each must have all the colours: no large blotches. The cuts
    move at every step."""
    colour_iterations: int = 6
    """Random rotations in which colours are moved towards those of the style image to find where each should go."""
    colour_weight: float = 2.0
    """Weight of the colours."""


class StyleStatistics:
    """Distance of renders from the statistics of one style image."""

    def __init__(self, settings: StatisticsSettings, style_image: Tensor) -> None:
        """Prepare the style image's pyramid.

        Args:
            settings: what is compared.
            style_image: [3, H, W] sRGB in [0, 1]; the shorter side is resized to ``style_resolution``.
        """
        self.settings = settings
        height, width = style_image.shape[-2:]
        scale = settings.style_resolution / min(height, width)
        image = functional.interpolate(
            style_image[None],
            size=(round(height * scale), round(width * scale)),
            mode="bilinear",
            antialias=True,
            align_corners=False,
        ).clamp(0.0, 1.0)
        self._style_patches = [
            _cut_patches(level, cover, settings.patch_size, 1)[0]
            for level, cover in _masked_pyramid(image, torch.ones_like(image[:, :1]), settings.levels)
        ]
        self._style_colours = image[0, :, :: settings.stride, :: settings.stride].flatten(1)

    def loss(self, images: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
        """Half the squared distance that the covered pixels have to move, summed over each view, averaged over views.

        The sum makes the gradient on a pixel of the order of the way it has to go, whatever the resolution.

        Args:
            images: [B, 3, H, W] renders, sRGB in [0, 1]; what is not covered plays no part.
            mask: [B, 1, H, W], 1 where the object covers the pixel and counts, else 0.
            generator: of the CPU; draws directions and the place of the grid.

        Returns:
            A scalar with gradient; 0 when no pixel is covered.
        """
        total = self.settings.colour_weight * self._colours(images, mask, generator)
        for level, (image, cover) in enumerate(_masked_pyramid(images, mask, self.settings.levels)):
            # A pixel of this level stands for so many of the first.
            total = total + self.settings.patch_weight * 4.0**level * self._patches(image, cover, level, generator)
        return 0.5 * total / images.shape[0]

    def _colours(self, images: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
        """Squared distance of each tile's colours from where optimal transport would take them, summed."""
        total = images.new_zeros(())
        stride, shift = self.settings.stride, _shift(self.settings.stride, generator)
        rotations = _rotations(self.settings.colour_iterations, generator).to(images.device)
        grid = (..., slice(shift[0], None, stride), slice(shift[1], None, stride))
        images, mask = images[grid], mask[grid]
        tile = max(1, max(images.shape[-2:]) // self.settings.colour_tiles)
        cuts = _shift(tile, generator)
        rows, columns = ([slice(max(0, at), at + tile) for at in range(-cut, images.shape[2], tile)] for cut in cuts)
        for row, column in itertools.product(rows, columns):
            for image, cover in zip(images[..., row, column], mask[..., row, column], strict=True):
                colours = image[:, cover[0] > 0.5]
                if colours.shape[1] >= LEAST_COLOURS:
                    targets = _transport(colours.detach(), self._style_colours, rotations)
                    # A pixel of the grid stands for its neighbours.
                    total = total + stride**2 * (colours - targets).square().sum()
        return total

    def _patches(self, images: Tensor, mask: Tensor, level: int, generator: torch.Generator) -> Tensor:
        """Squared distance of each view's patches at one level from their likes in the style image, summed."""
        settings = self.settings
        total = images.new_zeros(())
        row, column = _shift(settings.stride, generator)
        if level >= len(self._style_patches):
            return total
        style = self._style_patches[level]
        style = style[torch.randperm(len(style), generator=generator)[: settings.style_patches].to(style.device)]
        shifted = (..., slice(row, None), slice(column, None))
        found = _cut_patches(images[shifted], mask[shifted], settings.patch_size, settings.stride)
        for patches, area in zip(found, mask.sum(dim=(1, 2, 3)), strict=True):
            if len(patches) and len(style):
                likes = style[_most_alike(patches.detach(), style, settings.completeness)]
                total = total + area * (patches - likes).square().mean() * 3.0
        return total


def _masked_pyramid(images: Tensor, mask: Tensor, levels: int) -> list[tuple[Tensor, Tensor]]:
    """Images [B, 3, h, w] and masks [B, 1, h, w] of each level; averages take covered pixels only."""
    pyramid = [(images, mask)]
    for _ in range(levels - 1):
        images, mask = pyramid[-1]
        if min(images.shape[-2:]) < 2:
            break
        share = functional.avg_pool2d(mask, 2)
        images = functional.avg_pool2d(images * mask, 2) / share.clamp_min(1e-6)
        pyramid.append((images, (share > 0.5).to(mask.dtype)))
    return pyramid


def _shift(stride: int, generator: torch.Generator) -> tuple[int, int]:
    row, column = torch.randint(stride, (2,), generator=generator).tolist()
    return row, column


def _rotations(count: int, generator: torch.Generator) -> Tensor:
    """[count, 3, 3] random orthonormal bases of colour space."""
    return torch.linalg.qr(torch.randn(count, 3, 3, generator=generator)).Q


def _cut_patches(images: Tensor, mask: Tensor, size: int, stride: int) -> list[Tensor]:
    """The wholly covered patches [n, 3 * size * size] of each image."""
    if min(images.shape[-2:]) < size:
        return [images.new_zeros(0, 3 * size * size) for _ in images]
    patches = functional.unfold(images, size, stride=stride).transpose(1, 2)
    covered = (-functional.max_pool2d(-mask, size, stride=stride) > 0.5).flatten(1)
    return [patch[cover] for patch, cover in zip(patches, covered, strict=True)]


def _most_alike(patches: Tensor, style: Tensor, completeness: float) -> Tensor:
    """For each of the patches [n, d] the number of the style's patch [m, d] that it should become.

    The nearest one, where a patch of the style that nothing is near counts as nearer to all (Granot et al., "Drop the
    GAN", arXiv 2103.15545, eq. 3): so every kind is used, and not only the flattest.
    """
    distance = patches.square().sum(1, keepdim=True) + style.square().sum(1) - 2.0 * patches @ style.T
    distance = distance.clamp_min(0.0) / patches.shape[1]
    return (distance / (completeness + distance.amin(dim=0, keepdim=True))).argmin(dim=1)


def _transport(colours: Tensor, style: Tensor, rotations: Tensor) -> Tensor:
    """Where each of the colours [3, n] goes so that together they are distributed as ``style`` [3, m].

    Iterative distribution transfer (Pitié et al. 2005): along each axis of one rotated basis after the other, the
    n-th smallest value becomes the n-th smallest of the style. Unlike single projections it keeps colours apart that
    the style does not mix.
    """
    for rotation in rotations:
        rotated = rotation @ colours
        matched = _quantiles((rotation @ style).sort(dim=1).values, colours.shape[1])
        colours = rotation.T @ torch.empty_like(rotated).scatter_(1, rotated.argsort(dim=1, stable=True), matched)
    return colours


def _quantiles(values: Tensor, count: int) -> Tensor:
    """[F, count] evenly spaced quantiles of sorted values [F, m]."""
    steps = values.shape[1]
    ranks = (torch.arange(count, device=values.device, dtype=torch.float64) + 0.5) / count
    return values[:, (ranks * steps).long().clamp_max(steps - 1)]
