# SPDX-License-Identifier: GPL-3.0-or-later
"""What is taken back when materials cannot be given to objects after all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import bpy

from .nodes import TEXTURE_NODE, UV_NODE, set_texture, texture_node
from .relief import relief_of, set_relief


@contextmanager
def taken_back_on_failure(objects: Sequence[bpy.types.Object]) -> Iterator[None]:
    """Leave slots and materials as they were if the block raises; the objects share one mesh."""
    kinds = (bpy.data.materials, bpy.data.node_groups)
    known = {found.session_uid for kind in kinds for found in kind}
    slots = [[(slot.link, slot.material) for slot in found.material_slots] for found in objects]
    own = {material for links in slots for _, material in links if texture_node(material) is not None}
    shown = [(material, _state(material)) for material in own]
    try:
        yield
    except BaseException:
        if not slots[0] and objects[0].material_slots:
            objects[0].data.materials.clear()
        for found, links in zip(objects, slots, strict=True):
            for slot, (link, material) in zip(found.material_slots, links, strict=False):
                slot.link, slot.material = link, material
        for material, (image, uv_map, relief) in shown:
            set_texture(material, image, uv_map)
            set_relief(material, relief, max(objects[0].dimensions))
        for kind in kinds:
            for made in [found for found in kind if found.session_uid not in known]:
                kind.remove(made)
        raise


def _state(material: bpy.types.Material) -> tuple[bpy.types.Image | None, str, float]:
    nodes = material.node_tree.nodes
    uv_map = nodes[UV_NODE].uv_map if UV_NODE in nodes else ""
    return nodes[TEXTURE_NODE].image, uv_map, relief_of(material)
