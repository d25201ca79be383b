# SPDX-License-Identifier: GPL-3.0-or-later
"""The materials that show a texture: copies of those that are there, or a new one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import bpy

from ..names import name_of
from .materials.keep import is_kept, keep_material, origin_of, put_image
from .materials.nodes import add_texture
from .materials.owning import is_own
from .materials.relief import set_relief
from .materials.replaced import Materials, materials_of, remember

MATERIALS = ("keep", "new")
"""What becomes of an object's materials: kept as copies, or one new material in their place."""


def texture_name(object_name: str) -> str:
    """Name of the material and of the image of an object."""
    return f"StyleTex · {object_name}"


def new_material(name: str, image: bpy.types.Image, uv_map: str, extent: int = 1) -> bpy.types.Material:
    """A material that shows ``image`` by the UV map called ``uv_map``; the image is of the UVs from 0 to ``extent``."""
    material = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0):
        # From 5.0 every material has nodes, and asking for them is deprecated.
        material.use_nodes = True
    tree = material.node_tree
    principled = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    left, top = principled.location
    texture = add_texture(material, image, uv_map, (left - 320.0, top), extent)
    tree.links.new(texture.outputs["Color"], principled.inputs["Base Color"])
    return material


def apply_texture(
    target: bpy.types.Object,
    image: bpy.types.Image,
    uv_map: str,
    linked: Sequence[bpy.types.Object] = (),
    materials: str = "keep",
    relief: float | None = None,
    slot: int = 0,
) -> list[str]:
    """Show ``image`` on the whole object, or in one of its material slots.

    The faces keep their slots, so that nothing is lost when the old materials come back; those stay in the file with a
    fake user. A mesh that other objects share keeps its own materials: the new ones are linked to the objects. The
    objects' own earlier StyleTex materials are used again, with whatever the artist changed in them.

    Args:
        target: a mesh object.
        image: the texture.
        uv_map: name of its UV map.
        linked: other objects with the same mesh, which get the texture as well.
        materials: one of ``MATERIALS``. To keep them is to put the image into a copy of each (``keep_material``); one
            that several slots hold is copied once, and one that a new material has taken the place of comes back. Where
            there is none, or it takes no image, the slot gets a new one.
        relief: strength of the relief from the image's brightness, in [0, 1]; 0 for none, ``None`` leaves it as it is.
        slot: number of the slot that alone gets it, from 1; 0 for all. What other slots hold stays as it is.

    Returns:
        What the user should know.
    """
    objects = [target, *linked]
    if not target.material_slots:
        target.data.materials.append(None)
    below = [_slots(found, materials) for found in objects]
    several = len({old for of_one in below for old in of_one} - {None}) > 1
    slots = [_chosen(of_one, slot) for of_one in below]
    olds = list(dict.fromkeys(old for of_one in slots for old in of_one))
    own = [old for old in olds if old is not None and is_own(old, objects, slot)]
    warnings: list[str] = []
    if materials == "keep":
        name = texture_name(name_of(target))
        shown = _kept(slots, max(1, slot), own, image, uv_map, name, several, warnings)
    else:
        shown = _replaced(target, olds, own, image, uv_map)
    for material in dict.fromkeys(shown.values()):
        if relief is not None and not set_relief(material, relief, max(target.dimensions)):
            warnings.append(f"The material {name_of(material)!r} is all emission, which no relief can be seen on")
    shared = target.data.users > 1
    for found, of_one in zip(objects, slots, strict=True):
        for place, before in zip(_chosen(list(found.material_slots), slot), of_one, strict=True):
            old, new = place.material, shown[before]
            if old is not None and old != new and not old.library:
                old.use_fake_user = True
            if shared:
                place.link = "OBJECT"
            place.material = new
    return warnings


def _chosen(of_slots: list[_OfSlot], slot: int) -> list[_OfSlot]:
    """What is of the slot with that number, from 1; all for 0."""
    return of_slots[slot - 1 : slot] if slot else of_slots


def _slots(target: bpy.types.Object, materials: str) -> Materials:
    """What is in each slot; where materials are kept, what was there before a new material was."""
    return materials_of(target) if materials == "keep" else [slot.material for slot in target.material_slots]


_OfSlot = TypeVar("_OfSlot")
_Shown = dict[bpy.types.Material | None, bpy.types.Material]
"""What comes in the place of each material."""


def _kept(
    slots: Sequence[Materials],
    first: int,
    own: Sequence[bpy.types.Material],
    image: bpy.types.Image,
    uv_map: str,
    name: str,
    several: bool,
    warnings: list[str],
) -> _Shown:
    olds = list(dict.fromkeys(old for of_one in slots for old in of_one))
    shown: _Shown = {}
    for old in olds:
        if old is None:
            continue
        if old in own and put_image(old, image, uv_map):
            shown[old] = old
            continue
        kept = keep_material(old, f"{name} · {origin_of(old)}" if several else name, image, uv_map)
        if kept is not None:
            shown[old] = kept
        else:
            slot = next(number for of_one in slots for number, found in enumerate(of_one, first) if found == old)
            warnings.append(
                f"The material {name_of(old)!r} in slot {slot} has no shader whose color an image could be; the slot"
                " has a new material now"
            )
    if len(shown) < len(olds):
        new = new_material(name, image, uv_map)
        shown |= {old: new for old in olds if old not in shown}
    return shown


def _replaced(
    target: bpy.types.Object,
    olds: Sequence[bpy.types.Material | None],
    own: Sequence[bpy.types.Material],
    image: bpy.types.Image,
    uv_map: str,
) -> _Shown:
    if len(olds) == 1 and own and not is_kept(own[0]) and put_image(own[0], image, uv_map):
        return {own[0]: own[0]}
    new = new_material(texture_name(name_of(target)), image, uv_map)
    remember(new, materials_of(target))
    return dict.fromkeys(olds, new)
