# SPDX-License-Identifier: GPL-3.0-or-later
"""Stable Diffusion 1.5 and what goes with it, seeded and tiny, in the layouts and under the key names of their files.

Block structure, configuration files (the old ones, with the fields that they really lack) and file names are those of
the published repositories; only widths, depths of the encoders and the vocabulary are small.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from safetensors.torch import save_file
from torch import nn
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPTextConfig,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

from core.models.model_files import model_files
from core.models.profiles import ModelProfile
from core.training.vocabulary import write_tokenizer

TEXT_WIDTH, JOINT_WIDTH, WIDTHS = 16, 12, (8, 8, 16, 16)
WORDS = ["a", "wooden", "chest", "face", "front", "view"]
DOWN = ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D")
UP = ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D")
OLD_ATTENTION = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
"""Names of the VAE's attention in the published file."""


def write_small_sd15(folder: Path) -> None:
    """Write every repository of the profile ``sd15`` under ``folder / owner / name``."""
    torch.manual_seed(0)
    base = folder / "stable-diffusion-v1-5/stable-diffusion-v1-5"
    unet = UNet2DConditionModel(
        down_block_types=DOWN,
        up_block_types=UP,
        block_out_channels=WIDTHS,
        cross_attention_dim=TEXT_WIDTH,
        norm_num_groups=4,
        sample_size=64,
    )
    write_network(
        base / "unet", _unet_config("UNet2DConditionModel"), "diffusion_pytorch_model.fp16", unet.state_dict()
    )
    for name in ("control_v11p_sd15_normalbae", "control_v11f1p_sd15_depth"):
        control = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(4, 4, 8, 8))
        for layer in (*control.controlnet_down_blocks, control.controlnet_mid_block):
            nn.init.normal_(layer.weight, std=0.1)
        config = _unet_config("ControlNetModel") | {"conditioning_embedding_out_channels": [4, 4, 8, 8]}
        config |= {"controlnet_conditioning_channel_order": "rgb", "only_cross_attention": False}
        write_network(folder / "lllyasviel" / name, config, "diffusion_pytorch_model.fp16", control.state_dict())
    _write_vae(base / "vae")
    _write_text(base)
    write_json(base / "scheduler/scheduler_config.json", SCHEDULER)
    write_json(base / "feature_extractor/preprocessor_config.json", FEATURE_EXTRACTOR)
    (base / "v1-5-pruned-emaonly.ckpt").write_bytes(b"a pickle beside the rest, as in the published repository")
    write_image_encoder(folder / "h94/IP-Adapter/models")
    write_ip_adapter(folder / "h94/IP-Adapter/models/ip-adapter_sd15.safetensors", unet)
    write_clip(folder / "laion/CLIP-ViT-H-14-laion2B-s32B-b79K")


def write_cache(folder: Path, cache: Path, profile: ModelProfile) -> None:
    """Lay the files of ``folder`` out as huggingface_hub's cache does: blobs, and snapshots that link to them."""
    for file in model_files(profile):
        content = (folder / file.repository / file.path).read_bytes()
        repository = cache / f"models--{file.repository.replace('/', '--')}"
        blob = repository / "blobs" / hashlib.sha256(content).hexdigest()
        link = repository / "snapshots" / file.revision / file.path
        for place in (blob, link):
            place.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(content)
        link.symlink_to(blob)
        (repository / "refs").mkdir(exist_ok=True)
        (repository / "refs/main").write_text(file.revision)


def _unet_config(kind: str) -> dict:
    return {
        "_class_name": kind,
        "_diffusers_version": "0.6.0",
        "act_fn": "silu",
        "attention_head_dim": 8,
        "block_out_channels": list(WIDTHS),
        "cross_attention_dim": TEXT_WIDTH,
        "down_block_types": list(DOWN),
        "downsample_padding": 1,
        "flip_sin_to_cos": True,
        "freq_shift": 0,
        "in_channels": 4,
        "layers_per_block": 2,
        "mid_block_scale_factor": 1,
        "norm_eps": 1e-05,
        "norm_num_groups": 4,
    } | ({"up_block_types": list(UP), "sample_size": 64} if kind == "UNet2DConditionModel" else {})


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
        "up_block_types": ["UpDecoderBlock2D"] * 4,
    }
    state = {}
    for name, value in AutoencoderKL(**config).state_dict().items():
        for new, old in OLD_ATTENTION.items():
            name = name.replace(f"attentions.0.{new}.", f"attentions.0.{old}.")
        state[name] = value
    config |= {"_class_name": "AutoencoderKL", "_diffusers_version": "0.6.0"}
    write_network(folder, config, "diffusion_pytorch_model.fp16", state)


