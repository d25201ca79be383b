# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a finished texture on its object as one undo step, or leaves everything as it was and says why."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Sequence
from dataclasses import replace

import bpy

from ...core.job import JobError
from ..folders.kept import KeptTexture
from ..history import entries, shown
from ..history.record import Record, finished, write_record
from ..names import name_of, readable
from ..scene.image import check_destination, load_texture
from ..scene.material import apply_texture, texture_name
from ..scene.materials.surface import images_without_uv_node
from ..scene.materials.taking_back import taken_back_on_failure
from ..scene.preview import hide_previews
from ..scene.uv import add_uv_map
from .changes import Changes, ObjectState, changes_since, uv_map_now

UNDO_MESSAGE = "Stylize Texture"
"""Name of the undo step of a finished texture."""
VARIATION_MESSAGE = "Add Variation"
"""Name of the undo step of one that joins the object's history alone."""


def land(
    target: bpy.types.Object,
    kept: KeptTexture,
    destination: str,
    over_changes: bool = False,
    linked: Sequence[bpy.types.Object] = (),
    applies: bool = True,
    warnings: list[str] | None = None,
) -> bpy.types.Image:
    """Put a kept texture on an object, and into its history.

    Args:
        target: a mesh object; if it has to be given a UV map, not in Edit Mode.
        kept: the texture, which stays where it is.
        destination: "packed" or "beside".
        over_changes: also where the material slots hold something else than when the job began, or the texture that a
            part goes into was changed.
        linked: objects with the same mesh, which get the texture too, and the same result in their history; those that
            have another mesh by now do not.
        applies: whether the object is to show it; if not, it joins the history alone.
        warnings: what the user should know is added to them.

    Raises:
        JobError: why it cannot be done; nothing has changed then.
    """
    hide_previews()
    before = ObjectState.from_dict(kept.landing.state)
    changes = changes_since(before, target)
    if problem := changes.unfit or ("" if over_changes or not applies else changes.replaced or changes.painted):
        raise JobError("bad_mesh", f"While its texture was being made, {problem}", _way_on(changes))
    try:
        together = [target, *(other for other in linked if other.data == target.data)]
        image, told = _land(together, kept, destination, before, applies)
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
    if warnings is not None:
        warnings += told
    return image


def _way_on(changes: Changes) -> str:
    if changes.unfit:
        return "Stylize again; or undo the change, then press Apply"
    if changes.painted:
        return "Stylize again to go on from that; or press Apply for the texture without it"
    return "Press Apply to put the texture there all the same"


def _land(
    together: Sequence[bpy.types.Object],
    kept: KeptTexture,
    destination: str,
    before: ObjectState,
    applies: bool,
) -> tuple[bpy.types.Image, list[str]]:
    check_destination(destination)
    target, *linked = together
    mesh, new_uvs, landing = target.data, kept.landing.new_uvs, kept.landing
    earlier = entries.present_images(target) if applies else []
    told: list[str] = []
    uv_map, added, image = before.uv_map, False, None
    try:
        if new_uvs is not None:
            uv_map, added = add_uv_map(mesh, before.uv_map, new_uvs)
        else:
            uv_map = uv_map_now(before, target) or before.uv_map
        image = load_texture(kept.picture, texture_name(name_of(target)), destination, kept.tiles)
        styles = _write_record(image, kept, replace(before, uv_map=uv_map, has_uv_map=uv_map in mesh.uv_layers))
        with taken_back_on_failure(together):
            if applies:
                told += apply_texture(target, image, uv_map, linked, landing.material, landing.relief, before.slot)
            if added and len(mesh.uv_layers) == 1:
                told += _of_images_without_uvs(together, uv_map)
    except BaseException:
        if image is not None:
            bpy.data.images.remove(image)
        if added:
            mesh.uv_layers.remove(mesh.uv_layers[uv_map])
        raise
    for each in together:
        for picture in earlier:
            entries.add(each, picture)
        entries.add(each, image, styles)
        if applies:
            shown.apply_shown(each)
            each.styletex_history.chosen = image
        entries.trim(each, bpy.context.scene.styletex.history_limit)
    _push_undo(together if applies else (), image)
    return image, told


def _of_images_without_uvs(objects: Sequence[bpy.types.Object], uv_map: str) -> list[str]:
    """What is to be said of images that had no UV map to lie on, and lie on the mesh's first one now."""
    materials = {slot.material for found in objects for slot in found.material_slots if slot.material is not None}
    names = sorted({name for material in materials for name in images_without_uv_node(material)})
    return [f"The image {name!r} had no UV map to lie on; now it lies on the new one, {uv_map!r}" for name in names]


def _write_record(image: bpy.types.Image, kept: KeptTexture, state: ObjectState) -> list[bpy.types.Image | None]:
    """Note on the image how it was made, as far as that is known; its style images, those that are in the file."""
    if kept.landing.record is None:
        return []
    record = replace(Record.from_dict(kept.landing.record), state=state.to_dict())
    write_record(image, finished(record, kept.folder, kept.made), kept.thumbnail)
    names = [record.settings["style_image"], *(name for name, _ in record.settings.get("more_styles", ()))]
    return [bpy.data.images.get(name) for name in names]


def _push_undo(textured: Sequence[bpy.types.Object], image: bpy.types.Image) -> None:
    """One step: of a texture that is on objects now, or else of a variation beside it."""
    windows = bpy.context.window_manager.windows
    if windows:
        with bpy.context.temp_override(window=windows[0]):
            if bpy.app.background or not textured:
                bpy.ops.ed.undo_push(message=UNDO_MESSAGE if textured else VARIATION_MESSAGE)
            else:
                # An operator's step can be adjusted afterwards (F9); it does nothing else but to be that.
                target, *linked = (found.session_uid for found in textured)
                uids = {"object_uid": target, "linked_uids": " ".join(map(str, linked)), "image_uid": image.session_uid}
                bpy.ops.styletex.adjust("EXEC_DEFAULT", True, **uids)
