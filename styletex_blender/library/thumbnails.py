# SPDX-License-Identifier: GPL-3.0-or-later
"""Thumbnails of pictures, as numbers of Blender's icons. Blender draws them beside its other work.

Those that Blender keeps with an image itself are of no use here: it goes on drawing them while the image is deleted,
and dies of it. These know files alone.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import bpy
import bpy.utils.previews

from ..history.record import THUMBNAIL
from .paths import file_of

_previews: Any = None


def icon_of(path: Path) -> int:
    """The icon that shows the picture; 0 where Blender has none for it."""
    global _previews
    if _previews is None:
        _previews = bpy.utils.previews.new()
    name = str(path)
    if name not in _previews:
        # Blender takes GIFs for films.
        _previews.load(name, name, "MOVIE" if path.suffix.lower() == ".gif" else "IMAGE")
    return _previews[name].icon_id


def icon_of_image(image: bpy.types.Image) -> int:
    """The icon that shows an image of the file: a result by its thumbnail, another one by its file, wherever that is; 0
    for one that was never in a file.
    """
    thumbnail = image.get(THUMBNAIL)
    if isinstance(thumbnail, bytes):
        return icon_of(_written(hashlib.sha256(thumbnail).hexdigest()[:32], thumbnail))
    if image.packed_file:
        packed = image.packed_file
        return icon_of(_written(f"{image.session_uid}_{packed.size}", packed))
    path = file_of(image)
    return icon_of(path) if path is not None else 0


def _written(name: str, content: bytes | bpy.types.PackedFile) -> Path:
    """A file of Blender's session with this content, written once."""
    path = Path(bpy.app.tempdir) / f"styletex_thumbnail_{name}"
    if not path.exists():
        path.write_bytes(content if isinstance(content, bytes) else content.data)
    return path


def forget() -> None:
    """Free them."""
    global _previews
    if _previews is not None:
        bpy.utils.previews.remove(_previews)
        _previews = None
