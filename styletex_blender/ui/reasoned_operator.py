# SPDX-License-Identifier: GPL-3.0-or-later
"""A button that is grey says why."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from bpy.types import Context


class ReasonedOperator:
    """Beside ``bpy.types.Operator``: its ``poll`` is what ``why_not`` says, which the tooltip shows."""

    poll_message_set: ClassVar[Callable[[str], None]]
    """Blender's."""

    bl_idname: ClassVar[str]
    bl_label: ClassVar[str]

    why_not: ClassVar[Callable[[Context], str]]
    """What keeps it from running, as a sentence without a full stop, or nothing."""

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Whether it can run."""
        if reason := cls.why_not(context):
            cls.poll_message_set(reason)
            return False
        return True
