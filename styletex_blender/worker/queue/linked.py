# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that have their mesh in common, and with it the materials and the texture: they are textured once."""

from __future__ import annotations

from collections.abc import Sequence

import bpy


def by_mesh(objects: Sequence[bpy.types.Object]) -> list[list[bpy.types.Object]]:
    """The objects in groups, each of one mesh, in their order; of a group visible ones come first.

    Those that have other materials than the rest, in slots of their own, are a group of their own.
    """
    groups: dict[tuple[object, ...], list[bpy.types.Object]] = {}
    for found in objects:
        own = [slot.material for slot in found.material_slots if slot.link == "OBJECT"]
        materials = tuple(None if material is None else material.session_uid for material in own)
        of = found.data if found.type == "MESH" else found
        groups.setdefault((of.session_uid, materials), []).append(found)
    return [sorted(group, key=lambda found: not found.visible_get()) for group in groups.values()]
