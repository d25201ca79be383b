# SPDX-License-Identifier: GPL-3.0-or-later
"""The base colour that an object has now, as a file in the job folder."""

from __future__ import annotations

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
    material = _material(target)
    socket = _base_color(material)
    node, _ = _source(socket)
    if node is None:
        # A picture may not be too small to be one for the worker's libraries.
        write_png(np.tile(encode_srgb(np.array(socket.default_value[:3])), (4, 4, 1)), folder / FILE_NAME)
        return FILE_NAME
    if node.type != "TEX_IMAGE":
        raise _refusal(material, f"comes from the node {node.bl_label!r}, not from an image", _BAKE)
    _check_projection(material, node, target.data, uv_map)
    write_png(_srgb_pixels(material, node), folder / FILE_NAME)
    return FILE_NAME


def _refusal(material: bpy.types.Material, cause: str, hint: str) -> JobError:
    return JobError("bad_mesh", f"The present colour of the material {material.name!r} {cause}", hint)


def _material(target: bpy.types.Object) -> bpy.types.Material:
    """The one material that all faces have: a texture has room for one alone."""
    slots, faces = target.material_slots, target.data.polygons
    used = np.empty(len(faces), dtype=np.int32)
    faces.foreach_get("material_index", used)
    # A number beyond the last slot shows that slot's material.
    materials = {slots[min(int(index), len(slots) - 1)].material for index in np.unique(used)} if slots else {None}
    if len(materials) > 1:
        names = ", ".join(sorted("none" if found is None else found.name for found in materials))
        raise JobError(
            "bad_mesh",
            f"The faces have {len(materials)} materials ({names}), so there is no one present colour to start from",
            "Bake them into one image, or start without the present colour",
        )
    material = materials.pop()
    if material is None:
        raise JobError(
            "bad_mesh", "There is no material whose present colour could be started from", "Give the object one"
        )
    return material


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


def _srgb_pixels(material: bpy.types.Material, node: bpy.types.Node) -> np.ndarray:
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
        return read_srgb(image, linear=True, transparent=space not in _DATA)
    if space != "sRGB":
        raise _refusal(
            material,
            f"is an image in the colour space {space!r}; it must be sRGB, Linear Rec.709 or Non-Color",
            "Save the image as sRGB",
        )
    return read_srgb(image, linear=False)
