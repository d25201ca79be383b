# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads the networks of a profile, by diffusers' and transformers' own classes, from disk only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import AutoencoderKL, ControlNetModel, ControlNetUnionModel, DDIMScheduler, UNet2DConditionModel
from diffusers.loaders import IPAdapterMixin
from torch import Tensor, nn
from transformers import (
    CLIPImageProcessorPil,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionModelWithProjection,
)

from ..models.model_files import require_files, require_sound_files, source_folder
from ..models.profiles import ControlNetProfile, ModelProfile, StyleLayers
from .loading.loras import merge_loras
from .loading.reading import load, load_network, quiet_libraries, refusing, unreadable
from .texts import Texts

NEARLY_NO_SIGNAL = 4.8973451890853435e-08
"""``abar`` at the end of a schedule without signal there."""


_LARGEST_GRADIENT = 256.0
"""What the largest number of a gradient on latents is scaled to at most, for half precision."""
SECOND_PADDING = "!"
"""The token, number 0 of CLIP's, with which OpenCLIP fills texts, and so the second reader of SDXL."""


@dataclass(frozen=True)
class ControlNet:
    """A loaded ControlNet with its settings."""

    profile: ControlNetProfile
    """Its kind and scales."""
    model: ControlNetModel | ControlNetUnionModel
    """The network."""
    reads_text: bool
    """Whether its residuals depend on the text; one without cross-attention gives every text the same."""

    def residuals(
        self,
        latents: Tensor,
        timestep: Tensor,
        texts: Texts,
        images: Sequence[Tensor],
        scale: float,
        added_conditions: dict[str, Tensor] | None,
    ) -> tuple[Sequence[Tensor], Tensor]:
        """What is added to the UNet's way down and to its middle, for R rows.

        Args:
            latents: [R, 4, h, w].
            timestep: int64, of no dimension: that of all rows.
            texts: of the R rows.
            images: [R, 3, H, W] in [0, 1] for each of the profile's kinds.
            scale: weight of the result.
            added_conditions: see ``Networks.added_conditions``.
        """
        rest: dict[str, Any] = {"controlnet_cond": images[0], "conditioning_scale": scale}
        if types := list(self.profile.types):
            chosen = latents.new_zeros(len(latents), self.model.config.num_control_type)
            chosen[:, types] = 1.0
            rest = {
                "controlnet_cond": list(images),
                "control_type": chosen,
                "control_type_idx": types,
                "conditioning_scale": [scale] * len(types),
                # Otherwise the weight would be that of the images in the sum that the network sees.
                "from_multi": True,
            }
        return self.model(
            latents,
            timestep,
            encoder_hidden_states=texts.hidden,
            added_cond_kwargs=added_conditions,
            return_dict=False,
            **rest,
        )


