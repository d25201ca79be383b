# SPDX-License-Identifier: GPL-3.0-or-later
"""Light for the diffusion model's eye, so that light and shade need not be painted into the base colour.

A diffusion model has mostly seen lit things and wants to see them again: shown a bare base colour it asks for shade.
Shown renders that are lit already, from elsewhere in every view, it finds the shade that it misses, and none of it can
be had by painting, since the next view is lit from elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..job import JobError
from .step_views import Views, on_device


@dataclass(frozen=True)
class ShadingSettings:
    """One white light in each view, drawn at random, beside light from everywhere."""

    strength: tuple[float, float] = (0.3, 0.9)
    """Range of the directed light's irradiance where it falls straight on the surface, drawn uniformly; in [0, 1],
    where 1 is the mean irradiance of the covered pixels. The rest comes from everywhere."""
    largest_angle: float = 60.0
    """Largest angle between the directions to the light and to the viewer, in degrees, 0 to 90; directions are uniform
    on that cap of the sphere."""
    head_light_share: float = 0.25
    """Share of the views whose light stands at the camera, in [0, 1]."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.strength[0] <= self.strength[1] <= 1.0:
            raise JobError("bad_setting", f"strength is {self.strength}; it must rise and lie within 0 to 1")
        if not 0.0 <= self.largest_angle <= 90.0:
            raise JobError("bad_setting", f"largest_angle is {self.largest_angle}; it must be between 0 and 90")
        if not 0.0 <= self.head_light_share <= 1.0:
            raise JobError("bad_setting", f"head_light_share is {self.head_light_share}; it must be between 0 and 1")


def shade(images: Tensor, views: Views, settings: ShadingSettings, generator: torch.Generator) -> Tensor:
    """Renders of the base colour as they look in light.

    Light multiplies base colour in linear light, as in a photograph: the sRGB values are decoded, multiplied and
    encoded again. Multiplying the sRGB values themselves would make shadows more than twice as deep, in stops.
    What is brighter than white is shown as white, but its gradient is passed on as if it were not: the pixel may be
    overexposed in this view alone.

    Args:
        images: [B, 3, H, W] renders of ``views``, sRGB in [0, 1], with gradient.
        views: what they show.
        settings: of the light.
        generator: of the CPU; see ``random_lights``.

    Returns:
        [B, 3, H, W], sRGB in [0, 1], with gradient to ``images``; the background is as it was.
    """
    light = irradiance(views, *random_lights(views.towards_viewer, settings, generator))
    lit = _encode(_decode(images) * light)
    return lit + (lit.clamp(max=1.0) - lit).detach()


def random_lights(
    towards_viewer: Tensor, settings: ShadingSettings, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """One light for each view.

    Args:
        towards_viewer: [B, 3] unit vectors from the object to the camera.
        settings: how lights are drawn.
        generator: of the CPU; always gives B times 3 uniform and B times 3 normal numbers, whatever the settings.

    Returns:
        Unit vectors [B, 3] towards the lights, and their strengths [B]; on the device of ``towards_viewer``.
    """
    count, device = len(towards_viewer), towards_viewer.device
    lot, height, power = on_device(torch.rand(3, count, 1, generator=generator), device)
    sideways = on_device(torch.randn(count, 3, generator=generator), device)
    sideways = sideways - (sideways * towards_viewer).sum(-1, keepdim=True) * towards_viewer
    sideways /= sideways.norm(dim=-1, keepdim=True)
    # Equal steps of the cosine are equal areas of the sphere.
    cosine = 1.0 - height * (1.0 - math.cos(math.radians(settings.largest_angle)))
    cosine = torch.where(lot < settings.head_light_share, 1.0, cosine)
    directions = cosine * towards_viewer + (1.0 - cosine.square()).clamp_min(0.0).sqrt() * sideways
    low, high = settings.strength
    return directions, low + (high - low) * power[:, 0]


def irradiance(views: Views, directions: Tensor, strengths: Tensor) -> Tensor:
    """Lambert's cosine law beside light from everywhere: ``1 + k (max(n·l, 0) - mean max(n·l, 0))``.

    The mean over the covered pixels of each view is 1, as if the camera had set its exposure: otherwise the renders
    would be darker than their base colour, and the model would ask for a lighter one. (In sRGB the mean falls by less
    than 1 % for all that, since the encoding is concave.) The light from everywhere is what is left, ``1 - k mean``.

    Args:
        views: whose normals are lit.
        directions: [B, 3] unit vectors towards the lights.
        strengths: [B] ``k`` of each light.

    Returns:
        [B, 1, H, W], not negative; 1 in the background.
    """
    count, height, width = views.shape
    view = views.pixels.div(height * width, rounding_mode="floor")
    cosine = (views.normals * directions[view]).sum(-1).clamp_min(0.0)
    totals = cosine.new_zeros(2, count).index_add_(1, view, torch.stack([views.weights * cosine, views.weights]))
    mean = totals[0] / totals[1].clamp_min(1.0)
    light = cosine.new_ones(count * height * width)
    light.index_add_(0, views.pixels, views.weights * strengths[view] * (cosine - mean[view]))
    return light.reshape(count, 1, height, width)


def _decode(images: Tensor) -> Tensor:
    """sRGB to linear light (IEC 61966-2-1)."""
    return torch.where(images <= 0.04045, images / 12.92, ((images.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4)


def _encode(light: Tensor) -> Tensor:
    """Linear light to sRGB (IEC 61966-2-1), beyond 1 too."""
    # Clamped inside as well, because the branch that is not taken has a gradient too, which is infinite at 0.
    return torch.where(light <= 0.0031308, light * 12.92, 1.055 * light.clamp_min(0.0031308) ** (1.0 / 2.4) - 0.055)
