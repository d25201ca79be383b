# SPDX-License-Identifier: GPL-3.0-or-later
"""The base colour that an object has now, as a file in the job folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from ...core.job import JobError
from .picture_file import encode_srgb, read_srgb, write_png

FILE_NAME = "present.png"
"""Its name in the job folder."""

_LINEAR = frozenset({"Linear", "Linear Rec.709", "Non-Color", "Raw"})
"""Colour spaces whose values Blender renders as they are: scene-linear light."""
_DATA = frozenset({"Non-Color", "Raw"})
_STILL = frozenset({"FILE", "GENERATED"})
_BAKE = "Bake the colour to an image, and link that to Base Color"


@dataclass(frozen=True)
class PresentColor:
    """The colour of all faces of an object."""

    image: bpy.types.Image | None
    """Laid out by the UV map; ``None`` for a plain colour."""
    color: tuple[float, ...] = ()
    """The plain colour, scene-linear."""
    linear: bool = False
    """Whether the image's values are scene-linear light, and not sRGB."""
    transparent: bool = True
    """Whether its alpha may mean transparency; it means none in data."""


def write_present_color(target: bpy.types.Object, uv_map: str, folder: Path) -> str:
    """Put the colour of an object's material into ``folder`` as an 8-bit sRGB PNG.

    The colour is that of the Principled BSDF's Base Color: an image on the UV map called ``uv_map``, or a plain colour.
    An image is over white where it is transparent; where its alpha is something else, its alpha mode is to be None or
    Channel Packed.

    Returns:
        Its file name in the folder.

    Raises:
        JobError: ``bad_mesh`` when the object's colour is made in another way.
    """
    found = find_present_color(target, uv_map)
    if found.image is None:
        # A picture may not be too small to be one for the worker's libraries.
        write_png(np.tile(encode_srgb(np.array(found.color)), (4, 4, 1)), folder / FILE_NAME)
    else:
        write_png(read_srgb(found.image, found.linear, found.transparent), folder / FILE_NAME)
    return FILE_NAME


def find_present_color(target: bpy.types.Object, uv_map: str) -> PresentColor:
    """The colour that an object has on the UV map called ``uv_map``, the same in all its materials.

    Raises:
        JobError: ``bad_mesh`` when there is none, or it is made in another way.
    """
    materials = _materials(target)
    if len(materials) == 1:
        return _color_of(materials[0], target, uv_map)
    try:
        found = [_color_of(material, target, uv_map) for material in materials]
    except JobError:
        found = []
    if not found or any(other != found[0] for other in found):
        names = ", ".join(sorted(material.name for material in materials))
        raise JobError(
            "bad_mesh",
            f"The faces have {len(materials)} materials ({names}) with colours of their own, so there is no one present"
            " colour",
            "Bake them into one image, or texture the whole object once without the present colour",
        )
    return found[0]


def _color_of(material: bpy.types.Material, target: bpy.types.Object, uv_map: str) -> PresentColor:
    socket = _base_color(material)
    node, _ = _source(socket)
    if node is None:
        return PresentColor(None, tuple(socket.default_value[:3]))
    if node.type != "TEX_IMAGE":
        raise _refusal(material, f"comes from the node {node.bl_label!r}, not from an image", _BAKE)
    _check_projection(material, node, target.data, uv_map)
    return _image_of(material, node)


def _refusal(material: bpy.types.Material, cause: str, hint: str) -> JobError:
    return JobError("bad_mesh", f"The present colour of the material {material.name!r} {cause}", hint)


def _materials(target: bpy.types.Object) -> list[bpy.types.Material]:
    """The materials that faces have."""
    slots, faces = target.material_slots, target.data.polygons
    used = np.empty(len(faces), dtype=np.int32)
    faces.foreach_get("material_index", used)
    # A number beyond the last slot shows that slot's material.
    materials = {slots[min(int(index), len(slots) - 1)].material for index in np.unique(used)} if slots else {None}
    if None in materials and len(materials) > 1:
        raise JobError(
            "bad_mesh",
            "Some faces have no material, so there is no one present colour",
            "Give their slot a material, or start without the present colour",
        )
    if None in materials:
        raise JobError(
            "bad_mesh", "There is no material whose present colour could be started from", "Give the object one"
        )
    return list(materials)