@dataclass(frozen=True)
class SecondText:
    """The second reader of prompts, as SDXL has it."""

    encoder: CLIPTextModelWithProjection
    """Beside its tokens' vectors it gives the pooled one."""
    tokenizer: CLIPTokenizer
    """Of its own, since it fills texts otherwise."""


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
    second: SecondText | None = None
    """The second reader of prompts, where the family has one."""

    @property
    def latent_factor(self) -> int:
        """Pixels of an image along a side of one pixel of its latents."""
        return 2 ** (len(self.vae.config.block_out_channels) - 1)

    def modules(self) -> dict[str, nn.Module]:
        """Every network by its name."""
        return {
            "UNet": self.unet,
            "IP-Adapter projection": self.image_projection,
            **{f"ControlNet {' and '.join(one.profile.kinds)}": one.model for one in self.control_nets},
            "VAE": self.vae,
            "text encoder": self.text_encoder,
            **({} if self.second is None else {"second text encoder": self.second.encoder}),
            "image encoder": self.image_encoder,
            "caption encoder": self.caption_encoder,
        }

    def freeze(self) -> None:
        """Put the networks of a step on ``device``, all without gradients, the convolutional ones in their fast layout.

        What a job needs once rests on the processor, if a graphics card computes: text and image encoders take nearly
        half of Stable Diffusion's memory. See ``resting``.
        """
        for module in self.modules().values():
            module.eval().requires_grad_(False)
        resting = self.resting() if self.device.type == "cuda" else []
        for module in self.modules().values():
            for part in module.children() if module is self.vae else (module,):
                if not any(part is one for one in resting):
                    part.to(self.device)
        for convolutional in (self.unet, self.vae, *(control.model for control in self.control_nets)):
            convolutional.to(memory_format=torch.channels_last)

    def resting(self) -> list[nn.Module]:
        """What no step needs: the readers of words and style image, and the VAE's way back to images."""
        second = [] if self.second is None else [self.second.encoder]
        way_back = [self.vae.decoder, self.vae.post_quant_conv]
        return [self.text_encoder, *second, self.image_encoder, self.caption_encoder, *filter(None, way_back)]

    def added_conditions(self, texts: Texts) -> dict[str, Tensor] | None:
        """What SDXL's networks add to their time embedding, for the rows of ``texts``; ``None`` for other families."""
        if texts.pooled is None:
            return None
        side = self.profile.size_condition
        # Original size, upper left corner of the crop, target size (Podell et al. 2023, §2.2).
        sizes = texts.pooled.new_tensor([side, side, 0, 0, side, side])
        return {"text_embeds": texts.pooled, "time_ids": sizes.expand(len(texts), -1)}

    def encode(self, images: Tensor) -> Tensor:
        """Latents of images, with gradient: the mode of the VAE's posterior, scaled as the UNet expects.

        Args:
            images: [B, 3, H, W] sRGB in [0, 1], float32.

        Returns:
            [B, 4, h, w], float32. For their gradient see ``gradient_on_images``.
        """
        posterior = self.vae.encode((2.0 * images - 1.0).to(self.dtype)).latent_dist
        shift = self.vae.config.get("shift_factor") or 0.0
        return (posterior.mode().float() - shift) * self.vae.config.scaling_factor

    def gradient_on_images(self, images: Tensor, latents: Tensor, gradient: Tensor) -> Tensor:
        """The gradient on ``images`` of which ``encode`` made ``latents``, from that on the latents; all float32.

        In half precision the VAE's way back loses small numbers (5 % of the whole at low noise levels), so it gets
        large ones: scaled by a power of two, and back.
        """
        if self.dtype == torch.float16:
            largest = gradient.abs().amax().clamp_min(torch.finfo(torch.float32).tiny)
            scale = torch.exp2(torch.floor(torch.log2(_LARGEST_GRADIENT / largest)))
            return torch.autograd.grad(latents, images, gradient * scale)[0] / scale
        return torch.autograd.grad(latents, images, gradient)[0]

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Images of latents [B, 4, h, w]: [B, 3, H, W] sRGB, float32, which may lie a little outside of [0, 1]."""
        if self.vae.decoder.conv_in.weight.device != self.device:
            self.vae.to(self.device)
        shift = self.vae.config.get("shift_factor") or 0.0
        image = self.vae.decode((latents / self.vae.config.scaling_factor + shift).to(self.dtype)).sample
        return (image.float() + 1.0) / 2.0


class _AdapterLoader(IPAdapterMixin):
    """Just enough of a pipeline for diffusers' IP-Adapter loader."""

    unet_name = "unet"

    def __init__(self, unet: UNet2DConditionModel) -> None:
        self.unet = unet


def load_networks(profile: ModelProfile, device: torch.device, dtype: torch.dtype = torch.float32) -> Networks:
    """Load all networks of ``profile``. Nothing is downloaded, no network is asked.

    Args:
        profile: what to load.
        device: where to.
        dtype: what they compute in; which one gives sound results on ``device`` is for ``device_choice`` to say.

    Raises:
        JobError: ``model_missing`` naming the files that are not on this computer, cannot be read, or lack weights.
    """
    require_files(profile)
    require_sound_files(profile)
    quiet_libraries()
    unet = load_network(UNet2DConditionModel, profile, profile.unet, dtype)
    text_encoder = load_network(CLIPTextModel, profile, profile.text_encoder, dtype)
    second = _load_second(profile, dtype)
    merge_loras(profile.loras, unet, [text_encoder] if second is None else [text_encoder, second.encoder])
    image_projection = _attach_ip_adapter(unet, profile)
    scheduler = load(DDIMScheduler, profile, profile.scheduler, **profile.scheduler_changes)
    networks = Networks(
        profile=profile,
        unet=unet,
        image_projection=image_projection,
        control_nets=tuple(_load_control_net(profile, control, dtype) for control in profile.control_nets),
        vae=load_network(AutoencoderKL, profile, profile.vae, dtype),
        text_encoder=text_encoder,
        tokenizer=load(CLIPTokenizer, profile, profile.tokenizer),
        image_encoder=load_network(CLIPVisionModelWithProjection, profile, profile.image_encoder, dtype),
        feature_extractor=load(CLIPImageProcessorPil, profile, profile.feature_extractor),
        caption_encoder=load_network(CLIPTextModelWithProjection, profile, profile.caption_encoder, dtype),
        caption_tokenizer=load(CLIPTokenizer, profile, profile.caption_tokenizer),
        alphas_cumprod=noise_levels(scheduler).to(device),
        prediction_type=scheduler.config.prediction_type,
        device=device,
        dtype=dtype,
        second=second,
    )
    _check_fit(networks)
    networks.freeze()
    return networks


