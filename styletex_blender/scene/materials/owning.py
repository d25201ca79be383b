# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose a material is: what is done on one object may not change how another one looks that has its material too."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

from .groups import separate
from .nodes import TEXTURE_NODE, texture_node
from .relief import BRIGHTNESS_NODE


def is_own(material: bpy.types.Material, objects: Sequence[bpy.types.Object], slot: int = 0) -> bool:
    """Whether an earlier run gave a material to these objects, which share their mesh, and nothing else uses it; with
    the number of a slot, from 1, no other one of theirs either.
    """
    if texture_node(material) is None:
        return False
    mesh = objects[0].data
    numbers = range(len(mesh.materials)) if slot == 0 else [slot - 1]
    slots = [found.material_slots[number] for found in objects for number in numbers]
    users = sum(place.link == "OBJECT" and place.material == material for place in slots)
    if _is_theirs(mesh, objects):
        users += sum(mesh.materials[number] == material for number in numbers)
    return material.users - material.use_fake_user == users


def make_own(objects: Sequence[bpy.types.Object]) -> None:
    """Give objects that share their mesh copies of those StyleTex materials of theirs that something else uses as well.

    A mesh that further objects share keeps its materials: the copies are linked to the objects.
    """
    copies: dict[bpy.types.Material, bpy.types.Material] = {}
    theirs = _is_theirs(objects[0].data, objects)
    own = [slot.material for found in objects for slot in found.material_slots if texture_node(slot.material)]
    others = {material for material in own if not is_own(material, objects)}
    for found in objects:
        for slot in found.material_slots:
            material = slot.material
            if material not in others:
                continue
            if material not in copies:
                copies[material] = _copy(material)
            if not theirs:
                slot.link = "OBJECT"
            slot.material = copies[material]


def separate_groups(material: bpy.types.Material) -> None:
    """Make the node groups that a texture or its brightness is led into single-user, after a material was copied."""
    for name in (TEXTURE_NODE, BRIGHTNESS_NODE):
        separate(material.node_tree, name)


def _copy(material: bpy.types.Material) -> bpy.types.Material:
    copy = material.copy()
    separate_groups(copy)
    return copy


def _is_theirs(mesh: bpy.types.Mesh, objects: Sequence[bpy.types.Object]) -> bool:
    """Whether no other object has the mesh."""
    return mesh.users - mesh.use_fake_user <= len(objects)
