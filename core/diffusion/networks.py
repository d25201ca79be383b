# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads the networks of a profile, by diffusers' and transformers' own classes, from disk only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import torch
from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, UNet2DConditionModel
from diffusers.loaders import IPAdapterMixin
from diffusers.utils import logging as diffusers_logging
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import (
    CLIPImageProcessorPil,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionModelWithProjection,
)
from transformers.utils import logging as transformers_logging

from ..job import JobError
from ..profiles import ControlNetProfile, ModelProfile, NetworkSource


class _Pretrained(Protocol):
    """A class of diffusers or transformers that reads its own files."""

    @classmethod
    def from_pretrained(cls, *args: Any, **kwargs: Any) -> Any: ...


Loadable = TypeVar("Loadable", bound=_Pretrained)


@dataclass(frozen=True)
class ControlNet:
    """A loaded ControlNet with its settings."""

    profile: ControlNetProfile
    """Its kind and scales."""
    model: ControlNetModel
    """The network."""
    reads_text: bool
    """Whether its residuals depend on the text; one without cross-attention gives every text the same."""


@dataclass(frozen=True)
class Networks:
    """Everything that one profile loads, on one device, frozen."""

    profile: ModelProfile
    """What was loaded."""
    unet: UNet2DConditionModel
    """Noise predictor with IP-Adapter's decoupled cross-attention.

    Called with ``encoder_hidden_states=(text, [image_tokens])``; a row of all-zero tokens has its image prompt off,
    since ``to_k_ip`` and ``to_v_ip`` have no bias.
    """
    image_projection: nn.Module
    """IP-Adapter's projection, taken out of the UNet: image embedding [B, D] → image tokens [B, 4, width]."""
    control_nets: tuple[ControlNet, ...]
    """In the order of the profile."""
    vae: AutoencoderKL
    """Image encoder and decoder of the latents."""
    text_encoder: CLIPTextModel
    """Text of prompts."""
    tokenizer: CLIPTokenizer
    """Tokens of prompts."""
    image_encoder: CLIPVisionModelWithProjection
    """Style image → joint space."""
    feature_extractor: CLIPImageProcessorPil
    """Crops, resizes and normalises the style image."""
    caption_encoder: CLIPTextModelWithProjection
    """Content caption → joint space."""
    caption_tokenizer: CLIPTokenizer
    """Tokens of the content caption."""
    alphas_cumprod: Tensor
    """[T] float32: ``abar`` of every timestep."""
    prediction_type: str
    """What the UNet predicts: "epsilon" or "v_prediction"."""
    device: torch.device
    """Where the networks are."""
    dtype: torch.dtype
    """What they compute in."""

    def encode(self, images: Tensor) -> Tensor:
        """Latents of images, with gradient: the mode of the VAE's posterior, scaled as the UNet expects.

        Args:
            images: [B, 3, H, W] sRGB in [0, 1], float32.

        Returns:
            [B, 4, h, w], float32.
        """
        posterior = self.vae.encode((2.0 * images - 1.0).to(self.dtype)).latent_dist
        shift = self.vae.config.get("shift_factor") or 0.0
        return (posterior.mode().float() - shift) * self.vae.config.scaling_factor


class _AdapterLoader(IPAdapterMixin):
    """Just enough of a pipeline for diffusers' IP-Adapter loader."""

    unet_name = "unet"

    def __init__(self, unet: UNet2DConditionModel) -> None:
        self.unet = unet


