# SPDX-License-Identifier: GPL-3.0-or-later
"""Why Stylize Texture cannot be used now, in words: for the button's tooltip and for the line below it."""

from __future__ import annotations

import bpy

from ...core.job import JobError
from ..install import installer
from ..scene.image import check_destination
from ..worker import runner
from ..worker.environment import worker_command

INSTALLING = "The worker's environment is being changed: see the preferences"
"""Why nothing can be made while the installer runs."""


def selected_meshes(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The selected mesh objects, the active one first."""
    meshes = [found for found in context.selected_objects if found.type == "MESH"]
    return sorted(meshes, key=lambda found: found != context.view_layer.objects.active)


def why_not(context: bpy.types.Context, objects_needed: bool = True) -> str:
    """What the user has to do first, as a sentence without a full stop, or nothing.

    Args:
        context: of the button.
        objects_needed: whether it is for the selected objects.
    """
    settings = context.scene.styletex
    if runner.running() is not None:
        return "A texture is being made: wait for it, or cancel it"
    if reason := why_no_worker():
        return reason
    if context.mode != "OBJECT":
        return "Switch to Object Mode"
    if objects_needed and not selected_meshes(context):
        if any(found.instance_collection is not None for found in context.selected_objects):
            return "Make the collection instance real first: Object > Apply > Make Instances Real"
        return "Select at least one mesh object"
    if settings.style_image is None:
        return "Choose a style image"
    if not settings.prompt.strip():
        return "Describe the object in a few words"
    try:
        check_destination(settings.destination)
    except JobError as error:
        return f"{error.message}. {error.hint}"
    return ""


def why_no_worker() -> str:
    """What is amiss with the worker's environment and is mended in the preferences, or nothing."""
    installing = installer.running()
    if installing is not None and installing.changes:
        return INSTALLING
    try:
        worker_command()
    except JobError as error:
        return f"{error.message}. {error.hint}"
    return ""