def _write_text(base: Path) -> None:
    vocabulary = write_clip_tokenizer(base / "tokenizer")
    config = text_config(vocabulary, TEXT_WIDTH)
    state = CLIPTextModelWithProjection(CLIPTextConfig(**config)).text_model.state_dict()
    state = {f"text_model.{name}": value for name, value in state.items()}
    state["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    config |= {"architectures": ["CLIPTextModel"], "model_type": "clip_text_model"}
    write_network(base / "text_encoder", config, "model.fp16", state)


def write_image_encoder(folder: Path) -> None:
    config = _vision_config()
    state = CLIPVisionModelWithProjection(CLIPVisionConfig(**config)).state_dict()
    state["vision_model.embeddings.position_ids"] = torch.arange(257)[None]
    config |= {"architectures": ["CLIPVisionModelWithProjection"], "model_type": "clip_vision_model"}
    write_network(folder / "image_encoder", config, "model", state)


def write_clip(folder: Path) -> None:
    """The whole CLIP, of which only the text half is read."""
    text = text_config(write_clip_tokenizer(folder), TEXT_WIDTH)
    config = {"text_config": text, "vision_config": _vision_config(), "projection_dim": JOINT_WIDTH}
    state = CLIPModel(CLIPConfig(**config)).state_dict()
    state["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    write_network(folder, config | {"architectures": ["CLIPModel"], "model_type": "clip"}, "model", state)


def text_config(vocabulary: int, width: int) -> dict:
    # The published files have the old numbers of the start and end tokens, which are those of no token.
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "projection_dim": JOINT_WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 77,
        "hidden_act": "gelu",
        "bos_token_id": 0,
        "eos_token_id": 2,
        "pad_token_id": 1,
    }


def _vision_config() -> dict:
    return {
        "hidden_size": 16,
        "intermediate_size": 32,
        "projection_dim": JOINT_WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 224,
        "patch_size": 14,
        "hidden_act": "gelu",
    }


def write_ip_adapter(path: Path, unet: UNet2DConditionModel) -> None:
    width = unet.config.cross_attention_dim
    state = {
        "image_proj.proj.weight": torch.randn(4 * width, JOINT_WIDTH),
        "image_proj.proj.bias": torch.randn(4 * width),
        "image_proj.norm.weight": torch.randn(width),
        "image_proj.norm.bias": torch.randn(width),
    }
    # Of the attentions in diffusers' order (down, up, mid), the cross-attentions have the odd numbers.
    for number, name in enumerate(unet.attn_processors):
        if number % 2 == 1:
            out = unet.get_submodule(name.removesuffix(".processor")).to_k.out_features
            for which in ("k", "v"):
                state[f"ip_adapter.{number}.to_{which}_ip.weight"] = torch.randn(out, width)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half() for name, value in state.items()}, path)


def write_clip_tokenizer(folder: Path) -> int:
    """CLIP's files of a tokenizer from before ``tokenizer.json``; returns the number of tokens."""
    count = len(write_tokenizer(WORDS, folder))
    (folder / "tokenizer.json").unlink()
    write_json(folder / "tokenizer_config.json", TOKENIZER)
    return count


def write_network(folder: Path, config: dict, name: str, state: dict[str, torch.Tensor]) -> None:
    """A network's configuration and its weights, floats in half precision."""
    write_json(folder / "config.json", config)
    halves = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    save_file({key: value.contiguous() for key, value in halves.items()}, folder / f"{name}.safetensors")


def write_json(path: Path, values: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, indent=2))


SCHEDULER = {
    "_class_name": "PNDMScheduler",
    "_diffusers_version": "0.6.0",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
    "clip_sample": False,
}
FEATURE_EXTRACTOR = {
    "crop_size": 224,
    "do_center_crop": True,
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_resize": True,
    "feature_extractor_type": "CLIPFeatureExtractor",
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "resample": 3,
    "size": 224,
}
_TOKEN = {"__type": "AddedToken", "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
TOKENIZER = {
    "add_prefix_space": False,
    "bos_token": _TOKEN | {"content": "<|startoftext|>"},
    "do_lower_case": True,
    "eos_token": _TOKEN | {"content": "<|endoftext|>"},
    "errors": "replace",
    "model_max_length": 77,
    "name_or_path": "openai/clip-vit-large-patch14",
    "pad_token": "<|endoftext|>",
    "special_tokens_map_file": "./special_tokens_map.json",
    "tokenizer_class": "CLIPTokenizer",
    "unk_token": _TOKEN | {"content": "<|endoftext|>"},
}
