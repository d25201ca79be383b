# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the UNet, its IP-Adapter and both ControlNets together.

The target is an object painted in a style; the conditions are its caption, the embedding of a style image, and its
normals and depth. Each condition is dropped now and then, so that guidance can take it away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from diffusers.models.embeddings import MultiIPAdapterImageProjection
from torch import Tensor, nn
from transformers import CLIPTextModelWithProjection, CLIPVisionModelWithProjection

from .architecture import Bundle, build_scheduler
from .batches import Batch, Texts
from .fusion import constant

NO_IMAGE, NO_NORMAL, NO_DEPTH = 0.12, 0.25, 0.25
"""Share of samples without an image prompt, and without each control image."""
SNR_CAP = 5.0
"""Min-SNR weighting (Hang et al. 2023)."""
BACKGROUND_WEIGHT = 0.25


class Denoiser(nn.Module):
    """UNet with IP-Adapter and two ControlNets; the image projection apart, so that tokens can be all zero.

    F is the VAE's factor, H = W a latent's side.
    """

    def __init__(self, bundle: Bundle) -> None:
        """Take those networks out of ``bundle``."""
        super().__init__()
        self.unet = bundle.unet
        self.projection = self.unet.encoder_hid_proj.image_projection_layers[0]
        self.unet.encoder_hid_proj = None
        self.controlnet_normal, self.controlnet_depth = bundle.controlnet_normal, bundle.controlnet_depth

    def forward(
        self, latents: Tensor, timestep: Tensor, text: Tensor, image: Tensor, normal: Tensor, depth: Tensor, on: Tensor
    ) -> Tensor:
        """The predicted v.

        Args:
            latents: [B, 4, H, W], noised.
            timestep: int64 [B].
            text: [B, L, D] text states.
            image: [B, 256] joint-space embeddings.
            normal: [B, 3, FH, FW] in [0, 1], the normal ControlNet's image.
            depth: [B, 3, FH, FW] in [0, 1], the depth ControlNet's image.
            on: [B, 3] 1 where image prompt, normals and depth are on, 0 where they are off.
        """
        tokens = self.projection(image) * on[:, :1, None]
        down: list[Tensor] = []
        middle: Tensor | int = 0
        for number, (controlnet, control) in enumerate(
            ((self.controlnet_normal, normal), (self.controlnet_depth, depth)), start=1
        ):
            samples, mid = controlnet(latents, timestep, text, controlnet_cond=control, return_dict=False)
            weight = on[:, number, None, None, None]
            samples = [weight * sample for sample in samples]
            down = [a + b for a, b in zip(down, samples, strict=True)] if down else samples
            middle = middle + weight * mid
        return self.unet(
            latents,
            timestep,
            encoder_hidden_states=(text, [tokens]),
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
            return_dict=False,
        )[0]

    def into(self, bundle: Bundle) -> None:
        """Put the trained networks into ``bundle``; this here is of no more use then."""
        bundle.unet = self.unet
        bundle.unet.encoder_hid_proj = MultiIPAdapterImageProjection([self.projection])
        bundle.controlnet_normal, bundle.controlnet_depth = self.controlnet_normal, self.controlnet_depth


@dataclass(frozen=True)
class Frozen:
    """What was trained before: the networks that give the denoiser its inputs."""

    vae: AutoencoderKL
    """With its scaling factor."""
    text: CLIPTextModelWithProjection
    vision: CLIPVisionModelWithProjection

    @torch.no_grad()
    def latents(self, images: Tensor) -> Tensor:
        """float32 [B, 4, H, W]: scaled latents of pictures in [-1, 1]."""
        images = images.contiguous(memory_format=torch.channels_last)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=images.is_cuda):
            return self.vae.encode(images).latent_dist.mean.float() * self.vae.config.scaling_factor

    @torch.no_grad()
    def pictures(self, latents: Tensor) -> Tensor:
        """[B, 3, FH, FW] from ``latents``."""
        return self.vae.decode(latents / self.vae.config.scaling_factor).sample

    @torch.no_grad()
    def styles(self, images: Tensor) -> Tensor:
        """float32 [B, 256]: embeddings of style images."""
        with torch.autocast(images.device.type, torch.bfloat16, enabled=images.is_cuda):
            return self.vision(pixel_values=images).image_embeds.float()

    @torch.no_grad()
    def words(self, tokens: Tensor) -> Tensor:
        """float32 [B, L, D]: text states."""
        return self.text.text_model(input_ids=tokens).last_hidden_state


@dataclass(frozen=True)
class Inputs:
    """What the denoiser sees of a batch, apart from noise: made once, learnt from several times."""

    clean: Tensor
    """[B, 4, H, W]: latents of the targets."""
    text: Tensor
    """[B, L, D]"""
    style: Tensor
    """[B, 256]"""
    normal: Tensor
    """[B, 3, FH, FW] in [0, 1]."""
    depth: Tensor
    """[B, 3, FH, FW] in [0, 1]."""


def denoiser_inputs(frozen: Frozen, texts: Texts, batch: Batch) -> Inputs:
    """Encode ``batch``, whose prompts are rows of ``texts``."""
    return Inputs(
        frozen.latents(batch.target),
        frozen.words(texts.prompts[batch.prompt]),
        frozen.styles(batch.style_image),
        batch.normal,
        batch.depth,
    )


def denoiser_losses(model: Callable[..., Tensor], alphas: Tensor, inputs: Inputs) -> dict[str, Tensor]:
    """The weighted error of v at random timesteps.

    Args:
        model: a ``Denoiser``, or what a compiler made of it.
        alphas: [T] of the schedule.
        inputs: of a batch.
    """
    clean, size, device = inputs.clean, len(inputs.clean), inputs.clean.device
    timestep = torch.randint(0, len(alphas), (size,), device=device)
    alpha = alphas[timestep][:, None, None, None]
    noise = torch.randn_like(clean)
    noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
    velocity = alpha.sqrt() * noise - (1 - alpha).sqrt() * clean
    off = constant((NO_IMAGE, NO_NORMAL, NO_DEPTH), device)
    on = (torch.rand(size, 3, device=device) >= off).float()
    noisy = noisy.contiguous(memory_format=torch.channels_last)
    with torch.autocast(device.type, torch.bfloat16, enabled=clean.is_cuda):
        predicted = model(noisy, timestep, inputs.text, inputs.style, inputs.normal, inputs.depth, on).float()
    snr = alpha / (1 - alpha)
    foreground = F.avg_pool2d((inputs.depth[:, :1] > 0).float(), inputs.depth.shape[-1] // clean.shape[-1])
    weight = snr.clamp(max=SNR_CAP) / (snr + 1) * (BACKGROUND_WEIGHT + (1 - BACKGROUND_WEIGHT) * foreground)
    return {"denoise": (weight * (predicted - velocity).square()).mean() / mean_weight(alphas)}


def mean_weight(alphas: Tensor) -> Tensor:
    """Mean of the min-SNR weights of v over the schedule."""
    return ((alphas / (1 - alphas)).clamp(max=SNR_CAP) * (1 - alphas)).mean()


def schedule_alphas(device: torch.device) -> Tensor:
    """[T] float32 ``abar``."""
    return build_scheduler().alphas_cumprod.to(device)
