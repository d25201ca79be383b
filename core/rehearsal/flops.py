# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the floating-point operations of the optimisation by running its own code on networks without numbers.

A multiplication with its addition counts as two. Matrix products and convolutions are counted; the texture field, the
rendering and the style statistics, together less than a hundredth of a step of Stable Diffusion, are not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from ..diffusion.conditioning import Conditioning
from ..diffusion.guidance import interval_score_gradient, inversion_indexes, predict_noise
from ..diffusion.networks import Networks
from ..diffusion.texts import Texts
from ..diffusion.timesteps import Interval
from ..optimisation.presets import OptimisationSettings
from ..optimisation.step_generator import step_generator


@dataclass(frozen=True)
class StepFlops:
    """Operations of one step, or of a mean step."""

    unet: float
    """Of all predictions of noise."""
    control_nets: float
    """Of all ControlNets."""
    vae: float
    """Of the encoder, forward and backward."""

    @property
    def total(self) -> float:
        """Of the whole step."""
        return self.unet + self.control_nets + self.vae


def count_step(networks: Networks, settings: OptimisationSettings, interval: Interval) -> StepFlops:
    """The operations of a step that looks at ``interval``.

    Args:
        networks: of ``random_networks.networks_without_numbers``.
        settings: views, resolution and guidance.
        interval: decides how many steps the inversion takes.
    """
    views, side = settings.views.views_per_step, settings.resolution
    images = torch.zeros(views, 3, side, side, device=networks.device, requires_grad=True)
    controls = {kind: images.detach() for control in networks.control_nets for kind in control.profile.kinds}
    embeddings = empty_conditioning(networks).rows([""] * views)

    def step() -> None:
        latents = networks.encode(images)
        gradient = interval_score_gradient(
            networks,
            latents.detach(),
            torch.zeros_like(latents),
            interval,
            embeddings,
            controls,
            settings.controls.scales,
            settings.guidance,
        )
        (gradient * latents).sum().backward()

    counts = _count(step)
    unet = counts[type(networks.unet).__name__]
    control_nets = sum(counts.get(name, 0) for name in {type(one.model).__name__ for one in networks.control_nets})
    return StepFlops(unet, control_nets, counts["Global"] - unet - control_nets)


def count_mean_step(networks: Networks, settings: OptimisationSettings, seed: int = 0) -> StepFlops:
    """The mean operations of a step, over the intervals that a run with ``seed`` looks at; see ``count_step``."""
    one_prediction = count_step(networks, settings, Interval(timestep=1, delta=1))
    latents = networks.encode(
        torch.zeros(settings.views.views_per_step, 3, settings.resolution, settings.resolution, device=networks.device)
    )
    embeddings = empty_conditioning(networks).rows([""] * latents.shape[0])
    prediction = _count(lambda: predict_noise(networks, latents, 1, embeddings.null, embeddings.zero_tokens))["Global"]
    more = 0
    for step in range(settings.steps) if settings.guidance.interval_matching else ():
        t, delta = settings.timesteps.interval(step, settings.steps, step_generator(seed, step))
        more += len(inversion_indexes(max(t - delta, 0), settings.guidance)) - 1
    return StepFlops(
        one_prediction.unet + prediction * more / settings.steps, one_prediction.control_nets, one_prediction.vae
    )


def empty_conditioning(networks: Networks) -> Conditioning:
    """A job's words and style without numbers, for ``networks`` of ``random_networks.networks_without_numbers``."""
    width = networks.unet.config.cross_attention_dim
    hidden = torch.zeros(1, networks.tokenizer.model_max_length, width, device=networks.device)
    second = networks.second
    text = Texts(hidden, None if second is None else hidden.new_zeros(1, second.encoder.config.projection_dim))
    tokens = networks.image_projection(hidden.new_zeros(1, networks.image_encoder.config.projection_dim))
    return Conditioning({"": text}, text, text, text, tokens, tokens, None)


def _count(run: Callable[[], Any]) -> dict[str, int]:
    """Operations by the name of the outermost module; all of them under "Global"."""
    with FlopCounterMode(display=False) as counter:
        run()
    return {name: sum(counts.values()) for name, counts in counter.get_flop_counts().items()}
