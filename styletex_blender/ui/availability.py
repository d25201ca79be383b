# SPDX-License-Identifier: GPL-3.0-or-later
"""Why Stylize Texture cannot be used now, in words: for the button's tooltip and for the line below it."""

from __future__ import annotations

from typing import Any

import bpy

from ...core.job import JobError
from ..api import meshes_of
from ..install import installer
from ..library.readable import problem_of
from ..names import name_of
from ..scene.checks import SURFACES, not_a_mesh
from ..scene.image import check_destination
from ..settings import PROMPT_OPTIONAL
from ..translation.translate import _, said_whole
from ..worker.environment import worker_command

INSTALLING = "What StyleTex computes with is being changed: see the preferences"
"""Why nothing can be made while the installer runs."""


def selected_meshes(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The selected mesh objects, the active one first."""
    meshes = [found for found in context.selected_objects if found.type == "MESH"]
    return sorted(meshes, key=lambda found: found != context.view_layer.objects.active)


def left_out(context: bpy.types.Context) -> list[str]:
    """Of each selected object that has a surface and is no mesh, that it is not textured, and the way out."""
    found = []
    for other in context.selected_objects:
        if other.type != "MESH" and (other.instance_collection is not None or other.type in SURFACES):
            problem = not_a_mesh(other)
            found.append(_("{name} is not textured").format(name=name_of(other)) + f": {said_whole(problem)}")
    return found


def why_not(context: bpy.types.Context, objects_needed: bool = True) -> str:
    """What the user has to do first, as a sentence without a full stop, or nothing.

    Args:
        context: of the button.
        objects_needed: whether it is for the selected objects.
    """
    meshes = selected_meshes(context)
    if objects_needed and (reason := why_not_now(context)):
        return reason
    return why_no_worker() or why_not_these(context, meshes)


def why_not_now(context: bpy.types.Context) -> str:
    """The same as far as no setting can mend it, for callers that give their own."""
    if reason := why_no_worker():
        return reason
    if context.mode == "OBJECT" and not selected_meshes(context):
        if any(found.instance_collection is not None for found in context.selected_objects):
            return _("Make the collection instance real first: Object > Apply > Make Instances Real")
        return _("Select at least one mesh object")
    ready = context.mode == "OBJECT" or _edits_what_is_meant(context, context.scene.styletex, selected_meshes(context))
    return "" if ready else _("Switch to Object Mode")


def why_not_collection(context: bpy.types.Context) -> str:
    """The same for the active collection."""
    return (
        why_no_meshes(context)
        or why_no_worker()
        or why_not_these(context, meshes_of(context.collection, context.view_layer))
    )


def why_no_meshes(context: bpy.types.Context) -> str:
    """What is amiss with the active collection, or nothing."""
    if meshes_of(context.collection, context.view_layer):
        return ""
    return _("The active collection holds no mesh object that can be seen")


def why_not_these(context: bpy.types.Context, meshes: list[bpy.types.Object], values: Any = None) -> str:
    """What is amiss with the settings for some mesh objects, or nothing; ``values`` in place of the scene's."""
    settings = values or context.scene.styletex
    if context.mode != "OBJECT" and not _edits_what_is_meant(context, settings, meshes):
        return _("Switch to Object Mode")
    own = [mesh.styletex if mesh.styletex.use_own else None for mesh in meshes] or [None]
    if settings.style_image is None and any(values is None or values.style_image is None for values in own):
        return _("Choose a style image")
    for image in _style_images(settings, own):
        if (problem := problem_of(image)) is not None:
            return said_whole(problem).rstrip(".")
    wanting = any(values is None or not values.prompt.strip() for values in own)
    if wanting and not (settings.prompt.strip() or settings.prompt_from_name or settings.profile in PROMPT_OPTIONAL):
        return _("Describe the object in a few words")
    try:
        check_destination(settings.destination)
    except JobError as error:
        return said_whole(error)
    return ""


def _style_images(settings: Any, own: list[Any]) -> set[bpy.types.Image]:
    """All that objects with these settings of their own take their style from; one's own is blended with nothing."""
    images = {values.style_image for values in own if values is not None and values.style_image is not None}
    if any(values is None or values.style_image is None for values in own):
        images |= {settings.style_image, *(one.image for one in settings.more_styles if one.image is not None)}
    return images


def _edits_what_is_meant(context: bpy.types.Context, settings: Any, meshes: list[bpy.types.Object]) -> bool:
    """Whether it is Edit Mode, and the faces are meant that are selected there; the button leaves it then."""
    own = [mesh.styletex for mesh in meshes if mesh.styletex.use_own and mesh.styletex.use_region]
    return context.mode == "EDIT_MESH" and "faces" in {settings.region, *(values.region for values in own)}


def why_no_worker() -> str:
    """What is amiss with the worker's environment and is mended in the preferences, or nothing."""
    installing = installer.running()
    if installing is not None and installing.changes:
        return _(INSTALLING)
    try:
        worker_command()
    except JobError as error:
        return said_whole(error)
    return ""
