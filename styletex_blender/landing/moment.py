# SPDX-License-Identifier: GPL-3.0-or-later
"""When Blender can take something new: not in the middle of what the artist is doing, nor during a render."""

from __future__ import annotations

import bpy

_WORKING = frozenset({"UNDO", "UNDO_GROUPED", "BLOCKING"})
"""Options of operators that change something and end soon; add-ons' watchers, which run for ever, have none of them."""
_JOBS = {"RENDER": "the render", "OBJECT_BAKE": "the bake"}


def is_rendering() -> bool:
    """Whether a render or a bake is going on, so that the objects must look as the artist left them."""
    return any(bpy.app.is_job_running(job) for job in _JOBS)


def is_exporting() -> bool:
    """Whether what is shown is about to be written somewhere else: a file is being chosen, or the view is filmed."""
    for window in bpy.context.window_manager.windows:
        if any(operator.bl_idname == "RENDER_OT_opengl" for operator in window.modal_operators):
            return True
        for area in window.screen.areas:
            if area.type == "FILE_BROWSER" and area.spaces.active.active_operator is not None:
                return True
    return False


def what_is_going_on() -> str:
    """What has to end before a step of undo may be made, or nothing: "Move", "the render"."""
    for job, words in _JOBS.items():
        if bpy.app.is_job_running(job):
            return words
    for window in bpy.context.window_manager.windows:
        for operator in window.modal_operators:
            if operator.bl_options & _WORKING:
                return operator.name
    return ""


def where_uv_maps_wait(target: bpy.types.Object) -> str:
    """The mode that keeps the object's mesh from being given a UV map, or nothing.

    Edit Mode and Dynamic Topology work on a copy of the mesh, which they put in its place in the end.
    """
    if target.data.is_editmode:
        return "Edit Mode"
    if target.mode == "SCULPT" and target.use_dynamic_topology_sculpting:
        return "Sculpt Mode"
    return ""
