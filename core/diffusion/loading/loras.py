# SPDX-License-Identifier: GPL-3.0-or-later
"""LoRAs, merged into the weights once they are loaded: a step then costs nothing more (Hu et al. 2021, §4.1)."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from safetensors import safe_open
from torch import Tensor, nn

from ...job import JobError
from ...models.model_profile import LoraFile
from .lora_names import ALPHA, DOWN, UP, layers_by_name, part_of

_METADATA = "lora_adapter_metadata"
"""Where diffusers writes the alphas of its own files."""
_NAMED = 3
"""Layers that a message names."""


@torch.no_grad()
def merge_loras(loras: tuple[LoraFile, ...], unet: UNet2DConditionModel, text_encoders: list[nn.Module]) -> None:
    """Add each of ``loras`` to the weights of the networks in place: ``W + weight * alpha / rank * up @ down``.

    Args:
        loras: in order.
        unet: before an IP-Adapter is in it.
        text_encoders: in the order of the family.

    Raises:
        JobError: ``model_missing`` when a file is of another family, or not a pair of matrices for each layer.
    """
    layers = layers_by_name(unet, text_encoders) if loras else {}
    for lora in loras:
        changes, alphas = _read(lora)
        unknown = [name for name in changes if name not in layers]
        if unknown:
            raise _unfit(lora, f"{len(unknown)} of its {len(changes)} layers are not in the model: {_few(unknown)}")
        for name, parts in changes.items():
            if DOWN not in parts or UP not in parts:
                raise _unfit(lora, f"it has no pair of matrices for {name}")
            down, up = parts[DOWN].float().flatten(1), parts[UP].float().flatten(1)
            rank = down.shape[0]
            alpha = float(parts[ALPHA]) if ALPHA in parts else alphas(name, rank)
            weight = layers[name].weight.data
            if up.shape != (weight.shape[0], rank) or down.shape[1] != weight[0].numel():
                raise _unfit(lora, f"the layer {name} has another shape")
            change = (up @ down).reshape(weight.shape).to(weight.device)
            weight.copy_(weight.float() + lora.weight * alpha / rank * change)


def _read(lora: LoraFile) -> tuple[dict[str, dict[str, Tensor]], Any]:
    """By layer its parts, and what gives a layer's alpha where the file has none beside the matrices."""
    changes: dict[str, dict[str, Tensor]] = defaultdict(dict)
    other = []
    try:
        with safe_open(lora.path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118
                found = part_of(name)
                if found is None:
                    other.append(name)
                else:
                    changes[found[0]][found[1]] = file.get_tensor(name)
            notes = json.loads((file.metadata() or {}).get(_METADATA, "{}"))
    except (ValueError, RuntimeError) as error:
        raise _unfit(lora, f"it is damaged ({error})") from error
    if other:
        raise _unfit(lora, f"{len(other)} of its weights are of a kind that is not supported: {_few(other)}")

    def alpha(layer: str, rank: int) -> float:
        component, _, rest = layer.partition(".")
        pattern = notes.get(f"{component}.alpha_pattern") or {}
        return float(pattern.get(rest, notes.get(f"{component}.lora_alpha", rank)))

    return changes, alpha


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(sorted(names)[:_NAMED]) + more


def _unfit(lora: LoraFile, why: str) -> JobError:
    return JobError(
        "model_missing", f"The LoRA {lora.path} does not fit the model: {why}", "Name a LoRA of the model's family."
    )
