# SPDX-License-Identifier: GPL-3.0-or-later
"""Thumbnails of pictures, as numbers of Blender's icons. Blender draws them beside its other work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy.utils.previews

_previews: Any = None


def icon_of(path: Path) -> int:
    """The icon that shows the picture; 0 where Blender has none for it."""
    global _previews
    if _previews is None:
        _previews = bpy.utils.previews.new()
    name = str(path)
    if name not in _previews:
        _previews.load(name, name, "IMAGE")
    return _previews[name].icon_id


def forget() -> None:
    """Free them."""
    global _previews
    if _previews is not None:
        bpy.utils.previews.remove(_previews)
        _previews = None
