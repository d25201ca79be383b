# SPDX-License-Identifier: GPL-3.0-or-later
"""Files opened where people can read them: in the system's program for them or, where there is none, in Blender."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import bpy
from bpy.types import Area, Context

_PATIENCE_SECONDS = 3.0
"""A viewer that has not failed by then is taken to show the file."""
_FOREIGN = ("LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH")
"""Variables that are for Blender's own libraries."""


def open_in_system(path: Path) -> bool:
    """Open a file or a folder in the system's program for it; false where there is none or it fails."""
    if sys.platform == "win32":
        try:
            os.startfile(path)
        except OSError:
            return False
        return True
    program = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if program is None:
        return False
    environment = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    quiet = subprocess.DEVNULL
    viewer = subprocess.Popen([program, str(path)], env=environment, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        return viewer.wait(_PATIENCE_SECONDS) == 0
    except subprocess.TimeoutExpired:
        return True


def open_in_blender(context: Context, path: Path, line: int = 0) -> None:
    """Show a text file in the Text Editor that is open, or in a new window.

    Args:
        context: of the button.
        path: of the file; it is read anew when it was shown before.
        line: where the cursor stands, from 0.
    """
    shown = [text for text in bpy.data.texts if text.filepath and Path(bpy.path.abspath(text.filepath)) == path]
    for old in shown:
        bpy.data.texts.remove(old)
    text = bpy.data.texts.load(str(path))
    text.cursor_set(line)
    if bpy.app.background:
        return
    area = _text_editor(context)
    area.spaces.active.text = text
    area.spaces.active.show_word_wrap = True
    area.spaces.active.top = line


def _text_editor(context: Context) -> Area:
    manager = context.window_manager
    for window in manager.windows:
        for area in window.screen.areas:
            if area.type == "TEXT_EDITOR":
                return area
    bpy.ops.wm.window_new()
    area = manager.windows[-1].screen.areas[0]
    area.type = "TEXT_EDITOR"
    return area
