# SPDX-License-Identifier: GPL-3.0-or-later
"""Stable Diffusion 1.5: the networks of the paper, with its constants (Xie et al. 2024, §5)."""

from __future__ import annotations

from pathlib import Path

from ..model_profile import CONFIGURATIONS, ControlNetProfile, ModelProfile, NetworkSource
from .vit_h import CAPTION, IMAGE_ENCODER, IP_ADAPTER, IP_ADAPTER_REVISION

_SD15 = "stable-diffusion-v1-5/stable-diffusion-v1-5"
_SD15_REVISION = "451f4fe16113bff5a5d2269ed5ad43b0592e9a14"
_NORMAL = "lllyasviel/control_v11p_sd15_normalbae"
_NORMAL_REVISION = "cb7296e6587a219068e9d65864e38729cd862aa8"
_DEPTH = "lllyasviel/control_v11f1p_sd15_depth"
_DEPTH_REVISION = "539f99181d33db39cf1af2e517cd8056785f0a87"


def sd15(folder: Path | None) -> ModelProfile:
    """The profile; ``folder`` has the repositories under their own names, ``None`` takes the hub's cache."""
    return ModelProfile(
        name="sd15",
        title="Stable Diffusion 1.5",
        recipe="interval",
        configurations=CONFIGURATIONS / "sd15",
        unet=NetworkSource("unet", _SD15, _SD15_REVISION, size=1_720_000_000),
        vae=NetworkSource("vae", _SD15, _SD15_REVISION, size=167_000_000),
        text_encoder=NetworkSource("text_encoder", _SD15, _SD15_REVISION, size=246_000_000),
        tokenizer=NetworkSource("tokenizer", _SD15, _SD15_REVISION),
        scheduler=NetworkSource("scheduler", _SD15, _SD15_REVISION),
        image_encoder=IMAGE_ENCODER,
        feature_extractor=NetworkSource("feature_extractor", _SD15, _SD15_REVISION),
        caption_encoder=CAPTION,
        caption_tokenizer=CAPTION,
        ip_adapter=NetworkSource("models", IP_ADAPTER, IP_ADAPTER_REVISION, size=44_600_000),
        ip_adapter_file="ip-adapter_sd15.safetensors",
        control_nets=(
            ControlNetProfile(("normal",), NetworkSource("", _NORMAL, _NORMAL_REVISION, size=723_000_000)),
            ControlNetProfile(("depth",), NetworkSource("", _DEPTH, _DEPTH_REVISION, size=723_000_000)),
        ),
        style_layers={
            "down": {"block_1": [1.0, 0.0], "block_2": [1.0, 1.0]},
            "mid": 1.0,
            "up": {"block_1": 1.0, "block_2": 1.0, "block_3": 1.0},
        },
        resolution=512,
        text_guidance=7.5,
        style_guidance=7.5,
        statistics_weight=0.0,
        parameters=2_797_000_000,
        resting=1_159_000_000,
        activations_per_view=964_000_000,
        background="white",
        published=True,
        takes_own_weights=True,
        folder=folder,
        weights_variant={_SD15: "fp16", _NORMAL: "fp16", _DEPTH: "fp16"},
    )
