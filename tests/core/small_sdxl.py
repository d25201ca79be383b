# SPDX-License-Identifier: GPL-3.0-or-later
"""SDXL and what goes with it, seeded and tiny, in the layouts and under the key names of their files.

Blocks, depths of the transformers in them, configuration files and file names are those of the published repositories;
widths, depths of the encoders and the vocabulary are small.
"""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderKL, ControlNetUnionModel, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModelWithProjection

from tests.core.small_sd15 import (
    FEATURE_EXTRACTOR,
    SCHEDULER,
    text_config,
    write_clip,
    write_clip_tokenizer,
    write_image_encoder,
    write_ip_adapter,
    write_json,
    write_network,
)

FIRST_WIDTH, SECOND_WIDTH, TIME_WIDTH, WIDTHS = 16, 24, 8, (8, 16, 16)
BASE = "stabilityai/stable-diffusion-xl-base-1.0"
VAE = "madebyollin/sdxl-vae-fp16-fix"
UNION = "xinsir/controlnet-union-sdxl-1.0"
SHARED = {
    "act_fn": "silu",
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": TIME_WIDTH,
    "attention_head_dim": [1, 2, 2],
    "block_out_channels": list(WIDTHS),
    "cross_attention_dim": FIRST_WIDTH + SECOND_WIDTH,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "downsample_padding": 1,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "in_channels": 4,
    "layers_per_block": 2,
    "mid_block_scale_factor": 1,
    "norm_eps": 1e-05,
    "norm_num_groups": 4,
    "projection_class_embeddings_input_dim": SECOND_WIDTH + 6 * TIME_WIDTH,
    "transformer_layers_per_block": [1, 2, 10],
    "use_linear_projection": True,
}


def write_small_sdxl(folder: Path) -> None:
    """Write every repository of the profile ``sdxl`` under ``folder / owner / name``."""
    torch.manual_seed(0)
    base = folder / BASE
    config = SHARED | {"up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"], "sample_size": 128}
    unet = UNet2DConditionModel(**config)
    named = {"_class_name": "UNet2DConditionModel", "_diffusers_version": "0.19.0.dev0"}
    write_network(base / "unet", config | named, "diffusion_pytorch_model.fp16", unet.state_dict())
    control = SHARED | {
        "conditioning_embedding_out_channels": [4, 4, 8, 8],
        "num_control_type": 6,
        "num_trans_channel": WIDTHS[0],
        "num_trans_head": 2,
        "num_proj_channel": WIDTHS[0],
    }
    union = ControlNetUnionModel(**control)
    for layer in (*union.controlnet_down_blocks, union.controlnet_mid_block, union.spatial_ch_projs):
        nn.init.normal_(layer.weight, std=0.1)
    # The published file names the class of plain ControlNets.
    named = {"_class_name": "ControlNetModel", "_diffusers_version": "0.20.0.dev0"}
    write_network(folder / UNION, control | named, "diffusion_pytorch_model", union.state_dict())
    _write_vae(folder / VAE)
    for number, width, projects in (("", FIRST_WIDTH, False), ("_2", SECOND_WIDTH, True)):
        vocabulary = write_clip_tokenizer(base / f"tokenizer{number}")
        _write_text(base / f"text_encoder{number}", vocabulary, width, projects)
    write_json(base / "scheduler/scheduler_config.json", SCHEDULER | {"_class_name": "EulerDiscreteScheduler"})
    write_image_encoder(folder / "h94/IP-Adapter/models")
    write_ip_adapter(folder / "h94/IP-Adapter/sdxl_models/ip-adapter_sdxl_vit-h.safetensors", unet)
    write_clip(folder / "laion/CLIP-ViT-H-14-laion2B-s32B-b79K")


def write_small_configurations(folder: Path, models: Path) -> None:
    """What the program ships of the family, in the shapes of the repositories in ``models``."""
    from tests.core.own_files import write_configurations

    write_configurations(models / BASE, folder)
    (folder / "vae").mkdir(exist_ok=True)
    (folder / "vae/config.json").write_bytes((models / VAE / "config.json").read_bytes())
    write_json(folder / "feature_extractor/preprocessor_config.json", FEATURE_EXTRACTOR)


def _write_vae(folder: Path) -> None:
    config = {
        "act_fn": "silu",
        "block_out_channels": [4, 4, 8, 8],
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "in_channels": 3,
        "latent_channels": 4,
        "layers_per_block": 2,
        "norm_num_groups": 4,
        "out_channels": 3,
        "sample_size": 512,
        "scaling_factor": 0.13025,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
    }
    state = AutoencoderKL(**config).state_dict()
    named = {"_class_name": "AutoencoderKL", "_diffusers_version": "0.18.0.dev0", "force_upcast": False}
    write_network(folder, config | named, "diffusion_pytorch_model", state)


def _write_text(folder: Path, vocabulary: int, width: int, projects: bool) -> None:
    config = text_config(vocabulary, width) | {"projection_dim": width}
    state = CLIPTextModelWithProjection(CLIPTextConfig(**config)).state_dict()
    if not projects:
        del state["text_projection.weight"]
    kind = "CLIPTextModelWithProjection" if projects else "CLIPTextModel"
    config |= {"architectures": [kind], "model_type": "clip_text_model"}
    write_network(folder, config, "model.fp16", state)
