# SPDX-License-Identifier: GPL-3.0-or-later
"""One path for one file: what Blender makes relative comes back as ``/here/there/../../x.png``."""

from __future__ import annotations

import os
from pathlib import Path

import bpy


def plain(path: Path) -> Path:
    """``path`` without ``..``, unless that is another file: after a link to a folder, ``..`` is not the way back."""
    shorter = Path(os.path.normpath(path))
    if ".." not in path.parts:
        return shorter
    try:
        return shorter if path.samefile(shorter) else path
    except OSError:
        return path if path.exists() else shorter


def file_of(image: bpy.types.Image | None) -> Path | None:
    """The file that an image is from; ``None`` for one that is from none."""
    if image is None or image.source not in {"FILE", "MOVIE"} or not image.filepath:
        return None
    return plain(Path(bpy.path.abspath(image.filepath, library=image.library)))
