# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of a profile at their real sizes, with random numbers or with none."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import torch
from diffusers import DDIMScheduler
from diffusers.hooks import apply_layerwise_casting
from diffusers.utils import logging as diffusers_logging
from torch import nn

from ..diffusion.networks import ControlNet, Networks, SecondText, noise_levels, reads_text, take_image_projection
from ..models.profiles import ModelProfile
from ..training.architecture import attach_ip_adapter, fresh_ip_adapter
from ..training.captions import VOCABULARY
from ..training.vocabulary import write_tokenizer
from .architectures import architecture

_KEPT_WHOLE = ("patch_embedding", "transformer_layes")
"""CLIP's patch embedding casts its input to what is kept; PyTorch's own attention (in the union ControlNet, under that
name) takes its weights past the casting."""
_NUMBERS = 1_000_003
"""Random numbers that fill all weights in turn; prime, so that no row of a matrix repeats the one before."""


def networks_without_numbers(profile: ModelProfile) -> Networks:
    """The networks on PyTorch's meta device: shapes only, so they need no memory and compute nothing."""
    return _build(profile, torch.device("meta"))


def random_networks(profile: ModelProfile, seed: int) -> Networks:
    """The networks on the CPU with seeded random weights that keep activations near 1.

    Weights are kept in bfloat16; each layer computes in float32, since most processors multiply bfloat16 at a tenth of
    that speed. The VAE and the IP-Adapter's projection, which are small, are in float32 altogether: the VAE's backward
    pass needs the weights again, and the projection casts its input to what is kept.
    """
    networks = _build(profile, torch.device("cpu"))
    numbers = random_numbers(seed)
    for module in networks.modules().values():
        if module not in (networks.vae, networks.image_projection):
            apply_layerwise_casting(module, torch.bfloat16, torch.float32, skip_modules_pattern=_KEPT_WHOLE)
        module.to_empty(device=networks.device)
        fill(module, numbers)
    networks.freeze()
    return networks


def _build(profile: ModelProfile, device: torch.device) -> Networks:
    """Networks for ``device`` whose modules are on the meta device still.

    The tokenizer is that of the bundled model at the encoders' text length: a real one would have to be downloaded.
    """
    diffusers_logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = write_tokenizer(VOCABULARY, Path(folder))
    with torch.device("meta"):
        parts = architecture(profile)
        attach_ip_adapter(parts.unet, fresh_ip_adapter(parts.unet, parts.image_encoder.config.projection_dim))
    scheduler = DDIMScheduler.from_config(parts.scheduler.config)
    tokenizer.model_max_length = parts.text_encoder.config.max_position_embeddings
    networks = Networks(
        profile=profile,
        unet=parts.unet,
        image_projection=take_image_projection(parts.unet, profile),
        control_nets=tuple(
            ControlNet(control, model, reads_text(model))
            for control, model in zip(profile.control_nets, parts.control_nets, strict=True)
        ),
        vae=parts.vae,
        text_encoder=parts.text_encoder,
        tokenizer=tokenizer,
        image_encoder=parts.image_encoder,
        feature_extractor=parts.feature_extractor,
        caption_encoder=parts.caption_encoder,
        caption_tokenizer=tokenizer,
        alphas_cumprod=noise_levels(scheduler).to(device),
        prediction_type=scheduler.config.prediction_type,
        device=device,
        dtype=torch.float32,
        second=None if parts.second_text_encoder is None else SecondText(parts.second_text_encoder, tokenizer),
    )
    for module in networks.modules().values():
        module.eval().requires_grad_(False)
    return networks


def random_numbers(seed: int) -> torch.Tensor:
    """Numbers of variance 1, for ``fill``."""
    generator = torch.Generator().manual_seed(seed)
    return torch.empty(_NUMBERS).uniform_(-math.sqrt(3.0), math.sqrt(3.0), generator=generator)


def fill(module: nn.Module, numbers: torch.Tensor) -> None:
    """Weights of variance 1 / inputs, biases 0, scales of norms 1, and the positions that CLIP counts."""
    for name, parameter in module.named_parameters():
        fill_one(name, parameter, numbers)
    for name, buffer in module.named_buffers():
        if not name.endswith("position_ids"):
            raise ValueError(f"{type(module).__name__} has a buffer {name} that nothing here fills")
        buffer.copy_(torch.arange(buffer.shape[-1]))


def fill_one(name: str, values: torch.Tensor, numbers: torch.Tensor) -> None:
    """The same for one parameter of a network."""
    if values.dim() < 2:
        values.fill_(1.0 if name.endswith("weight") else 0.0)
        return
    scale = 1.0 / math.sqrt(values[0].numel())
    for part in values.view(-1).split(numbers.numel()):
        part.copy_(numbers[: part.numel()]).mul_(scale)
