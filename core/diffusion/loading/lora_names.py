# SPDX-License-Identifier: GPL-3.0-or-later
"""What LoRA files call the layers of the networks.

Three habits are in the wild: kohya's names with underscores after diffusers' modules, or after Stability's own (SDXL),
and diffusers' names with dots, in which the two matrices have been called by several names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

from diffusers import UNet2DConditionModel
from torch import nn

Layer: TypeAlias = nn.Linear | nn.Conv2d
DOWN, UP, ALPHA = "down", "up", "alpha"
"""Parts of a change: [rank, in], [out, rank], and the number over the rank that scales them."""
_PARTS = {
    ".lora_down.weight": DOWN,
    ".lora_up.weight": UP,
    ".lora_A.weight": DOWN,
    ".lora_B.weight": UP,
    ".lora.down.weight": DOWN,
    ".lora.up.weight": UP,
    ".lora_linear_layer.down.weight": DOWN,
    ".lora_linear_layer.up.weight": UP,
    "_lora.down.weight": DOWN,
    "_lora.up.weight": UP,
    ".alpha": ALPHA,
}
"""By the end of a weight's name; the last two pairs are of diffusers before its use of PEFT."""
_RESNET = {
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_OUTSIDE = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_out": "out.2",
}
"""Stability's names by diffusers', outside of the blocks."""
_BLOCK = re.compile(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)")
_MIDDLE = re.compile(r"mid_block\.(resnets|attentions)\.(\d+)\.(.+)")


def part_of(name: str) -> tuple[str, str] | None:
    """Layer and part (``DOWN``, ``UP`` or ``ALPHA``) that a weight called ``name`` is of; ``None`` for others."""
    for end, part in _PARTS.items():
        if name.endswith(end):
            layer = name.removesuffix(end).removeprefix("base_model.model.")
            # Old files of diffusers name the attention's processor.
            if ".processor." in layer:
                layer = re.sub(r"\.to_out$", ".to_out.0", layer.replace(".processor.", "."))
            return layer, part
    return None


def layers_by_name(unet: UNet2DConditionModel, text_encoders: list[nn.Module]) -> dict[str, Layer]:
    """Every layer that a LoRA may change, under every name that files have for it."""
    named: dict[str, Layer] = {}
    for name, layer in _layers(unet):
        named[f"unet.{name}"] = named[f"lora_unet_{name.replace('.', '_')}"] = layer
        if other := stability_name(name, unet):
            named[f"lora_unet_{other.replace('.', '_')}"] = layer
    for number, encoder in enumerate(text_encoders, 1):
        folder = "text_encoder" if number == 1 else f"text_encoder_{number}"
        prefixes = (f"lora_te{number}_", "lora_te_") if number == 1 else (f"lora_te{number}_",)
        for name, layer in _layers(encoder):
            # transformers 5.6 took the wrapper out of one of its classes; files still name it.
            old = name if name.startswith(("text_model.", "text_projection")) else f"text_model.{name}"
            named[f"{folder}.{old}"] = layer
            for prefix in prefixes:
                named[f"{prefix}{old.replace('.', '_')}"] = layer
    return named


def stability_name(name: str, unet: UNet2DConditionModel) -> str | None:
    """Stability's name for the module that diffusers calls ``name`` in ``unet``; ``None`` where there is none."""
    if name in _OUTSIDE:
        return _OUTSIDE[name]
    layers = unet.config.layers_per_block
    if found := _MIDDLE.fullmatch(name):
        kind, number, rest = found.groups()
        place = 1 if kind == "attentions" else 2 * int(number)
        return f"middle_block.{place}.{_RESNET.get(rest, rest)}"
    found = _BLOCK.fullmatch(name)
    if found is None:
        return None
    side, block, kind, number, rest = found.groups()
    first = int(block) * (layers + 1) + (1 if side == "down" else 0)
    side = "input_blocks" if side == "down" else "output_blocks"
    if kind == "downsamplers":
        return f"{side}.{first + layers}.0.op"
    if kind == "upsamplers":
        attends = unet.config.up_block_types[int(block)].startswith("CrossAttn")
        return f"{side}.{first + layers}.{2 if attends else 1}.{rest}"
    if kind == "resnets":
        return f"{side}.{first + int(number)}.0.{_RESNET.get(rest, rest)}"
    return f"{side}.{first + int(number)}.1.{rest}"


def _layers(network: nn.Module) -> Iterator[tuple[str, Layer]]:
    return ((name, layer) for name, layer in network.named_modules() if isinstance(layer, (nn.Linear, nn.Conv2d)))
