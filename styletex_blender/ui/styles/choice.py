# SPDX-License-Identifier: GPL-3.0-or-later
"""The style image as a choice among thumbnails, for the scene's settings and for those of an object."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

import time
from pathlib import Path
from typing import Any

import bpy
from bpy.props import EnumProperty, PointerProperty, StringProperty
from bpy.types import Context, Image

from ...library import recent
from ...library.paths import file_of
from ...library.pictures import Picture, own_folder, picture_at, pictures
from ...library.readable import problem_of
from ...library.thumbnails import icon_of, icon_of_image
from ...names import name_of
from ...translation.translate import _

_ANOTHER = 0
"""Number of the item for a picture that is not among the thumbnails, or for none."""
_ANOTHERS_NAME = "another"
"""Blender draws nothing for an item whose identifier is empty."""
_NO_PICTURE: int = bpy.types.UILayout.bl_rna.functions["prop"].parameters["icon"].enum_items["IMAGE_DATA"].value
"""The icon where there is none."""
_SECONDS_BETWEEN_LOOKS = 0.5
_looked: tuple[float, tuple[Path | None, int], list[Picture]] = (-_SECONDS_BETWEEN_LOOKS, (None, 0), [])
"""When it was, in which folder and after how many uses, and what there was."""
_items: list[tuple[str, str, str, int, int]] = []
"""Blender does not keep the texts of items alive."""


def is_picture(_settings: Any, image: Image) -> bool:
    """Whether an image can be a style image: render results and viewers cannot."""
    # Blender takes GIFs for films.
    is_gif = image.source == "MOVIE" and image.filepath.lower().endswith(".gif")
    return image.type not in {"RENDER_RESULT", "COMPOSITING"} and (image.source in {"FILE", "GENERATED"} or is_gif)


def choose(settings: Any, picture: Picture) -> None:
    """Make a picture the style image; what is known of what it shows becomes the words for that.

    Raises:
        RuntimeError: Blender cannot read it; nothing has changed then.
    """
    settings.style_image = loaded(picture)


def loaded(picture: Picture) -> Image:
    """The image of a picture, once in the file.

    Raises:
        RuntimeError: Blender cannot read it.
    """
    image = image_of(picture.path) or bpy.data.images.load(str(picture.path))
    if picture.is_sample and not image.packed_file:
        # The extension's folder is no place that a file should depend on.
        image.pack()
    return image


def image_of(path: Path) -> Image | None:
    """The image of this file that there is already. Blender's own search misses it where its path is relative."""
    return next((image for image in bpy.data.images if file_of(image) == path), None)


def _fill_in_words(settings: Any, _context: Context | None) -> None:
    """With another picture, the words that StyleTex filled in go; what the artist wrote stays."""
    if settings.content not in ("", settings.content_filled_in):
        return
    settings.content_filled_in = _known_words(settings)
    settings.content = settings.content_filled_in


def _recognize_words(settings: Any, _context: Context | None) -> None:
    """Words that are those of the picture are no work of the artist's, whoever put them there."""
    if settings.content and settings.content == _known_words(settings):
        settings.content_filled_in = settings.content


def _known_words(settings: Any) -> str:
    path = file_of(settings.style_image)
    return picture_at(path).content if path is not None else ""


def _offered() -> list[Picture]:
    """All pictures, looked for at most twice a second: each drawing of a panel asks several times."""
    global _looked
    where = (own_folder(), recent.remembered)
    if time.monotonic() > _looked[0] + _SECONDS_BETWEEN_LOOKS or _looked[1] != where:
        _looked = (time.monotonic(), where, pictures())
    return _looked[2]


def _choices(settings: Any, _context: Context | None) -> list[tuple[str, str, str, int, int]]:
    global _items
    items = [
        (str(picture.path), picture.title, picture.about, icon_of(picture.path), number)
        for number, picture in enumerate(_offered(), _ANOTHER + 1)
    ]
    if _number(settings) == _ANOTHER:
        image = settings.style_image
        name = name_of(image) if image is not None else _("Choose a Style")
        icon = (icon_of_image(image) if image is not None and problem_of(image) is None else 0) or _NO_PICTURE
        items.insert(0, (_ANOTHERS_NAME, name, _("A picture that is not among the thumbnails"), icon, _ANOTHER))
    _items = items
    return items


def _number(settings: Any) -> int:
    path = file_of(settings.style_image)
    return next((number for number, known in enumerate(_offered(), _ANOTHER + 1) if known.path == path), _ANOTHER)


def _choose_number(settings: Any, number: int) -> None:
    if number != _ANOTHER:
        choose(settings, _offered()[number - _ANOTHER - 1])


class StyleChoice:
    """Beside ``bpy.types.PropertyGroup``: a style image and what it shows."""

    style_image: PointerProperty(
        type=Image,
        name="Style Image",
        description="The picture whose style the texture takes on: its colors, strokes and patterns",
        poll=is_picture,
        update=_fill_in_words,
    )
    content: StringProperty(
        name="Shown",
        description=(
            'What the style image shows, in a few words: "a woman\'s face". It is kept out of the texture. '
            "Leave it empty for a picture of nothing but pattern"
        ),
        update=_recognize_words,
    )
    content_filled_in: StringProperty(
        name="Shown, as Filled In",
        description="What StyleTex knew of the style image; when that changes, these words go",
        options={"HIDDEN"},
    )
    style_choice: EnumProperty(
        name="Styles",
        description="Sample pictures, those of your own folder, and those last used: click one to take its style",
        items=_choices,
        get=_number,
        set=_choose_number,
        options={"SKIP_SAVE"},
    )


def choose_file(settings: Any, path: Path) -> None:
    """Make a file the style image; see ``choose``."""
    choose(settings, picture_at(path))
