# SPDX-License-Identifier: GPL-3.0-or-later
"""The artist's own checkpoint, LoRAs and VAE, in the scene."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

from types import SimpleNamespace
from typing import Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, FloatProperty, StringProperty
from bpy.types import PropertyGroup

from ....core.job import LORA_WEIGHTS
from ..weighted_list import from_text

_MAY_BE_RELATIVE = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
"""Blender 4.5 and later want to be told that a path may begin at the .blend file's folder."""


class LoraItem(PropertyGroup):
    """A LoRA and how strongly it changes the model"""

    path: StringProperty(
        name="File",
        description="The LoRA, a .safetensors file of the model's family",
        subtype="FILE_PATH",
        options=_MAY_BE_RELATIVE,
    )
    weight: FloatProperty(
        name="Weight",
        description="How strongly the LoRA changes the model; below 0 it does the opposite",
        default=1.0,
        min=LORA_WEIGHTS[0],
        max=LORA_WEIGHTS[1],
        soft_min=0.0,
        soft_max=1.5,
    )
    use: BoolProperty(name="Use", description="Whether this LoRA changes the model", default=True)


class OwnFiles:
    """Beside ``bpy.types.PropertyGroup``: what is in place of the model's own files."""

    own_model: StringProperty(
        name="Checkpoint",
        description="Another checkpoint of the model's family: a .safetensors file, or a folder in diffusers' layout. "
        "Leave it empty for the model's own",
        subtype="FILE_PATH",
        options=_MAY_BE_RELATIVE,
    )
    own_vae: StringProperty(
        name="VAE",
        description="Another VAE: a .safetensors file, or its folder. Leave it empty for the model's own",
        subtype="FILE_PATH",
        options=_MAY_BE_RELATIVE,
    )
    loras: CollectionProperty(name="LoRAs", description="Files that change the model, in this order", type=LoraItem)


def read_loras(text: str) -> list[Any]:
    """LoRAs as operators take them, like items of the scene; a weight may be left out.

    Raises:
        JobError: ``bad_setting``: a weight is no number.
    """
    found = from_text(text, lambda part: part.lower().endswith(".safetensors"))
    return [SimpleNamespace(path=path, weight=weight, use=True) for path, weight in found]
