# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new material took the place of, slot by slot, so that to keep the materials brings them back.

The new material remembers it in its custom properties: it is undone, saved and copied with the material.
"""

from __future__ import annotations

from collections.abc import Sequence

import bpy

_REPLACED = "styletex_replaced"
"""Custom property of a new material: how many slots there were, and by their numbers the materials in them."""
_COUNT = "count"

Materials = list[bpy.types.Material | None]
"""Those of an object's slots, in their order."""


def remember(new: bpy.types.Material, materials: Sequence[bpy.types.Material | None]) -> None:
    """Note on a new material what it takes the place of: ``materials`` of the slots, in their order."""
    # A datablock's custom property cannot hold nothing as a datablock.
    held = {str(number): found for number, found in enumerate(materials) if found is not None and found != new}
    if held:
        new[_REPLACED] = {_COUNT: len(materials), **held}


def materials_of(target: bpy.types.Object) -> Materials:
    """What is in the object's slots, or was there before a new material took its place."""
    present = [slot.material for slot in target.material_slots]
    return [_before(found, number, len(present)) for number, found in enumerate(present)]


def _before(material: bpy.types.Material | None, number: int, count: int) -> bpy.types.Material | None:
    if material is None or _REPLACED not in material:
        return material
    replaced = material[_REPLACED]
    held = [replaced[key] for key in replaced if key != _COUNT]
    if replaced[_COUNT] != count:
        # Slots were added or taken away: which was which is known where there was one material alone.
        found = held[0] if len(set(held)) == 1 else None
    else:
        found = replaced.get(str(number))
    return material if found is None else found
