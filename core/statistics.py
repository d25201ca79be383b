# SPDX-License-Identifier: GPL-3.0-or-later
"""Style statistics: makes the renders' colours and small patches as frequent as they are in the style image.

Sliced Wasserstein distances between distributions of colours and of patches (Heitz et al., arXiv 2006.07229; Elnekave
and Weiss, arXiv 2203.11862). Nothing in them says where in the picture a colour or a patch was, so they carry
palette, mottling and stroke, but no content.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class StatisticsSettings:
    """What is compared, and how finely."""

    style_resolution: int = 192
    """Shorter side to which the style image is resized, in pixels of the renders: the size of strokes on the object."""
    levels: int = 4
    """Levels of the pyramid on which patches are compared; each has half the resolution of the one before."""
    patch_size: int = 5
    """Side of the square patches, in pixels of their level; odd."""
    stride: int = 3
    """Distance between compared patches, in pixels of their level; the grid moves at every step."""
    patch_projections: int = 32
    """Random directions in patch space, drawn afresh at every step."""
    colour_projections: int = 16
    """Random directions in colour space, drawn afresh at every step."""
    colour_weight: float = 1.0
    """Weight of the colours beside the patches of one level."""


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
        self._style = _masked_pyramid(image, torch.ones_like(image[:, :1]), settings.levels)

    def loss(self, images: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
        """Half the squared distance that the covered pixels have to move, summed over each view, averaged over views.

        The sum makes the gradient on a pixel of the order of the way it has to go, whatever the resolution.

        Args:
            images: [B, 3, H, W] renders, sRGB in [0, 1]; what is not covered plays no part.
            mask: [B, 1, H, W], 1 where the object covers the pixel and counts, else 0.
            generator: on the images' device or the CPU; draws directions and the place of the patch grid.

        Returns:
            A scalar with gradient; 0 when no pixel is covered.
        """
        settings = self.settings
        total = images.new_zeros(())
        for level, ((image, cover), (style, style_cover)) in enumerate(
            zip(_masked_pyramid(images, mask, settings.levels), self._style, strict=True)
        ):
            kinds = [(settings.patch_size, settings.patch_projections, 1.0)]
            if level == 0:
                kinds.append((1, settings.colour_projections, settings.colour_weight))
            for size, count, weight in kinds:
                filters = _directions(count, size, generator).to(images.device)
                style_features = _features(style, style_cover, filters, settings.stride, (0, 0))
                if not style_features or style_features[0].shape[1] == 0:
                    continue
                quantiles = style_features[0].sort(dim=1).values
                shift = torch.randint(settings.stride, (2,), generator=generator).tolist()
                for features, area in zip(
                    _features(image, cover, filters, settings.stride, (shift[0], shift[1])),
                    cover.sum(dim=(1, 2, 3)) * 4.0**level,
                    strict=True,
                ):
                    if features.shape[1]:
                        total = total + weight * area * 3.0 * _quantile_distance(features, quantiles)
        return 0.5 * total / images.shape[0]


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


def _directions(count: int, size: int, generator: torch.Generator) -> Tensor:
    """[count, 3, size, size] random directions of length 1 in the space of patches."""
    directions = torch.randn(count, 3, size, size, generator=generator)
    return directions / directions.square().sum(dim=(1, 2, 3), keepdim=True).sqrt()


def _features(images: Tensor, mask: Tensor, filters: Tensor, stride: int, shift: tuple[int, int]) -> list[Tensor]:
    """Projections [F, n] of the wholly covered patches of each image."""
    size = filters.shape[-1]
    images, mask = images[..., shift[0] :, shift[1] :], mask[..., shift[0] :, shift[1] :]
    if min(images.shape[-2:]) < size:
        return [images.new_zeros(filters.shape[0], 0) for _ in images]
    responses = functional.conv2d(images, filters, stride=stride)
    covered = -functional.max_pool2d(-mask, size, stride=stride) > 0.5
    return [response[:, cover[0]] for response, cover in zip(responses, covered, strict=True)]


def _quantile_distance(features: Tensor, quantiles: Tensor) -> Tensor:
    """Mean squared distance between sorted features [F, n] and the same quantiles of sorted [F, m]."""
    count, steps = features.shape[1], quantiles.shape[1]
    ranks = (torch.arange(count, device=features.device, dtype=torch.float64) + 0.5) / count
    nearest = (ranks * steps).long().clamp_max(steps - 1)
    return (features.sort(dim=1).values - quantiles[:, nearest]).square().mean()
