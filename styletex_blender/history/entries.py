# SPDX-License-Identifier: GPL-3.0-or-later
"""An object's list of results. An image in it is in use, so it is saved with the file; out of it, it goes with the rest
that nobody uses.
"""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

from collections.abc import Sequence

import bpy
from bpy.props import CollectionProperty, PointerProperty
from bpy.types import Image, Object, PropertyGroup

from .record import read_record, was_painted
from .shown import all_images, shown_image


class StyleEntry(PropertyGroup):
    """A picture that a result's style was taken from"""

    image: PointerProperty(type=Image, options={"HIDDEN"})


class HistoryEntry(PropertyGroup):
    """One result"""

    image: PointerProperty(type=Image, options={"HIDDEN"})
    style: PointerProperty(type=Image, options={"HIDDEN"})
    more_styles: CollectionProperty(type=StyleEntry, options={"HIDDEN"})


class ObjectHistory(PropertyGroup):
    """The results of an object, the oldest first"""

    entries: CollectionProperty(type=HistoryEntry, options={"HIDDEN"})
    chosen: PointerProperty(type=Image, options={"HIDDEN"})


def images_of(target: Object) -> list[Image]:
    """The object's results, the newest first."""
    return [entry.image for entry in reversed(target.styletex_history.entries) if entry.image is not None]


def styles_of(target: Object, image: Image) -> tuple[Image | None, ...]:
    """The style images that a result was made with, each ``None`` where it is not in the file any more."""
    for entry in target.styletex_history.entries:
        if entry.image == image:
            return (entry.style, *(one.image for one in entry.more_styles))
    return ()


def chosen_image(target: Object) -> Image | None:
    """The result that is chosen in the panel: the last one that was shown, or what the object shows."""
    chosen, images = target.styletex_history.chosen, images_of(target)
    if chosen is not None and chosen in images:
        return chosen
    shown = shown_image(target)
    return shown if shown in images else next(iter(images), None)


def has_of_group(target: Object, group: str) -> bool:
    """Whether one of the variations of a group is among the object's results already."""
    records = (read_record(image) for image in images_of(target))
    return any(record is not None and record.group == group for record in records)


def add(target: Object, image: Image, styles: Sequence[Image | None] = ()) -> None:
    """Put a result with its style images at the end of the object's list, if it is not in it."""
    if image in images_of(target):
        return
    entry = target.styletex_history.entries.add()
    entry.image, entry.style = image, next(iter(styles), None)
    for picture in styles[1:]:
        entry.more_styles.add().image = picture


def present_images(target: Object) -> list[Image]:
    """What is applied to an object, and what it shows, without what is from another file."""
    return [image for image in all_images(target) if not image.library]


def forget(target: Object, images: list[Image]) -> None:
    """Take results off the object's list, and out of the file where nothing else uses them.

    What the object shows, and what is applied to it, stays in the file anyway.
    """
    history = target.styletex_history
    for index in reversed(range(len(history.entries))):
        if history.entries[index].image is None or history.entries[index].image in images:
            history.entries.remove(index)
    if history.chosen in images:
        history.chosen = None
    for image in images:
        if not _is_used(image):
            bpy.data.images.remove(image)


def trim(target: Object, most: int) -> None:
    """Forget the oldest results until there are ``most``; never what is applied or shown, or was painted on."""
    images = images_of(target)
    loose = [image for image in _loose(target) if not was_painted(image)]
    forget(target, loose[: max(0, len(images) - most)])


def clean_up(target: Object) -> int:
    """Forget all results but what is applied or shown; returns how many."""
    before = len(images_of(target))
    forget(target, _loose(target))
    return before - len(images_of(target))


def _loose(target: Object) -> list[Image]:
    """The results that are neither applied nor shown, the oldest first."""
    held = all_images(target)
    return [image for image in reversed(images_of(target)) if image not in held]


def size_of(image: Image) -> int:
    """Bytes that a result takes in the .blend file; 0 for one beside it."""
    return sum(packed.packed_file.size for packed in image.packed_files)


def _is_used(image: Image) -> bool:
    """Whether anything but an editor, or the choice in the panel, uses an image."""
    if image.use_fake_user:
        return True
    users = bpy.data.user_map(subset={image})[image]
    return any(_needs(user, image) for user in users)


def _needs(user: bpy.types.ID, image: Image) -> bool:
    if isinstance(user, Object):
        entries = user.styletex_history.entries
        return any(image in (entry.image, entry.style, *(one.image for one in entry.more_styles)) for entry in entries)
    return not isinstance(user, bpy.types.Screen | bpy.types.WorkSpace | bpy.types.WindowManager)


def register() -> None:
    """Add ``object.styletex_history``."""
    bpy.utils.register_class(StyleEntry)
    bpy.utils.register_class(HistoryEntry)
    bpy.utils.register_class(ObjectHistory)
    Object.styletex_history = PointerProperty(type=ObjectHistory, options={"HIDDEN"})


def unregister() -> None:
    """Take it away."""
    del Object.styletex_history
    bpy.utils.unregister_class(ObjectHistory)
    bpy.utils.unregister_class(HistoryEntry)
    bpy.utils.unregister_class(StyleEntry)
