# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps undo, saving, rendering and loading safe while a job runs.

Undo restores a snapshot by exchanging only what differs between two snapshots. Anything that was changed since
without a snapshot would stay, and could point to what is gone; so the preview is taken off first and put back after.
A render and a bake see the objects as the artist left them, for as long as they last.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import bpy
from bpy.app.handlers import persistent

from .farm import watching
from .reopening import reopen_queue
from .scene.preview import hide_previews, is_shown
from .worker import runner, warm_worker
from .worker.queue import records

_LONGEST_WAIT = 5.0
"""How long a render waits for the main thread to take the preview off, in seconds."""


@persistent
def take_preview_off(*_arguments: Any) -> None:
    """Before undo, redo and saving: the file is as if there were no preview."""
    hide_previews()


@persistent
def put_preview_back(*_arguments: Any) -> None:
    """After undo, redo and saving: drop a preview that came out of the snapshot, and show the current one."""
    hide_previews()
    runner.show_last_frame()


@persistent
def take_preview_off_for_render(*_arguments: Any) -> None:
    """Before a render or a bake.

    A render in the background of a window calls this in its own thread, where Blender's data must not be changed: the
    runner's timer takes the preview off as soon as a render is going on, and this waits for it.
    """
    if threading.current_thread() is threading.main_thread():
        hide_previews()
        return
    end = time.monotonic() + _LONGEST_WAIT
    while is_shown() and time.monotonic() < end:
        time.sleep(0.01)


@persistent
def put_preview_back_after_render(*_arguments: Any) -> None:
    """After a render in the main thread; after another one the runner's timer does it."""
    if threading.current_thread() is threading.main_thread():
        runner.show_last_frame()


@persistent
def look_again(_scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Blender has evaluated what changed."""
    runner.note_updates(depsgraph)


@persistent
def abandon_run(*_arguments: Any) -> None:
    """After loading a file: the run's objects are gone, and an autosaved file may hold a preview.

    What the file's queue held when it was closed is taken up again, paused; in the background nobody asked for that.
    """
    runner.abandon()
    hide_previews()
    watching.end()
    if not bpy.app.background:
        reopen_queue()
        watching.begin()


@persistent
def note_queue(*_arguments: Any) -> None:
    """After saving: objects are called in the file as they are now, and it may be another file."""
    if (run := runner.unfinished()) is not None:
        records.note_saved(run)
    watching.note_saved()


_HANDLERS = (
    ("undo_pre", take_preview_off),
    ("redo_pre", take_preview_off),
    ("save_pre", take_preview_off),
    ("undo_post", put_preview_back),
    ("redo_post", put_preview_back),
    ("save_post", put_preview_back),
    ("save_post", note_queue),
    ("save_post_fail", put_preview_back),
    ("render_init", take_preview_off_for_render),
    ("object_bake_pre", take_preview_off_for_render),
    ("render_complete", put_preview_back_after_render),
    ("render_cancel", put_preview_back_after_render),
    ("object_bake_complete", put_preview_back_after_render),
    ("object_bake_cancel", put_preview_back_after_render),
    ("depsgraph_update_post", look_again),
    ("load_post", abandon_run),
    # From Blender 4.3: what is appended or pasted may wear a preview.
    *((("blend_import_post", put_preview_back),) if hasattr(bpy.app.handlers, "blend_import_post") else ()),
)


def register() -> None:
    """Add the handlers."""
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)
    if not bpy.app.background:
        # While add-ons are enabled at the start there is no file yet.
        bpy.app.timers.register(_reopen_queue, first_interval=0.0)


def _reopen_queue() -> None:
    """A timer, once: the add-on may have been enabled after the file was opened."""
    reopen_queue()
    watching.begin()


def unregister() -> None:
    """Take them away, cancel the run and end the worker."""
    if bpy.app.timers.is_registered(_reopen_queue):
        bpy.app.timers.unregister(_reopen_queue)
    watching.end()
    runner.abandon()
    warm_worker.close()
    for name, handler in reversed(_HANDLERS):
        # Another add-on may have cleared them all.
        if handler in (handlers := getattr(bpy.app.handlers, name)):
            handlers.remove(handler)
