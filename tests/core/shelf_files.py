# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of ComfyUI's and A1111's shape, of seeded small networks of ``sd15``, under the files' own names."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from tests.core import own_files

COMFYUI = {
    "base": "models/checkpoints/SD1.5/v1-5-pruned-emaonly-fp16.safetensors",
    "normal": "models/controlnet/control_v11p_sd15_normalbae_fp16.safetensors",
    "depth": "models/controlnet/control_v11f1p_sd15_depth_fp16.safetensors",
    "adapter": "models/ipadapter/ip-adapter_sd15.safetensors",
    "vision": "models/clip_vision/CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors",
    "clip": "models/text_encoders/CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors",
    "lora": "models/loras/ink.safetensors",
}
A1111 = {
    "base": "models/Stable-diffusion/v1-5-pruned-emaonly.safetensors",
    "normal": "models/ControlNet/control_v11p_sd15_normalbae.safetensors",
    "depth": "extensions/sd-webui-controlnet/models/control_v11f1p_sd15_depth.safetensors",
    "adapter": "models/ControlNet/ip-adapter_sd15.safetensors",
    "vision": "models/ControlNet/clip_vision_h.safetensors",
    "clip": "models/ControlNet/clip_h.safetensors",
    "lora": "models/Lora/ink.safetensors",
}
_REPOSITORIES = {
    "controlnet_normal": "lllyasviel/control_v11p_sd15_normalbae",
    "controlnet_depth": "lllyasviel/control_v11f1p_sd15_depth",
    "image_encoder": "h94/IP-Adapter/models/image_encoder",
    "caption_encoder": "laion/CLIP-ViT-H-14-laion2B-s32B-b79K",
}
_CONTROL = {
    "controlnet_cond_embedding.conv_in": "input_hint_block.0",
    "controlnet_cond_embedding.conv_out": "input_hint_block.14",
    "controlnet_mid_block": "middle_block_out.0",
}


def write_shelves(models: Path, base: object, folder: Path, names: dict[str, str]) -> None:
    """Put what is in the repositories in ``models``, loaded as ``base``, onto the shelves of ``folder``."""
    for name in names.values():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    own_files.write_single_file(base, folder / names["base"])
    for kind in ("normal", "depth"):
        weights = models / _REPOSITORIES[f"controlnet_{kind}"] / "diffusion_pytorch_model.fp16.safetensors"
        if kind == "normal":
            save_file(stability_control_net(load_file(weights)), folder / names[kind])
        else:
            shutil.copy(weights, folder / names[kind])
    shutil.copy(models / "h94/IP-Adapter/models/ip-adapter_sd15.safetensors", folder / names["adapter"])
    shutil.copy(models / _REPOSITORIES["image_encoder"] / "model.safetensors", folder / names["vision"])
    shutil.copy(models / _REPOSITORIES["caption_encoder"] / "model.safetensors", folder / names["clip"])
    own_files.write_lora(base, own_files.some_changes(base), folder / names["lora"], "kohya")


def write_configurations(models: Path, folder: Path) -> None:
    """What the program ships of ``sd15``, with the shapes of the small model in ``models``."""
    own_files.write_configurations(models / "stable-diffusion-v1-5/stable-diffusion-v1-5", folder)
    for name, repository in _REPOSITORIES.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(models / repository / "config.json", folder / name / "config.json")
    # The published one is of both halves; what ships is of the text's.
    whole = json.loads((folder / "caption_encoder/config.json").read_text())
    (folder / "caption_encoder/config.json").write_text(json.dumps(whole["text_config"]))


def stability_control_net(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights of a ControlNet under Stability's names."""
    named = {}
    for name, value in state.items():
        start, _, kind = name.rpartition(".")
        if start in _CONTROL:
            theirs = f"{_CONTROL[start]}.{kind}"
        elif found := re.match(r"controlnet_cond_embedding\.blocks\.(\d+)\.(.+)", name):
            theirs = f"input_hint_block.{2 + 2 * int(found[1])}.{found[2]}"
        elif found := re.match(r"controlnet_down_blocks\.(\d+)\.(.+)", name):
            theirs = f"zero_convs.{found[1]}.0.{found[2]}"
        else:
            theirs = own_files.stability_unet(name, ())
        named[f"control_model.{theirs}"] = value.clone()
    return named
