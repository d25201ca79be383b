# SPDX-License-Identifier: GPL-3.0-or-later
"""The texture so far, shown on the object while a job runs, without leaving a trace.

Blender's undo takes snapshots of the whole file whenever the user does something, and the file may be saved at any
time; a preview that is on the object at that moment gets into them. Two things keep that harmless. The preview is
taken off around undo, redo, saving and rendering (``handlers``), so those see the file as if there were none. And each
of the preview's materials remembers what it covers, in its own custom properties, so that a preview that comes out of
a snapshot or an autosave can be taken off without knowing anything else.

The preview sits in object-linked slots: the mesh, which other objects may share, keeps its materials. Slots that held
the same get the same preview material, so that what comes back does not depend on the order of the slots, which the
artist may change meanwhile.

The artist may delete a preview's material, or take it out of its slot: then that memory is gone or out of place, and
what was covered comes back by what this module remembers.

It is a plain material, also where the texture will go into a copy of the artist's: what is changed in the nodes of a
preview is lost with it, and in nodes that look like their own people would change something.

The image reads its pixels from a file. Pixels that were set from Python would count as unsaved work when Blender quits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from .material import new_material
from .materials.nodes import texture_node
from .uv import add_uv_map

PREVIEW_NAME = "StyleTex Preview"
"""Name of the preview's material and image; the image is one and the same for all frames."""
_COVERED, _OURS = "styletex_covered", "styletex_preview"


@dataclass(frozen=True)
class _Worn:
    """What an object that wears a preview had, without datablocks, which undo frees."""

    slots: tuple[tuple[str, int], ...]
    """Of each slot: its link, and the ``session_uid`` of the material linked to the object in it, 0 for none."""
    added_slot: bool
    """Whether the slot was made for the preview."""
    added_uv_map: str
    """Name of the UV map that was; empty for none."""


_worn: dict[int, _Worn] = {}
"""By the ``session_uid`` of objects."""


def show_preview(
    target: bpy.types.Object, frame: Path, uv_map: str, new_uvs: np.ndarray | None, extent: int = 1
) -> None:
    """Show a frame on the object, or the next one where there is one already.

    Args:
        target: the object.
        frame: its file.
        uv_map: name of the UV map that it is for.
        new_uvs: coordinates of that map where the mesh does not have it yet; then it may not be in Edit Mode.
        extent: the frame is of the UVs from 0 to this: with UDIM, of all tiles.

    Raises:
        RuntimeError: Blender cannot read it.
        JobError: ``bad_mesh``, see ``add_uv_map``.
    """
    image = _show_frame(frame)
    if not any(True for _ in _covers(target)):
        hide_materials()
        _cover(target, image, uv_map, new_uvs, extent)
    # In Edit Mode the mesh's own drawing is kept until something says that the image is another.
    image.update_tag()
    for material in _covers(target):
        # The artist may have removed the image.
        if (node := texture_node(material)) is not None and node.image != image:
            node.image = image
        material.update_tag()


def is_shown() -> bool:
    """Whether there is a preview anywhere."""
    return any(_COVERED in material for material in bpy.data.materials)


def hide_previews() -> None:
    """Take every preview off, wherever it is, and remove its datablocks; does nothing when there is none."""
    hide_materials()
    if (image := _image()) is not None:
        bpy.data.images.remove(image)


def hide_materials() -> None:
    """Take every preview off and leave the image."""
    for material in [found for found in bpy.data.materials if _COVERED in found]:
        _uncover(material)
        bpy.data.materials.remove(material)
    for target in [found for found in bpy.data.objects if found.session_uid in _worn]:
        _fill_emptied(target, _worn[target.session_uid])
    _worn.clear()


