# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue as Blender data, since Blender's lists show nothing else: a row for each task, in its order.

It lies in the window manager, which undo leaves alone; a row holds the task's key and nothing more.
"""

from __future__ import annotations

import bpy

from ..run_state import Run


def list_tasks(run: Run | None) -> None:
    """Make the rows those of ``run``; the one that is chosen stays chosen."""
    manager = bpy.context.window_manager
    rows = getattr(manager, "styletex_queue", None)
    if rows is None:
        return  # The interface is not there, or no more.
    chosen = chosen_key()
    keys = [task.key for task in run.tasks] if run is not None else []
    if keys != [row.name for row in rows]:
        rows.clear()
        for key in keys:
            rows.add().name = key
        manager.styletex_queue_index = keys.index(chosen) if chosen in keys else 0


def choose(key: str) -> None:
    """Choose the row of a task."""
    manager = bpy.context.window_manager
    for index, row in enumerate(getattr(manager, "styletex_queue", ())):
        if row.name == key:
            manager.styletex_queue_index = index


def chosen_key() -> str:
    """The key of the row that is chosen; empty where there is none."""
    manager = bpy.context.window_manager
    rows, index = manager.styletex_queue, manager.styletex_queue_index
    return rows[index].name if 0 <= index < len(rows) else ""
