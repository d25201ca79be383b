# SPDX-License-Identifier: GPL-3.0-or-later
"""The texture so far, shown on the object while a job runs, without leaving a trace.

Blender's undo takes snapshots of the whole file whenever the user does something, and the file may be saved at any
time; a preview that is on the object at that moment gets into them. Two things keep that harmless. The preview is
taken off around undo, redo and saving (``handlers``), so those see the file as if there were none. And the preview's
material remembers what it covers, in its own custom properties, so that a preview that comes out of a snapshot or an
autosave can be taken off without knowing anything else.

The preview sits in object-linked slots: the mesh, which other objects may share, keeps its materials.
"""

from __future__ import annotations

import bpy
import numpy as np

from .image import show_frame
from .material import new_material
from .uv import ensure_uv_map

PREVIEW_NAME = "StyleTex Preview"
"""Name of the preview's material and image; the image is one and the same for all frames."""
_COVERED = "styletex_covered"


def show_preview(
    target: bpy.types.Object, frame: np.ndarray, uv_map: str, new_uvs: np.ndarray | None, extent: int = 1
) -> None:
    """Show a frame on the object.

    Args:
        target: the object.
        frame: uint8 [H, W, 3].
        uv_map: name of the UV map that it is for.
        new_uvs: coordinates of that map where the mesh does not have it yet.
        extent: the frame is of the UVs from 0 to this: with UDIM, of all tiles.
    """
    image = bpy.data.images.get(PREVIEW_NAME)
    if image is None:
        image = bpy.data.images.new(PREVIEW_NAME, frame.shape[1], frame.shape[0])
    show_frame(image, frame)
    material = bpy.data.materials.get(PREVIEW_NAME)
    if material is None:
        _cover(target, new_material(PREVIEW_NAME, image, uv_map, extent), uv_map, new_uvs)


def hide_previews() -> None:
    """Take every preview off, wherever it is, and remove its datablocks; does nothing when there is none."""
    material = bpy.data.materials.get(PREVIEW_NAME)
    if material is not None and _COVERED in material:
        _uncover(material)
        bpy.data.materials.remove(material)
    image = bpy.data.images.get(PREVIEW_NAME)
    if image is not None:
        bpy.data.images.remove(image)


def _cover(target: bpy.types.Object, material: bpy.types.Material, uv_map: str, new_uvs: np.ndarray | None) -> None:
    mesh = target.data
    covered: dict[str, object] = {"mesh": mesh, "added_slot": not target.material_slots, "added_uv_map": ""}
    if new_uvs is not None and ensure_uv_map(mesh, uv_map, new_uvs):
        covered["added_uv_map"] = uv_map
    if covered["added_slot"]:
        mesh.materials.append(None)
    for index, slot in enumerate(target.material_slots):
        covered[f"link {index}"] = slot.link
        slot.link = "OBJECT"
        if slot.material is not None:
            covered[f"material {index}"] = slot.material
        slot.material = material
    material[_COVERED] = covered


def _uncover(material: bpy.types.Material) -> None:
    covered = material[_COVERED]
    for target in bpy.data.objects:
        for index, slot in enumerate(target.material_slots):
            if slot.link == "OBJECT" and slot.material == material:
                slot.material = covered.get(f"material {index}")
                slot.link = covered.get(f"link {index}", "DATA")
    mesh = covered.get("mesh")
    if mesh is None:
        return
    if covered["added_slot"] and len(mesh.materials) == 1 and mesh.materials[0] is None:
        mesh.materials.pop()
    if covered["added_uv_map"] and (layer := mesh.uv_layers.get(covered["added_uv_map"])):
        mesh.uv_layers.remove(layer)
