# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies a result of an object's history to it again."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

from ...core.job import JobError
from ..history import entries, shown
from ..history.record import read_record
from ..scene.image import missing_file
from ..scene.material import apply_texture
from ..scene.materials.taking_back import taken_back_on_failure
from ..scene.preview import hide_previews
from .changes import ObjectState, changes_since, uv_map_now


def put_back(target: bpy.types.Object, image: bpy.types.Image, linked: Sequence[bpy.types.Object] = ()) -> None:
    """Apply a result to an object; its other results stay in its history. No step of undo is pushed.

    Args:
        target: a mesh object.
        image: one of its results.
        linked: objects with the same mesh, which get the same materials.

    Raises:
        JobError: ``bad_mesh``: it was made for other faces, or for another UV map; ``bad_image``: its file is gone.
            Nothing has changed then.
    """
    uv_map = map_for(target, image)
    hide_previews()
    for earlier in entries.present_images(target):
        entries.add(target, earlier)
    record = read_record(image)
    wishes = record.settings if record is not None else {}
    material, relief = str(wishes.get("material", "keep")), wishes.get("relief")
    with taken_back_on_failure([target, *linked]):
        apply_texture(target, image, uv_map, linked, material, relief, slot_of(image))
    for each in (target, *linked):
        shown.apply_shown(each)


def slot_of(image: bpy.types.Image) -> int:
    """Number of the material slot that a result alone is for, from 1; 0 for all."""
    record = read_record(image)
    return 0 if record is None else ObjectState.from_dict(record.state).slot


def map_for(target: bpy.types.Object, image: bpy.types.Image) -> str:
    """Name of the UV map that a result is shown by.

    Raises:
        JobError: ``bad_mesh``: the result does not fit the object as it is; ``bad_image``: its file is gone.
    """
    check_file(image)
    record = read_record(image)
    if record is None:
        # An older StyleTex made it, or the artist put it there: nothing is known but where it would go today.
        layers = target.data.uv_layers
        if layers.active is None:
            raise JobError("bad_mesh", "The object has no UV map to show this by", "Give it one")
        return layers.active.name
    before = ObjectState.from_dict(record.state)
    if problem := changes_since(before, target, with_pixels=False).unfit:
        raise JobError("bad_mesh", f"This was made before {problem}", "Undo that, or stylize again")
    return uv_map_now(before, target) or before.uv_map


def check_file(image: bpy.types.Image) -> None:
    """Whether there is anything to see of a result.

    Raises:
        JobError: ``bad_image``: its file is gone.
    """
    if (gone := missing_file(image)) is not None:
        text = f"Its file {gone.name} is not there any more: {gone}"
        raise JobError("bad_image", text, "Find it with File > External Data, or press Make Again")
