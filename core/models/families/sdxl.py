# SPDX-License-Identifier: GPL-3.0-or-later
"""Stable Diffusion XL with the paper's method.

The paper did not run it. From others are the layers for the style (InstantStyle: Wang et al. 2024, arXiv 2404.02733,
§3.2), the IP-Adapter on ViT-H, the union ControlNet and the VAE that is sound in half precision (Podell et al. 2023 for
the rest). Ours, carried over from SD 1.5 and not tuned: guidance, ControlNet scales, timesteps and steps; that the size
that the UNet is told is 1024 whatever the views have, so that it does not paint small pictures' blur; and that both
control images go through the union network at once.
"""

from __future__ import annotations

from pathlib import Path

from ..model_profile import CONFIGURATIONS, ControlNetProfile, ModelProfile, NetworkSource
from .vit_h import CAPTION, IMAGE_ENCODER, IP_ADAPTER, IP_ADAPTER_REVISION

_SDXL = "stabilityai/stable-diffusion-xl-base-1.0"
_SDXL_REVISION = "462165984030d82259a11f4367a4eed129e94a7b"
_VAE = "madebyollin/sdxl-vae-fp16-fix"
_VAE_REVISION = "207b116dae70ace3637169f1ddd2434b91b3a8cd"
_UNION = "xinsir/controlnet-union-sdxl-1.0"
_UNION_REVISION = "801a4a3fa3d4c936f4feea95b98607bc6726f80c"


def sdxl(folder: Path | None) -> ModelProfile:
    """The profile; ``folder`` has the repositories under their own names, ``None`` takes the hub's cache."""
    configurations = CONFIGURATIONS / "sdxl"
    return ModelProfile(
        name="sdxl",
        title="Stable Diffusion XL",
        recipe="interval",
        configurations=configurations,
        unet=NetworkSource("unet", _SDXL, _SDXL_REVISION, size=5_140_000_000),
        vae=NetworkSource("", _VAE, _VAE_REVISION, size=335_000_000),
        text_encoder=NetworkSource("text_encoder", _SDXL, _SDXL_REVISION, size=246_000_000),
        tokenizer=NetworkSource("tokenizer", _SDXL, _SDXL_REVISION),
        second_text_encoder=NetworkSource("text_encoder_2", _SDXL, _SDXL_REVISION, size=1_390_000_000),
        second_tokenizer=NetworkSource("tokenizer_2", _SDXL, _SDXL_REVISION),
        scheduler=NetworkSource("scheduler", _SDXL, _SDXL_REVISION),
        image_encoder=IMAGE_ENCODER,
        # The repository has none: it makes no use of images.
        feature_extractor=NetworkSource("feature_extractor", place=configurations),
        caption_encoder=CAPTION,
        caption_tokenizer=CAPTION,
        ip_adapter=NetworkSource("sdxl_models", IP_ADAPTER, IP_ADAPTER_REVISION, size=698_000_000),
        ip_adapter_file="ip-adapter_sdxl_vit-h.safetensors",
        control_nets=(
            ControlNetProfile(
                ("normal", "depth"), NetworkSource("", _UNION, _UNION_REVISION, size=2_510_000_000), types=(4, 1)
            ),
        ),
        style_layers={"up": {"block_0": [0.0, 1.0, 0.0]}},
        resolution=1024,
        smaller_resolutions=(768, 512),
        size_condition=1024,
        text_guidance=7.5,
        style_guidance=7.5,
        statistics_weight=0.0,
        parameters=6_060_000_000,
        resting=1_853_000_000,
        # Of the VAE, which is that of SD 1.5 on four times the pixels.
        activations_per_view=4 * 964_000_000,
        background="white",
        takes_own_weights=True,
        folder=folder,
        weights_variant={_SDXL: "fp16"},
    )
