# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of each profile at their real sizes, by the constructors of their own classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, UNet2DConditionModel
from transformers import (
    CLIPImageProcessorPil,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)


@dataclass(frozen=True)
class Architecture:
    """The networks of one profile, new, and what goes with them. The UNet has no IP-Adapter yet."""

    unet: UNet2DConditionModel
    control_nets: tuple[ControlNetModel, ...]
    """In the order of the profile."""
    vae: AutoencoderKL
    text_encoder: CLIPTextModel
    image_encoder: CLIPVisionModelWithProjection
    caption_encoder: CLIPTextModelWithProjection
    scheduler: DDIMScheduler
    feature_extractor: CLIPImageProcessorPil


def stable_diffusion(tokenizer: CLIPTokenizer) -> Architecture:
    """Stable Diffusion 1.5 with two ControlNets, and CLIP ViT-H/14 for the style image and its caption.

    Args:
        tokenizer: gives the numbers of the tokens that start, end and fill a text.
    """
    widths = (320, 640, 1280, 1280)
    tokens = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    return Architecture(
        unet=UNet2DConditionModel(
            sample_size=64, cross_attention_dim=768, attention_head_dim=8, block_out_channels=widths
        ),
        control_nets=tuple(
            ControlNetModel(cross_attention_dim=768, attention_head_dim=8, block_out_channels=widths) for _ in range(2)
        ),
        vae=AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
            latent_channels=4,
            sample_size=512,
            scaling_factor=0.18215,
        ),
        text_encoder=CLIPTextModel(
            CLIPTextConfig(
                hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, **tokens
            )
        ),
        image_encoder=CLIPVisionModelWithProjection(
            CLIPVisionConfig(
                hidden_size=1280,
                intermediate_size=5120,
                num_hidden_layers=32,
                num_attention_heads=16,
                image_size=224,
                patch_size=14,
                projection_dim=1024,
            )
        ),
        caption_encoder=CLIPTextModelWithProjection(
            CLIPTextConfig(
                hidden_size=1024,
                intermediate_size=4096,
                num_hidden_layers=24,
                num_attention_heads=16,
                projection_dim=1024,
                **tokens,
            )
        ),
        scheduler=DDIMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            clip_sample=False,
            set_alpha_to_one=False,
            steps_offset=1,
            prediction_type="epsilon",
        ),
        feature_extractor=CLIPImageProcessorPil(),
    )


def bundled(folder: Path) -> Architecture:
    """The model that comes with the program, in the shapes of the configurations in ``folder``."""

    def shape(kind: Any, name: str) -> Any:
        return kind.from_config(kind.load_config(str(folder / name)))

    return Architecture(
        unet=shape(UNet2DConditionModel, "unet"),
        control_nets=(shape(ControlNetModel, "controlnet_normal"), shape(ControlNetModel, "controlnet_depth")),
        vae=shape(AutoencoderKL, "vae"),
        text_encoder=CLIPTextModel(CLIPTextConfig.from_pretrained(folder / "text_encoder", dtype="float32")),
        image_encoder=CLIPVisionModelWithProjection(
            CLIPVisionConfig.from_pretrained(folder / "image_encoder", dtype="float32")
        ),
        caption_encoder=CLIPTextModelWithProjection(
            CLIPTextConfig.from_pretrained(folder / "caption_encoder", dtype="float32")
        ),
        scheduler=shape(DDIMScheduler, "scheduler"),
        feature_extractor=CLIPImageProcessorPil.from_pretrained(folder / "feature_extractor"),
    )
