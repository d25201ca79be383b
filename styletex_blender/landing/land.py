# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a finished texture on its object as one undo step, or leaves everything as it was and says why."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Sequence

import bpy

from ...core.job import JobError
from ..folders.kept import KeptTexture
from ..names import name_of, readable
from ..scene.image import check_destination, load_texture
from ..scene.material import apply_texture, texture_name, texture_node
from ..scene.preview import hide_previews
from ..scene.uv import add_uv_map
from .changes import Changes, ObjectState, changes_since, uv_map_now

UNDO_MESSAGE = "Stylize Texture"
"""Name of the undo step of a finished texture."""


def land(
    target: bpy.types.Object,
    kept: KeptTexture,
    destination: str,
    over_changes: bool = False,
    linked: Sequence[bpy.types.Object] = (),
) -> bpy.types.Image:
    """Put a kept texture on an object.

    Args:
        target: a mesh object; if it has to be given a UV map, not in Edit Mode.
        kept: the texture, which stays where it is.
        destination: "packed" or "beside".
        over_changes: also where the material slots hold something else than when the job began.
        linked: objects with the same mesh, which get the same materials; those that have another mesh by now do not.

    Raises:
        JobError: why it cannot be done; nothing has changed then.
    """
    hide_previews()
    before = ObjectState.from_dict(kept.landing.state)
    changes = changes_since(before, target)
    if problem := changes.unfit or ("" if over_changes else changes.replaced):
        raise JobError("bad_mesh", f"While its texture was being made, {problem}", _way_on(changes))
    try:
        return _land(target, kept, destination, before, [other for other in linked if other.data == target.data])
    except JobError:
        raise
    except OSError as error:
        code = "disk_full" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "bad_setting"
        place = f" as {error.filename2 or error.filename}" if error.filename else ""
        text = f"The texture cannot be saved{place}: {error.strerror or error}"
        raise JobError(code, text, "Make room for it, then press Apply") from error
    except Exception as error:
        raise JobError(
            "internal",
            f"The texture could not be put on the object: {type(error).__name__}: {readable(str(error))}".rstrip(
                ": \n"
            ),
            "Press Apply to try again",
            traceback.format_exc(),
        ) from error


def _way_on(changes: Changes) -> str:
    if changes.unfit:
        return "Stylize again; or undo the change, then press Apply"
    return "Press Apply to put the texture there all the same"


def _land(
    target: bpy.types.Object,
    kept: KeptTexture,
    destination: str,
    before: ObjectState,
    linked: Sequence[bpy.types.Object],
) -> bpy.types.Image:
    check_destination(destination)
    mesh, new_uvs = target.data, kept.landing.new_uvs
    slots = [(slot.link, slot.material) for slot in target.material_slots]
    others = [(other, [(slot.link, slot.material) for slot in other.material_slots]) for other in linked]
    shown = [(node, node.image) for _, material in slots if (node := texture_node(material)) is not None]
    uv_map, added, image = before.uv_map, False, None
    try:
        if new_uvs is not None:
            uv_map, added = add_uv_map(mesh, before.uv_map, new_uvs)
        else:
            uv_map = uv_map_now(before, target) or before.uv_map
        image = load_texture(kept.picture, texture_name(name_of(target)), destination, kept.tiles)
        apply_texture(target, image, uv_map)
        for other in linked:
            for slot, shared in zip(other.material_slots, target.material_slots, strict=True):
                slot.link, slot.material = shared.link, shared.material
    except BaseException:
        if not slots and target.material_slots:
            mesh.materials.clear()
        for changed, before_it in ((target, slots), *others):
            for slot, (link, material) in zip(changed.material_slots, before_it, strict=False):
                slot.link, slot.material = link, material
        for node, picture in shown:
            node.image = picture
        if image is not None:
            bpy.data.images.remove(image)
        if added:
            mesh.uv_layers.remove(mesh.uv_layers[uv_map])
        raise
    _push_undo()
    return image


def _push_undo() -> None:
    windows = bpy.context.window_manager.windows
    if windows:
        with bpy.context.temp_override(window=windows[0]):
            bpy.ops.ed.undo_push(message=UNDO_MESSAGE)
