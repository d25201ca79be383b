# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of a profile at their real sizes, by the constructors of their own classes from its configurations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffusers import AutoencoderKL, ControlNetModel, ControlNetUnionModel, DDIMScheduler, UNet2DConditionModel
from transformers import (
    CLIPImageProcessorPil,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

from ..models.profiles import ModelProfile


@dataclass(frozen=True)
class Architecture:
    """The networks of one profile, new, and what goes with them. The UNet has no IP-Adapter yet."""

    unet: UNet2DConditionModel
    control_nets: tuple[ControlNetModel | ControlNetUnionModel, ...]
    """In the order of the profile."""
    vae: AutoencoderKL
    text_encoder: CLIPTextModel
    second_text_encoder: CLIPTextModelWithProjection | None
    image_encoder: CLIPVisionModelWithProjection
    caption_encoder: CLIPTextModelWithProjection
    scheduler: DDIMScheduler
    feature_extractor: CLIPImageProcessorPil


def architecture(profile: ModelProfile) -> Architecture:
    """New networks of ``profile``; on PyTorch's meta device if that is the default."""
    folder = profile.configurations
    return Architecture(
        unet=_diffusers(UNet2DConditionModel, folder / "unet"),
        control_nets=tuple(
            _diffusers(
                ControlNetUnionModel if control.types else ControlNetModel,
                folder / f"controlnet_{'_'.join(control.kinds)}",
            )
            for control in profile.control_nets
        ),
        vae=_diffusers(AutoencoderKL, folder / "vae"),
        text_encoder=CLIPTextModel(_text(folder / "text_encoder")),
        second_text_encoder=None
        if profile.second_text_encoder is None
        else CLIPTextModelWithProjection(_text(folder / "text_encoder_2")),
        image_encoder=CLIPVisionModelWithProjection(
            CLIPVisionConfig.from_pretrained(folder / "image_encoder", dtype="float32")
        ),
        caption_encoder=CLIPTextModelWithProjection(_text(folder / "caption_encoder")),
        scheduler=_diffusers(DDIMScheduler, folder / "scheduler"),
        feature_extractor=CLIPImageProcessorPil.from_pretrained(folder / "feature_extractor"),
    )


def _diffusers(kind: Any, folder: Path) -> Any:
    return kind.from_config(kind.load_config(str(folder)))


def _text(folder: Path) -> CLIPTextConfig:
    return CLIPTextConfig.from_pretrained(folder, dtype="float32")