def load_networks(profile: ModelProfile, device: torch.device) -> Networks:
    """Load all networks of ``profile``; nothing is downloaded.

    Raises:
        JobError: ``model_missing`` naming what is not on this computer.
    """
    diffusers_logging.set_verbosity_error()
    diffusers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    unet = _load(UNet2DConditionModel, profile, profile.unet, torch_dtype=dtype, low_cpu_mem_usage=False)
    image_projection = _attach_ip_adapter(unet, profile)
    scheduler = _load(DDIMScheduler, profile, profile.scheduler)
    networks = Networks(
        profile=profile,
        unet=unet,
        image_projection=image_projection,
        control_nets=tuple(_load_control_net(profile, control, dtype) for control in profile.control_nets),
        vae=_load(AutoencoderKL, profile, profile.vae, torch_dtype=dtype, low_cpu_mem_usage=False),
        text_encoder=_load(CLIPTextModel, profile, profile.text_encoder, dtype=dtype),
        tokenizer=_load(CLIPTokenizer, profile, profile.tokenizer),
        image_encoder=_load(CLIPVisionModelWithProjection, profile, profile.image_encoder, dtype=dtype),
        feature_extractor=_load(CLIPImageProcessorPil, profile, profile.feature_extractor),
        caption_encoder=_load(CLIPTextModelWithProjection, profile, profile.caption_encoder, dtype=dtype),
        caption_tokenizer=_load(CLIPTokenizer, profile, profile.caption_tokenizer),
        alphas_cumprod=scheduler.alphas_cumprod.to(device, torch.float32),
        prediction_type=scheduler.config.prediction_type,
        device=device,
        dtype=dtype,
    )
    for module in (
        unet,
        image_projection,
        networks.vae,
        networks.text_encoder,
        networks.image_encoder,
        networks.caption_encoder,
        *(control.model for control in networks.control_nets),
    ):
        module.to(device).eval().requires_grad_(False)
    for convolutional in (unet, networks.vae, *(control.model for control in networks.control_nets)):
        convolutional.to(memory_format=torch.channels_last)
    return networks


def _load_control_net(profile: ModelProfile, control: ControlNetProfile, dtype: torch.dtype) -> ControlNet:
    model = _load(ControlNetModel, profile, control.source, torch_dtype=dtype, low_cpu_mem_usage=False)
    reads_text = any(name.endswith("attn2.processor") for name in model.attn_processors)
    return ControlNet(control, model, reads_text)


def _attach_ip_adapter(unet: UNet2DConditionModel, profile: ModelProfile) -> nn.Module:
    repository, arguments = _locate(profile, profile.ip_adapter)
    loader = _AdapterLoader(unet)
    try:
        loader.load_ip_adapter(
            repository,
            weight_name=profile.ip_adapter_file,
            image_encoder_folder=None,
            low_cpu_mem_usage=False,
            **arguments,
        )
    except (OSError, SafetensorError) as error:
        raise _missing(profile, profile.ip_adapter, error) from error
    loader.set_ip_adapter_scale(dict(profile.style_layers))
    # With the projection inside, the UNet wants embeddings and no row could have its image prompt off.
    image_projection = unet.encoder_hid_proj.image_projection_layers[0]
    unet.encoder_hid_proj = None
    return image_projection


def _load(kind: type[Loadable], profile: ModelProfile, source: NetworkSource, **arguments: Any) -> Loadable:
    repository, where = _locate(profile, source)
    if issubclass(kind, nn.Module):
        arguments["use_safetensors"] = True
        arguments["variant"] = profile.weights_variant.get(source.repository)
    try:
        return kind.from_pretrained(repository, **where, **arguments)
    except (OSError, SafetensorError) as error:
        raise _missing(profile, source, error) from error


def _locate(profile: ModelProfile, source: NetworkSource) -> tuple[str, dict[str, Any]]:
    """The first argument of ``from_pretrained``, and the others that say where to look."""
    where: dict[str, Any] = {"subfolder": source.folder, "local_files_only": True}
    if profile.folder is not None:
        return str(profile.folder / source.repository), where
    return source.repository, {**where, "revision": source.revision}


def _missing(profile: ModelProfile, source: NetworkSource, error: Exception) -> JobError:
    place = "/".join(part for part in (source.repository, source.folder) if part)
    if profile.name == "bundled":
        message = f"The bundled model is incomplete: {place} is missing or cannot be read in {profile.folder}"
        hint = "Install the add-on again; its zip contains the model."
    elif profile.folder is not None:
        message = f"The model folder {profile.folder} does not hold {place}, or it cannot be read"
        hint = "Put each repository into the folder under its own name (owner/name), with safetensors weights."
    else:
        message = f"{place} (revision {source.revision}) is not in this computer's Hugging Face cache"
        hint = f"Download it: hf download {source.repository} --revision {source.revision}; or use the bundled model."
    return JobError("model_missing", message, hint, str(error))
