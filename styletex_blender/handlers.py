# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps undo, saving and loading safe while a job runs.

Undo restores a snapshot by exchanging only what differs between two snapshots. Anything that was changed since
without a snapshot would stay, and could point to what is gone; so the preview is taken off first and put back after.
"""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.handlers import persistent

from .scene.preview import hide_previews
from .worker import runner, warm_worker


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
def abandon_run(*_arguments: Any) -> None:
    """After loading a file: the run's objects are gone, and an autosaved file may hold a preview."""
    runner.abandon()
    hide_previews()


_HANDLERS = (
    ("undo_pre", take_preview_off),
    ("redo_pre", take_preview_off),
    ("save_pre", take_preview_off),
    ("undo_post", put_preview_back),
    ("redo_post", put_preview_back),
    ("save_post", put_preview_back),
    ("save_post_fail", put_preview_back),
    ("load_post", abandon_run),
)


def register() -> None:
    """Add the handlers."""
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    """Take them away, cancel the run and end the worker."""
    runner.abandon()
    warm_worker.close()
    for name, handler in reversed(_HANDLERS):
        getattr(bpy.app.handlers, name).remove(handler)
