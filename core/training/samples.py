# SPDX-License-Identifier: GPL-3.0-or-later
"""What the trained denoiser paints by itself: DDIM samples on views of shapes and in styles it never saw."""

from __future__ import annotations

import torch
from torch import Tensor

from .architecture import build_scheduler
from .batches import Batch
from .train_denoiser import Denoiser, Frozen

DDIM_STEPS = 20


@torch.no_grad()
def sample(
    model: Denoiser,
    shape: torch.Size,
    text: Tensor,
    style: Tensor,
    normal: Tensor,
    depth: Tensor,
    style_guidance: float,
    seed: int,
) -> Tensor:
    """Latents by DDIM, guided towards the style image.

    Args:
        model: the denoiser.
        shape: of the latents, [B, 4, H, W].
        text: [B, L, D] states of the captions.
        style: [B, 256] embeddings of the style images.
        normal: [B, 3, FH, FW] in [0, 1], where F is the VAE's factor.
        depth: [B, 3, FH, FW] in [0, 1].
        style_guidance: 1 takes the prediction with the style image as it is; more goes beyond it.
        seed: of the noise.
    """
    scheduler = build_scheduler()
    scheduler.set_timesteps(DDIM_STEPS)
    count = len(text)
    latents = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(text.device)
    with_style = torch.ones(count, 3, device=text.device)
    without = with_style * torch.tensor([0.0, 1.0, 1.0], device=text.device)
    for timestep in scheduler.timesteps.tolist():
        times = torch.full((count,), timestep, device=text.device)
        styled, plain = (model(latents, times, text, style, normal, depth, on) for on in (with_style, without))
        latents = scheduler.step(plain + style_guidance * (styled - plain), timestep, latents).prev_sample
    return latents


@torch.no_grad()
def sample_rows(
    model: Denoiser, frozen: Frozen, batch: Batch, tokens: Tensor, style_guidance: float = 1.5
) -> list[Tensor]:
    """Style images, true pictures, their reconstructions by the VAE, and two samples of each: pictures in [-1, 1].

    Args:
        model: the denoiser.
        frozen: the other networks.
        batch: held-out samples.
        tokens: [B, L] of their prompts.
        style_guidance: see ``sample``.
    """
    text, style = frozen.words(tokens), frozen.styles(batch.style_image)
    true = frozen.latents(batch.target)
    latents = [
        sample(model, true.shape, text, style, batch.normal, batch.depth, style_guidance, seed) for seed in (0, 1)
    ]
    return [batch.style_image, batch.target, *map(frozen.pictures, (true, *latents))]
