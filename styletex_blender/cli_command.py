# SPDX-License-Identifier: GPL-3.0-or-later
"""``blender -c styletex SCENE.blend --style IMAGE …``: ``headless`` as a command of Blender.

``blender -c help`` lists it, and ``blender -c styletex --help`` tells its options.
"""

from __future__ import annotations

from typing import Any

import bpy

from . import headless

_command: Any = None


def register() -> None:
    """Add the command."""
    global _command
    _command = bpy.utils.register_cli_command("styletex", headless.command)


def unregister() -> None:
    """Take it away."""
    global _command
    bpy.utils.unregister_cli_command(_command)
    _command = None
