# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the VAE: sharp reconstruction, and three latent channels tied to the small picture so that it cannot collapse.

No Kullback-Leibler term: noise added to the latents keeps them smooth instead.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from safetensors.torch import load_file
from torch import Tensor, nn

from .architecture import build_vae
from .dataset import Pairs
from .loop import Samples, train, training_device

STEPS = 3000
BATCH = 64
CROP = 48
"""Side of the random crops: the network is convolutional, so crops teach as much a pixel."""
LATENT_NOISE = 0.03


class TiedVae(nn.Module):
    """The VAE with the head that reads the small picture from three of its latent channels."""

    def __init__(self) -> None:
        super().__init__()
        self.vae = build_vae()
        self.tie = nn.Conv2d(3, 3, 1)


def to_tensor(images: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """uint8 [B, H, W, 3] to float32 [B, 3, H, W] in [-1, 1] on ``device``."""
    return torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1


def gradients(image: Tensor) -> tuple[Tensor, Tensor]:
    """Differences of neighbouring pixels, across and down: where blur shows."""
    return image[..., :, 1:] - image[..., :, :-1], image[..., 1:, :] - image[..., :-1, :]


def train_vae(pairs: Pairs, folder: Path, seed: int) -> AutoencoderKL:
    """Train on targets and style images, and set the scaling factor to one over the latents' deviation."""
    torch.manual_seed(seed)
    device = training_device()
    model = TiedVae().to(device)

    def losses(numbers: np.ndarray, rng: np.random.Generator) -> dict[str, Tensor]:
        half = len(numbers) // 2
        images = np.concatenate([pairs.target[numbers[:half]], pairs.style_image[numbers[half:]]])
        y, x = rng.integers(0, images.shape[1] - CROP + 1, 2)
        image = to_tensor(images[:, y : y + CROP, x : x + CROP], device)
        latents = model.vae.encode(image).latent_dist.mean
        small = F.avg_pool2d(image, 2)
        decoded = model.vae.decode(latents + LATENT_NOISE * torch.randn_like(latents)).sample
        edges = sum(F.l1_loss(a, b) for a, b in zip(gradients(decoded), gradients(image), strict=True))
        return {
            "colour": F.l1_loss(decoded, image),
            "square": F.mse_loss(decoded, image),
            "edges": 0.5 * torch.as_tensor(edges),
            "tie": 0.3 * F.mse_loss(model.tie(latents[:, :3]), small),
            "size": 0.003 * latents.square().mean(),
        }

    train(model, losses, Samples(len(pairs.target), BATCH, seed), STEPS, 2e-3, folder, decay=0.995)
    model.load_state_dict(load_file(folder / "average.safetensors"))
    model.cpu().eval()
    with torch.no_grad():
        latents = model.vae.encode(to_tensor(pairs.target[:512])).latent_dist.mean
    model.vae.register_to_config(scaling_factor=float(1 / latents.std()))
    return model.vae


@torch.no_grad()
def reconstruction_decibels(vae: AutoencoderKL, images: np.ndarray) -> float:
    """Peak signal-to-noise ratio of the VAE's reconstruction of uint8 images, in dB."""
    image = to_tensor(images)
    decoded = vae.decode(vae.encode(image).latent_dist.mean).sample.clamp(-1, 1)
    return float(10 * torch.log10(4 / F.mse_loss(decoded, image)))
