# SPDX-License-Identifier: GPL-3.0-or-later
"""What the optimisation pulls the renders towards: the diffusion model's score and the style's statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..diffusion.conditioning import Conditioning
from ..diffusion.full_precision import full_precision
from ..diffusion.guidance import interval_score_gradient
from ..diffusion.networks import Networks
from ..diffusion.surface_noise import SurfaceNoise
from ..style.statistics import StyleStatistics
from ..views.shading import shade
from ..views.step_views import Views, average_down, on_device
from .layout import Layout
from .presets import OptimisationSettings


@dataclass(frozen=True)
class Distillation:
    """The diffusion model's opinion of renders, for one job."""

    networks: Networks
    """The diffusion model."""
    conditioning: Conditioning
    """The job's words and style."""
    surface_noise: SurfaceNoise
    """Used where the settings of the guidance say so."""
    views_at_once: int | None = None
    """How many views the networks look at at a time, to save memory: all of a step, or one. ``None`` for all."""

    def __call__(
        self, images: Tensor, views: Views, step: int, settings: OptimisationSettings, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """A scalar whose gradient on the images is the score's, averaged over the views, and the root mean square of
        that on the latents; see ``Objective`` for the arguments.

        The networks' way back is gone through here: so no more than ``views_at_once`` are in memory.
        """
        count, _, height, _ = images.shape
        small = average_down(images, settings.supersampling)
        interval = settings.timesteps.interval(step, settings.steps, generator)
        noise = self.noise(views, height // settings.supersampling // self.networks.latent_factor, settings, generator)
        pulls, scores = [], []
        at_once = self.views_at_once or count
        for first in range(0, count, at_once):
            part = slice(first, first + at_once)
            seen = small[part].detach().requires_grad_()
            latents = self.networks.encode(seen)
            score = interval_score_gradient(
                self.networks,
                latents.detach(),
                noise[part],
                interval,
                self.conditioning.rows(views.directions[part]),
                {kind: control[part] for kind, control in views.control_images.items()},
                settings.controls.at(step),
                settings.guidance,
            )
            pulls.append(self.networks.gradient_on_images(seen, latents, score))
            scores.append(score)
        term = (torch.cat(pulls) * small).sum() / count
        return term, torch.cat(scores).square().mean().sqrt()

    def noise(self, views: Views, side: int, settings: OptimisationSettings, generator: torch.Generator) -> Tensor:
        """The step's one Gaussian draw for latents of ``views``, float32 [B, C, side, side]."""
        if settings.guidance.surface_noise:
            return on_device(self.surface_noise.of(views, side, generator), self.networks.device)
        shape = (views.shape[0], self.networks.vae.config.latent_channels, side, side)
        return on_device(torch.randn(shape, generator=generator), self.networks.device)


@dataclass(frozen=True)
class Objective:
    """The terms of the optimisation; each may be absent."""

    settings: OptimisationSettings
    """Weights, schedules and resolutions."""
    distillation: Distillation | None
    """The diffusion model, or ``None`` without it."""
    statistics: StyleStatistics | None
    """The style image's statistics, or ``None`` without them."""
    layout: Layout | None = None
    """The layout of the present colour, or ``None`` without it."""

    @property
    def in_half_precision(self) -> bool:
        """Whether the diffusion model computes in half precision, which can overflow."""
        return self.distillation is not None and self.distillation.networks.dtype != torch.float32

    @contextmanager
    def in_full_precision(self) -> Iterator[Objective]:
        """The same objective with the model in float32; this one must rest meanwhile."""
        distillation = self.distillation
        if distillation is None:
            yield self
            return
        with full_precision(distillation.networks) as networks:
            conditioning = distillation.conditioning.full_precision()
            yield replace(self, distillation=replace(distillation, networks=networks, conditioning=conditioning))

    def model_term(
        self, field: Callable[[Tensor], Tensor], views: Views, step: int, generator: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """What the diffusion model wants: a scalar to go down, and what to record. Only with a ``distillation``.

        Args:
            field: colours [N, 3] in [0, 1], with gradient, at positions [N, 3].
            views: what the diffusion model looks at.
            step: 0-based.
            generator: of the CPU; all its randomness comes from it.

        Returns:
            The scalar (its value means nothing: the distillation is no true loss), and "distillation", the root mean
            square of the gradient on the latents, where it was computed.
        """
        settings = self.settings
        backgrounds = plain_backgrounds(settings.background, views.shape[0], generator)
        backgrounds = on_device(backgrounds, views.positions.device)
        images = views.render(field(views.positions), backgrounds)
        # Light is for the model's eye alone: the style's statistics are those of base colours.
        if settings.shading is not None:
            images = shade(images, views, settings.shading, generator)
        assert self.distillation is not None
        term, measure = self.distillation(images, views, step, settings, generator)
        return settings.distillation_weight * term, {"distillation": measure}

    def without_model(
        self, field: Callable[[Tensor], Tensor], views: Views, step: int, generator: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Likewise, of the terms that do not look at renders: they cost little, and more updates do them good. What is
        recorded is their losses, "statistics" and "layout".
        """
        total = views.weights.new_zeros(())
        measures: dict[str, Tensor] = {}
        if self.statistics is not None:
            loss = self.statistics.loss(field, step / self.settings.steps, generator)
            measures["statistics"] = loss.detach()
            total = total + self.settings.statistics_weight * loss
        if self.layout is not None:
            loss = self.layout.loss(generator)
            measures["layout"] = loss.detach()
            # Like the statistics, a sum over the pixels of a view.
            total = total + self.layout.weight * views.weights.sum() / views.shape[0] * loss
        return total, measures


def plain_backgrounds(kind: str, count: int, generator: torch.Generator) -> Tensor:
    """[count, 3] colours behind as many views; ``kind`` is that of ``OptimisationSettings.background``."""
    if kind == "white":
        return torch.ones(count, 3)
    return torch.rand(count, 1, generator=generator).expand(count, 3)
