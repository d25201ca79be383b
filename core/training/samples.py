# SPDX-License-Identifier: GPL-3.0-or-later
"""What the trained denoiser paints by itself: DDIM samples on views of shapes and in styles it never saw."""

from __future__ import annotations

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image
from torch import Tensor
from transformers import CLIPVisionModelWithProjection

from .architecture import build_scheduler
from .dataset import Pairs
from .rasters import RasterSet
from .train_clip import image_embeddings
from .train_denoiser import Denoiser

DDIM_STEPS = 20


@torch.no_grad()
def sample(
    model: Denoiser,
    text: Tensor,
    embeddings: Tensor,
    controls: dict[str, Tensor],
    style_guidance: float,
    seed: int,
) -> Tensor:
    """Latents [B, 4, 32, 32] by DDIM, guided towards the style image.

    Args:
        model: the denoiser.
        text: [B, L, D] states of the captions.
        embeddings: [B, 256] of the style images.
        controls: "normal" and "depth" images [B, 3, 64, 64] in [0, 1].
        style_guidance: 1 takes the prediction with the style image as it is; more goes beyond it.
        seed: of the noise.
    """
    scheduler = build_scheduler()
    scheduler.set_timesteps(DDIM_STEPS)
    count = len(text)
    side = model.unet.config.sample_size
    latents = torch.randn((count, 4, side, side), generator=torch.Generator().manual_seed(seed))
    on, off = torch.ones(count), torch.zeros(count)
    for timestep in scheduler.timesteps:
        times = timestep.expand(count)
        with_style = model(latents, times, text, embeddings, controls, on)
        without = model(latents, times, text, embeddings, controls, off)
        guided = without + style_guidance * (with_style - without)
        latents = scheduler.step(guided, timestep, latents).prev_sample
    return latents


@torch.no_grad()
def sample_sheet(
    model: Denoiser,
    vae: AutoencoderKL,
    vision: CLIPVisionModelWithProjection,
    empty_text: Tensor,
    pairs: Pairs,
    rasters: RasterSet,
    style_guidance: float = 1.5,
) -> Image.Image:
    """One column a pair: style image, true picture, its reconstruction by the VAE, two samples.

    Args:
        model: the denoiser.
        vae: decodes its latents.
        vision: encodes the style images.
        empty_text: [1, L, D] states of the empty caption: the style and the geometry must do.
        pairs: held-out pairs, painted over ``rasters``.
        rasters: the views.
        style_guidance: see ``sample``.
    """
    view = pairs.raster
    controls = {
        kind: torch.from_numpy(images[view]).permute(0, 3, 1, 2).float() / 255
        for kind, images in (("normal", rasters.normal), ("depth", rasters.depth))
    }
    embeddings = image_embeddings(vision, pairs.style_image)
    rows = [pairs.style_image, pairs.target]
    target = torch.from_numpy(pairs.target).permute(0, 3, 1, 2).float() / 127.5 - 1
    rows.append(_decode(vae, vae.encode(target).latent_dist.mean * vae.config.scaling_factor))
    text = empty_text.expand(len(view), -1, -1)
    rows += [_decode(vae, sample(model, text, embeddings, controls, style_guidance, seed)) for seed in (0, 1)]
    return Image.fromarray(np.concatenate([np.concatenate(list(row), axis=1) for row in rows]))


def _decode(vae: AutoencoderKL, latents: Tensor) -> np.ndarray:
    image = vae.decode(latents / vae.config.scaling_factor).sample
    return ((image.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