def materials_below(target: bpy.types.Object) -> list[bpy.types.Material | None]:
    """What is in the object's slots, or would be without the preview."""
    below = []
    emptied = _emptied(target)
    for index, slot in enumerate(target.material_slots):
        if index in emptied:
            link, uid = emptied[index]
            if not _worn[target.session_uid].added_slot:
                below.append(_material_with(uid) if link == "OBJECT" else target.data.materials[index])
            continue
        if slot.material is None or _COVERED not in slot.material:
            below.append(slot.material)
            continue
        covered = slot.material[_COVERED]
        if covered["added_slot"]:
            continue
        below.append(covered.get("material") if covered["link"] == "OBJECT" else target.data.materials[index])
    return below


def _show_frame(frame: Path) -> bpy.types.Image:
    image = _image()
    if image is None:
        image = bpy.data.images.load(str(frame))
        image.name, image[_OURS] = PREVIEW_NAME, True
    else:
        image.reload()
    return image


def _image() -> bpy.types.Image | None:
    """The preview's; one that merely has its name is the artist's."""
    return next((image for image in bpy.data.images if _OURS in image and image.library is None), None)


def _covers(target: bpy.types.Object) -> Iterator[bpy.types.Material]:
    for slot in target.material_slots:
        if slot.material is not None and _COVERED in slot.material:
            yield slot.material


def _cover(
    target: bpy.types.Object, image: bpy.types.Image, uv_map: str, new_uvs: np.ndarray | None, extent: int
) -> None:
    mesh = target.data
    memory: dict[str, object] = {"mesh": mesh, "added_slot": not target.material_slots, "added_uv_map": ""}
    if new_uvs is not None:
        uv_map, added = add_uv_map(mesh, uv_map, new_uvs)
        memory["added_uv_map"] = uv_map if added else ""
    if memory["added_slot"]:
        mesh.materials.append(None)
    previews: dict[tuple[str, int], bpy.types.Material] = {}
    slots: list[tuple[str, int]] = []
    for slot in target.material_slots:
        link, slot.link = slot.link, "OBJECT"
        own = slot.material
        key = (link, own.session_uid if own is not None else 0)
        slots.append(key)
        if key not in previews:
            previews[key] = new_material(PREVIEW_NAME, image, uv_map, extent)
            previews[key][_COVERED] = {**memory, "link": link, **({"material": own} if own is not None else {})}
        slot.material = previews[key]
    _worn[target.session_uid] = _Worn(tuple(slots), bool(memory["added_slot"]), str(memory["added_uv_map"]))


def _emptied(target: bpy.types.Object) -> dict[int, tuple[str, int]]:
    """The slots that the artist took the preview out of: by their indices, their links and materials from before."""
    worn = _worn.get(target.session_uid)
    if worn is None or len(worn.slots) != len(target.material_slots):
        return {}
    return {
        index: worn.slots[index]
        for index, slot in enumerate(target.material_slots)
        if slot.link == "OBJECT" and slot.material is None
    }


def _fill_emptied(target: bpy.types.Object, worn: _Worn) -> None:
    for index, (link, uid) in _emptied(target).items():
        slot = target.material_slots[index]
        slot.material = _material_with(uid)
        slot.link = link
    if target.type == "MESH":
        _take_back(target.data, worn.added_slot, worn.added_uv_map)


def _material_with(uid: int) -> bpy.types.Material | None:
    return next((found for found in bpy.data.materials if found.session_uid == uid), None) if uid else None


def _uncover(material: bpy.types.Material) -> None:
    covered = material[_COVERED]
    for target in bpy.data.objects:
        for slot in target.material_slots:
            if slot.link == "OBJECT" and slot.material == material:
                slot.material = covered.get("material")
                slot.link = covered["link"]
    mesh = covered.get("mesh")
    if mesh is None:
        return
    _take_back(mesh, covered["added_slot"], covered["added_uv_map"])


def _take_back(mesh: bpy.types.Mesh, added_slot: bool, added_uv_map: str) -> None:
    if added_slot and len(mesh.materials) == 1 and mesh.materials[0] is None:
        # Taken out one by one, the object would keep the slot.
        mesh.materials.clear()
    if added_uv_map and (layer := mesh.uv_layers.get(added_uv_map)):
        mesh.uv_layers.remove(layer)