def _base_color(material: bpy.types.Material) -> bpy.types.NodeSocket:
    tree = material.node_tree
    output = tree.get_output_node("ALL") if tree is not None else None
    surface = _source(output.inputs["Surface"])[0] if output is not None else None
    if surface is None or surface.type != "BSDF_PRINCIPLED":
        raise _refusal(material, "cannot be found: no Principled BSDF is its surface", "Use a Principled BSDF")
    return surface.inputs["Base Color"]


def _source(socket: bpy.types.NodeSocket) -> tuple[bpy.types.Node | None, str]:
    """What is linked to a socket, beyond reroutes: the node and the name of its socket; ``None`` for nothing."""
    while socket.is_linked:
        link = socket.links[0]
        if link.from_node.type != "REROUTE":
            return link.from_node, link.from_socket.name
        socket = link.from_node.inputs[0]
    return None, ""


def _check_projection(material: bpy.types.Material, node: bpy.types.Node, mesh: bpy.types.Mesh, uv_map: str) -> None:
    """Whether an Image Texture node lays its image out by the UV map called ``uv_map`` and nothing else."""
    if node.projection != "FLAT":
        raise _refusal(material, f"is projected ({node.projection.lower()}), not laid out by a UV map", _BAKE)
    source, output = _source(node.inputs["Vector"])
    if source is not None and source.type == "MAPPING" and _changes_nothing(source):
        source, output = _source(source.inputs["Vector"])
    if source is not None and source.type == "UVMAP":
        used = source.uv_map
    elif source is None or (source.type == "TEX_COORD" and output == "UV"):
        used = ""
    else:
        raise _refusal(material, f"is laid out by the node {source.bl_label!r}, not by a UV map alone", _BAKE)
    # No name means the map with the camera icon, the one for rendering.
    used = used or next((layer.name for layer in mesh.uv_layers if layer.active_render), "")
    if used != uv_map:
        cause = f"is an image on the UV map {used!r}" if used else "is an image, but the object has no UV map for it"
        raise _refusal(
            material,
            f"{cause}; the new texture is for {uv_map!r}",
            f"Make {used!r} the active UV map" if used else "Start without the present colour",
        )


def _changes_nothing(mapping: bpy.types.Node) -> bool:
    neutral = {"Location": (0.0, 0.0, 0.0), "Rotation": (0.0, 0.0, 0.0), "Scale": (1.0, 1.0, 1.0)}
    return mapping.vector_type == "POINT" and all(
        not socket.is_linked and tuple(socket.default_value) == neutral[socket.name]
        for socket in mapping.inputs
        if socket.name in neutral and socket.enabled
    )


def _image_of(material: bpy.types.Material, node: bpy.types.Node) -> PresentColor:
    image = node.image
    if image is None:
        raise _refusal(material, "is an Image Texture node without an image", "Choose an image in it")
    if image.source not in _STILL:
        raise _refusal(material, f"is an image of the kind {image.source.lower()}; it must be a single still", _BAKE)
    if image.size[0] == 0 or image.size[1] == 0:
        place = bpy.path.abspath(image.filepath) or "anywhere"
        raise _refusal(
            material,
            f"is the image {image.name!r}, which cannot be read from {place}",
            "Find the file with File > External Data",
        )
    space = image.colorspace_settings.name
    # Float images are kept in scene-linear light, whatever the space of their file.
    if image.is_float or space in _LINEAR:
        # Blender takes no alpha of data for transparency.
        return PresentColor(image, linear=True, transparent=space not in _DATA)
    if space != "sRGB":
        raise _refusal(
            material,
            f"is an image in the colour space {space!r}; it must be sRGB, Linear Rec.709 or Non-Color",
            "Save the image as sRGB",
        )
    return PresentColor(image)
