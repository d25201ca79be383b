# SPDX-License-Identifier: GPL-3.0-or-later
"""Which result an object shows, and which is applied to it.

To show another result is to put it into the object's material in the place of the applied one, which the material then
remembers in its custom properties. So both are part of the file: undo, saving and opening need nothing else, and a
copy of the object or of the material has both too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import bpy

from ..scene.materials.nodes import TEXTURE_NODE, UV_NODE, set_texture, texture_node
from ..scene.materials.owning import make_own
from ..scene.preview import hide_previews, materials_below

_APPLIED = "styletex_applied"
"""A material's custom property while it shows another result than the applied one: the image and its UV map."""


def all_images(target: bpy.types.Object) -> list[bpy.types.Image]:
    """The images that are applied to the object or that it shows: several where objects were joined."""
    return list(dict.fromkeys([*applied_images(target), *shown_images(target)]))


def shown_image(target: bpy.types.Object) -> bpy.types.Image | None:
    """The image of StyleTex's that the object's materials show, below the preview of a running job."""
    return next((_node(material).image for material in _materials(target)), None)


def applied_image(target: bpy.types.Object) -> bpy.types.Image | None:
    """The image that is applied to the object; another one than the shown one while that is only looked at, and none
    where it was deleted.
    """
    return next((_applied(material) for material in _materials(target)), None)


def is_textured(target: bpy.types.Object) -> bool:
    """Whether the object has a material of StyleTex's; its image may be gone all the same."""
    return any(True for _ in _materials(target))


def shown_images(target: bpy.types.Object) -> list[bpy.types.Image]:
    """All images that the object shows: several where each is for a material slot alone, or objects were joined."""
    found = [_node(material).image for material in _materials(target)]
    return list(dict.fromkeys(image for image in found if image is not None))


def applied_images(target: bpy.types.Object) -> list[bpy.types.Image]:
    """All images that are applied to the object."""
    found = [_applied(material) for material in _materials(target)]
    return list(dict.fromkeys(image for image in found if image is not None))


def show(objects: Sequence[bpy.types.Object], image: bpy.types.Image, uv_map: str = "", slot: int = 0) -> bool:
    """Show a result without applying it; whether there is a material of StyleTex's that can show it.

    Args:
        objects: one object, or several that share their mesh and materials. Others that have the same materials stay as
            they are: those of these objects are made their own.
        image: a result of the first one.
        uv_map: name of the UV map that it is for; without, that of the one before.
        slot: number of the material slot that it alone is for, from 1; 0 for all.
    """
    hide_previews()
    make_own(objects)
    materials = _all_materials(objects, slot)
    for material in materials:
        if _APPLIED not in material:
            uv_node = material.node_tree.nodes.get(UV_NODE)
            applied = {"image": _node(material).image, "uv_map": uv_node.uv_map if uv_node is not None else ""}
            # A datablock's custom property cannot hold nothing as a datablock.
            material[_APPLIED] = {name: value for name, value in applied.items() if value is not None}
        set_texture(material, image, uv_map)
        if material[_APPLIED].get("image") == image:
            del material[_APPLIED]
    return bool(materials)


def show_applied(objects: Sequence[bpy.types.Object]) -> None:
    """Show what is applied again, on objects as ``show`` takes them; where that was deleted, what is looked at is
    applied from now on.
    """
    hide_previews()
    if any(_APPLIED in material for material in _all_materials(objects)):
        make_own(objects)
    for material in _all_materials(objects):
        if _APPLIED in material:
            applied = material[_APPLIED].get("image")
            if applied is not None:
                set_texture(material, applied, material[_APPLIED].get("uv_map", ""))
            del material[_APPLIED]


def apply_shown(target: bpy.types.Object) -> None:
    """What the object shows is applied now, and nothing else is remembered."""
    for material in _materials(target):
        if _APPLIED in material:
            del material[_APPLIED]


def _all_materials(objects: Sequence[bpy.types.Object], slot: int = 0) -> list[bpy.types.Material]:
    return list(dict.fromkeys(material for target in objects for material in _materials(target, slot)))


def _materials(target: bpy.types.Object, slot: int = 0) -> Iterator[bpy.types.Material]:
    """The object's own materials that show a texture of StyleTex's, each once; with a slot's number, from 1, its."""
    seen: set[int] = set()
    below = materials_below(target)
    for material in below[slot - 1 : slot] if slot else below:
        if material is not None and material.session_uid not in seen and texture_node(material) is not None:
            seen.add(material.session_uid)
            yield material


def _applied(material: bpy.types.Material) -> bpy.types.Image | None:
    return material[_APPLIED].get("image") if _APPLIED in material else _node(material).image


def _node(material: bpy.types.Material) -> bpy.types.Node:
    return material.node_tree.nodes[TEXTURE_NODE]