def noise_levels(scheduler: DDIMScheduler) -> Tensor:
    """``abar`` of every timestep, float32 [T].

    Where the schedule ends in pure noise (Lin et al. 2023, arXiv 2305.08891, §3.1) the last is not 0 but next to it, as
    in ComfyUI and kohya's scripts: everything stays finite, and the clean latents of that end are -v to three digits.
    """
    return scheduler.alphas_cumprod.float().clamp_min(NEARLY_NO_SIGNAL)


def _check_fit(networks: Networks) -> None:
    """Whether the networks take what the others give: each file may be sound by itself and of another model.

    Raises:
        JobError: ``model_missing``.
    """
    profile, joint = networks.profile, networks.image_encoder.config.projection_dim
    width = networks.unet.config.cross_attention_dim
    texts = networks.text_encoder.config.hidden_size
    if networks.second is not None:
        texts += networks.second.encoder.config.hidden_size
    if texts != width:
        raise unreadable(profile, profile.text_encoder, f"The UNet takes texts of width {width}")
    if networks.caption_encoder.config.projection_dim != joint:
        raise unreadable(profile, profile.caption_encoder, f"The image encoder's space has {joint} dimensions")
    with refusing(profile, profile.ip_adapter), torch.no_grad():
        tokens = networks.image_projection(torch.zeros(1, joint, dtype=networks.dtype))
        if tokens.shape[-1] != width:
            raise ValueError(f"its tokens have the width {tokens.shape[-1]}, and the UNet takes {width}")


def _load_control_net(profile: ModelProfile, control: ControlNetProfile, dtype: torch.dtype) -> ControlNet:
    model = load_network(ControlNetUnionModel if control.types else ControlNetModel, profile, control.source, dtype)
    return ControlNet(control, model, reads_text(model))


def _load_second(profile: ModelProfile, dtype: torch.dtype) -> SecondText | None:
    if profile.second_text_encoder is None or profile.second_tokenizer is None:
        return None
    encoder = load_network(CLIPTextModelWithProjection, profile, profile.second_text_encoder, dtype)
    return SecondText(encoder, load(CLIPTokenizer, profile, profile.second_tokenizer, pad_token=SECOND_PADDING))


def reads_text(model: ControlNetModel | ControlNetUnionModel) -> bool:
    """Whether ``model`` has cross-attention."""
    return any(name.endswith("attn2.processor") for name in model.attn_processors)


def _attach_ip_adapter(unet: UNet2DConditionModel, profile: ModelProfile) -> nn.Module:
    loader = _AdapterLoader(unet)
    with refusing(profile, profile.ip_adapter):
        loader.load_ip_adapter(
            str(source_folder(profile, profile.ip_adapter)),
            subfolder=profile.ip_adapter.folder,
            weight_name=profile.ip_adapter_file,
            image_encoder_folder=None,
            low_cpu_mem_usage=False,
            local_files_only=True,
        )
        return take_image_projection(unet, profile)


def inject_style(unet: UNet2DConditionModel, layers: StyleLayers) -> None:
    """Let the image prompt act in ``layers`` of ``unet`` and nowhere else."""
    _AdapterLoader(unet).set_ip_adapter_scale(dict(layers) if isinstance(layers, Mapping) else layers)


def take_image_projection(unet: UNet2DConditionModel, profile: ModelProfile) -> nn.Module:
    """The projection of the IP-Adapter in ``unet``, taken out of it; style then acts in the profile's layers only."""
    inject_style(unet, profile.style_layers)
    # With the projection inside, the UNet wants embeddings and no row could have its image prompt off.
    image_projection = unet.encoder_hid_proj.image_projection_layers[0]
    unet.encoder_hid_proj = None
    return image_projection
