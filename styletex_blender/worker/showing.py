# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frame is on the object now: the newest, unless something else is to see the object as the artist left it."""

from __future__ import annotations

import traceback
from typing import Any

import bpy

from ..landing.moment import is_exporting, is_rendering, what_is_going_on, where_uv_maps_wait
from ..scene.image import take_frame_file
from ..scene.preview import hide_materials, hide_previews, is_shown, show_preview
from . import warm_worker
from .run_state import Run

_drawn: tuple[tuple[object, ...], tuple[object, ...]] = ((), ())


def take_frame(run: Run, event: dict[str, Any]) -> None:
    """Take the frame of an event and show it. One that cannot be read or shown is a warning, and the job goes on."""
    try:
        run.frame, run.frame_extent = take_frame_file(event), event["extent"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        _warn(run, f"A picture of the texture so far could not be read ({type(error).__name__})")
        return
    if _may_show(run):
        show(run)


def show(run: Run) -> None:
    """Put the last frame on the object that is being worked on."""
    target = run.task.target()
    if run.frame is None or target is None:
        return
    try:
        show_preview(target, run.frame, run.task.uv_map, run.task.new_uvs, run.frame_extent)
    except Exception as error:
        hide_previews()
        _warn(run, f"The texture so far could not be shown ({error})")
        run.frame = None


def keep_up(run: Run) -> None:
    """Take the preview off where it may not be, and put it back where it may; called often."""
    if run.frame is None or run.stops_this:
        return
    if _may_show(run):
        if not is_shown():
            show(run)
    elif is_shown() and not ((_waits_for_object_mode(run) or _is_painted(run)) and what_is_going_on()):
        hide_materials()


def _may_show(run: Run) -> bool:
    target = run.task.target()
    if target is None or target.type != "MESH" or run.stops_this or run.changes.unfit or run.changes.replaced:
        return False
    return not (_waits_for_object_mode(run) or _is_painted(run) or is_rendering() or is_exporting())


def _waits_for_object_mode(run: Run) -> bool:
    """Whether the preview has a UV map of its own and its mesh is being edited."""
    target = run.task.target()
    return run.task.new_uvs is not None and target is not None and bool(where_uv_maps_wait(target))


def _is_painted(run: Run) -> bool:
    """Whether strokes go onto the object's images; on the preview they would be lost with the next frame."""
    target = run.task.target()
    return target is not None and target.mode == "TEXTURE_PAINT"


def _warn(run: Run, text: str) -> None:
    text = f"{run.task.object_name}: {text}"
    if text not in run.warnings:
        warm_worker.note(f"{text}\n{traceback.format_exc()}")
        run.warn(text)


def redraw_what_changed(run: Run | None) -> None:
    """Redraw the sidebar when its words changed, and the view when a frame came: drawing is what costs here."""
    global _drawn
    if run is None:
        return
    words = (
        run.index,
        run.stage,
        run.step,
        run.stops_this,
        run.wants_finish,
        run.wants_pause,
        run.paused,
        run.finished,
    )
    words += (len(run.tasks), len(run.done), run.changes, len(run.warnings), run.waits_for, run.frame is None)
    view = (run.frames_shown, run.finished)
    old_words, old_view = _drawn
    _drawn = (words, view)
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D" and view != old_view:
                area.tag_redraw()
            elif area.type == "VIEW_3D" and words != old_words:
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
