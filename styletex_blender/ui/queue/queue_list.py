# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the queue's list."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.types import Context, UILayout, UIList

from ...names import name_of
from ...translation.translate import _
from ...worker import runner
from ...worker.queue import order
from ...worker.queue.order import State
from ...worker.run_state import Run, Task
from ..panel_text import percent, saved_text

_ICONS = {
    State.WAITING: "SORTTIME",
    State.WORKING: "RENDER_STILL",
    State.PAUSED: "PAUSE",
    State.LANDING: "SORTTIME",
    State.DONE: "CHECKMARK",
    State.FAILED: "ERROR",
    State.CANCELED: "X",
}
_TO_BE_DONE = frozenset({State.WAITING, State.WORKING, State.PAUSED})


class STYLETEX_UL_queue(UIList):
    """A row for each texture: its object, its seed, and how it stands"""

    bl_idname = "STYLETEX_UL_queue"

    def draw_item(
        self, _context: Context, layout: UILayout, _data: Any, item: Any, _icon: int, _active: Any, _name: str
    ) -> None:
        """Draw one row."""
        run = runner.current_run()
        task = order.find(run, item.name) if run is not None else None
        if run is None or task is None:
            return
        state = order.state_of(run, task)
        row = layout.row(align=True)
        row.alert = state is State.FAILED or is_gone(task, state)
        row.active = state is not State.CANCELED
        row.label(text=_named(task), icon=_ICONS[state], translate=False)
        words = row.row()
        words.alignment = "RIGHT"
        words.label(text=f"#{task.settings['seed']}  {_in_short(run, task, state)}".rstrip(), translate=False)


def _named(task: Task) -> str:
    target = task.target()
    name = name_of(target) if target is not None else task.object_name
    return f"{name} +{len(task.linked)}" if task.linked else name


def is_gone(task: Task, state: State) -> bool:
    """Whether a texture is made, or is to be, for an object that is in no scene now."""
    return state in _TO_BE_DONE and task.target() is None


def _in_short(run: Run, task: Task, state: State) -> str:
    """How a task stands, in a word."""
    if is_gone(task, state):
        return _("Object gone")
    if state is State.WORKING:
        return percent(run.fraction) if run.fraction else ""
    if state is State.PAUSED and (saved := saved_text(run, task)):
        return saved
    return _(state.value)


register, unregister = bpy.utils.register_classes_factory((STYLETEX_UL_queue,))
