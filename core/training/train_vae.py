# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the VAE: sharp reconstruction, and three latent channels tied to the small picture so that it cannot collapse.

No Kullback-Leibler term: noise added to the latents keeps them smooth instead.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor, nn

from .architecture import build_vae
from .batches import Batch

CROP = 96
"""Side of the random crops: the network is convolutional, so crops teach as much a pixel."""
LATENT_NOISE = 0.03
FACTOR = 4


class TiedVae(nn.Module):
    """The VAE with the head that reads the small picture from three of its latent channels."""

    def __init__(self) -> None:
        super().__init__()
        self.vae = build_vae()
        self.tie = nn.Conv2d(3, 3, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The picture decoded, its latents, and the small picture read from them."""
        latents = self.vae.encode(image).latent_dist.mean
        decoded = self.vae.decode(latents + LATENT_NOISE * torch.randn_like(latents)).sample
        return decoded, latents, self.tie(latents[:, :3])


def gradients(image: Tensor) -> tuple[Tensor, Tensor]:
    """Differences of neighbouring pixels, across and down: where blur shows."""
    return image[..., :, 1:] - image[..., :, :-1], image[..., 1:, :] - image[..., :-1, :]


def vae_losses(model: Callable[[Tensor], tuple[Tensor, Tensor, Tensor]], batch: Batch) -> dict[str, Tensor]:
    """Of crops of targets and style images, half of each: more steps teach more here than larger ones."""
    images = torch.cat([batch.target[::2], batch.style_image[1::2]])
    y, x = (int(each) for each in torch.randint(0, images.shape[-1] - CROP + 1, (2,)))
    image = images[..., y : y + CROP, x : x + CROP].contiguous(memory_format=torch.channels_last)
    with torch.autocast(image.device.type, torch.bfloat16, enabled=image.is_cuda):
        decoded, latents, tied = (each.float() for each in model(image))
    edges = sum(F.l1_loss(a, b) for a, b in zip(gradients(decoded), gradients(image), strict=True))
    return {
        "colour": F.l1_loss(decoded, image),
        "square": F.mse_loss(decoded, image),
        "edges": 0.5 * torch.as_tensor(edges),
        "tie": 0.3 * F.mse_loss(tied, F.avg_pool2d(image, FACTOR)),
        "size": 0.003 * latents.square().mean(),
    }


@torch.no_grad()
def scaling_factor(vae: AutoencoderKL, images: Tensor) -> float:
    """One over the deviation of the latents of ``images``."""
    return float(1 / vae.encode(images).latent_dist.mean.std())


@torch.no_grad()
def reconstruction_decibels(vae: AutoencoderKL, images: Tensor) -> float:
    """Peak signal-to-noise ratio of the VAE's reconstruction of pictures in [-1, 1], in dB."""
    decoded = vae.decode(vae.encode(images).latent_dist.mean).sample.clamp(-1, 1)
    return float(10 * torch.log10(4 / F.mse_loss(decoded, images)))
