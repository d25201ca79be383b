# SPDX-License-Identifier: GPL-3.0-or-later
"""The base colour that an object has now, as a file in the job folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from ...core.job import JobError
from .materials.nodes import texture_node
from .materials.surface import Groups, color_inputs, source_of
from .picture_file import encode_srgb, read_srgb, write_png

FILE_NAME = "present.png"
"""Its name in the job folder."""

_LINEAR = frozenset({"Linear", "Linear Rec.709", "Non-Color", "Raw"})
"""Colour spaces whose values Blender renders as they are: scene-linear light."""
_DATA = frozenset({"Non-Color", "Raw"})
_STILL = frozenset({"FILE", "GENERATED"})
_BARE = (0.8, 0.8, 0.8)
"""The colour, linear, in which Blender shows what has no material."""
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
    """Put the colour of an object's material into ``folder`` as an 8-bit sRGB PNG, as ``find_present_color`` finds it.

    An image is over white where it is transparent; where its alpha is something else, its alpha mode is to be None or
    Channel Packed.

    Returns:
        Its file name in the folder.

    Raises:
        JobError: ``bad_mesh`` when the object's colour is made in another way.
    """
    write_color(find_present_color(target, uv_map), folder)
    return FILE_NAME


def write_color(found: PresentColor, folder: Path) -> None:
    """Put a colour into ``folder`` as ``write_present_color`` does."""
    if found.image is None:
        # A picture may not be too small to be one for the worker's libraries.
        write_png(np.tile(encode_srgb(np.array(found.color)), (4, 4, 1)), folder / FILE_NAME)
    else:
        write_png(read_srgb(found.image, found.linear, found.transparent), folder / FILE_NAME)


def find_texture_around(target: bpy.types.Object, uv_map: str, slot: int = 0) -> tuple[PresentColor, int]:
    """What a part of an object goes into: the object's colour, or where its slots have different ones, that of the slot
    that is the part.

    Args:
        target: the object.
        uv_map: name of the UV map that the texture is for.
        slot: number of the material slot that is the part, from 1; 0 where something else is.

    Returns:
        The colour, and the number of the slot that alone has it; 0 where all of the object has.

    Raises:
        JobError: ``bad_mesh`` when it is made in another way than by one image or a plain colour.
    """
    if not any(found.material for found in target.material_slots):
        return PresentColor(None, _BARE), 0
    try:
        return find_present_color(target, uv_map), 0
    except JobError:
        if not 1 <= slot <= len(target.material_slots):
            raise
    material = target.material_slots[slot - 1].material
    if material is None:
        return PresentColor(None, _BARE), slot
    return _of_material(material, target.data, uv_map), slot


def taken_as_color(image: bpy.types.Image) -> PresentColor | None:
    """An image as the colour of an object; ``None`` for one that cannot be read or is none."""
    if image.source not in _STILL or not all(image.size):
        return None
    space = image.colorspace_settings.name
    # Float images are kept in scene-linear light, whatever the space of their file.
    if image.is_float or space in _LINEAR:
        # Blender takes no alpha of data for transparency.
        return PresentColor(image, linear=True, transparent=space not in _DATA)
    return PresentColor(image) if space == "sRGB" else None


def digest_of(found: PresentColor) -> str:
    """Tells a colour from another one, pixel by pixel."""
    if found.image is None:
        return hashlib.sha256(repr(tuple(found.color)).encode()).hexdigest()[:32]
    image = found.image
    pixels = np.empty(len(image.pixels), dtype=np.float32)
    image.pixels.foreach_get(pixels)
    told = (tuple(image.size), found.linear, found.transparent, image.alpha_mode)
    return hashlib.sha256(repr(told).encode() + pixels.tobytes()).hexdigest()[:32]


def find_present_color(target: bpy.types.Object, uv_map: str) -> PresentColor:
    """The colour that an object has on the UV map called ``uv_map``.

    It is that of the shaders that the surface is mixed of (``color_inputs``): an image on that UV map, or a plain
    colour. Several materials must have the same, as they do when they were stylized together.

    Raises:
        JobError: ``bad_mesh`` when there is none, or it is made in another way.
    """
    materials = _materials(target)
    colors = [(material, _color_of(material, target.data, uv_map)) for material in _alike(materials)]
    if _number_of(color for _, color in colors) > 1:
        raise _too_many(materials)
    return _present(*colors[0])


def _of_material(material: bpy.types.Material, mesh: bpy.types.Mesh, uv_map: str) -> PresentColor:
    return _present(material, _color_of(material, mesh, uv_map))


def _present(material: bpy.types.Material, color: _Color) -> PresentColor:
    return PresentColor(None, color) if isinstance(color, tuple) else _image_of(material, color)


def _refusal(material: bpy.types.Material, cause: str, hint: str) -> JobError:
    return JobError("bad_mesh", f"The present colour of the material {material.name!r} {cause}", hint)


def _materials(target: bpy.types.Object) -> list[bpy.types.Material | None]:
    """Those that faces have, without repetitions."""
    slots, faces = target.material_slots, target.data.polygons
    used = np.empty(len(faces), dtype=np.int32)
    faces.foreach_get("material_index", used)
    # A number beyond the last slot shows that slot's material.
    indices = np.unique(used) if slots else ()
    return list(dict.fromkeys(slots[min(int(index), len(slots) - 1)].material for index in indices)) or [None]


def _too_many(materials: list[bpy.types.Material | None]) -> JobError:
    names = ", ".join(sorted("none" if found is None else found.name for found in materials))
    return JobError(
        "bad_mesh",
        f"The faces have {len(materials)} materials ({names}), so there is no one present colour to start from",
        "Bake them into one image; or start without the present colour, or with one Material Slot in Only Here",
    )


def _alike(materials: list[bpy.types.Material | None]) -> list[bpy.types.Material]:
    """The same materials, if they show one image of ours, or are a single one: a texture has room for one alone."""
    images = {node.image if (node := texture_node(found)) is not None else None for found in materials}
    if len(materials) > 1 and (len(images) > 1 or None in images):
        raise _too_many(materials)
    found = [material for material in materials if material is not None]
    if not found:
        raise JobError(
            "bad_mesh", "There is no material whose present colour could be started from", "Give the object one"
        )
    return found


_Color = bpy.types.Node | tuple[float, ...]
"""An Image Texture node, or a scene-linear colour."""


def _color_of(material: bpy.types.Material, mesh: bpy.types.Mesh, uv_map: str) -> _Color:
    places = color_inputs(material)
    if not places:
        raise _refusal(material, "cannot be found: nothing of its surface has a colour", "Use a Principled BSDF")
    found: list[_Color] = []
    for place in places:
        output, groups = place.source(material)
        socket = place.socket(material)
        if output is None and not socket.is_linked:
            found.append(tuple(socket.default_value[:3]))
            continue
        node = output.node if output is not None else socket.links[0].from_node
        if node.type != "TEX_IMAGE":
            raise _refusal(material, f"comes from the node {node.bl_label!r}, not from an image", _BAKE)
        _check_projection(material, node, groups, mesh, uv_map)
        found.append(node)
    if (number := _number_of(found)) > 1:
        raise _refusal(material, f"is mixed of {number} shaders' own colours", _BAKE)
    return found[0]


def _number_of(colors: Iterable[_Color]) -> int:
    """How many different ones there are: images, and plain colours."""
    return len({color if isinstance(color, tuple) else color.image for color in colors})


def _check_projection(
    material: bpy.types.Material, node: bpy.types.Node, groups: Groups, mesh: bpy.types.Mesh, uv_map: str
) -> None:
    """Whether an Image Texture node, in those groups, lays its image out by the UV map ``uv_map`` and nothing else."""
    if node.projection != "FLAT":
        raise _refusal(material, f"is projected ({node.projection.lower()}), not laid out by a UV map", _BAKE)
    output, groups = source_of(node.inputs["Vector"], groups)
    if output is not None and output.node.type == "MAPPING" and _changes_nothing(output.node):
        output, groups = source_of(output.node.inputs["Vector"], groups)
    if output is not None and output.node.type == "UVMAP":
        used = output.node.uv_map
    elif output is None or (output.node.type == "TEX_COORD" and output.name == "UV"):
        used = ""
    else:
        raise _refusal(material, f"is laid out by the node {output.node.bl_label!r}, not by a UV map alone", _BAKE)
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
    found = taken_as_color(image)
    if found is None:
        space = image.colorspace_settings.name
        raise _refusal(
            material,
            f"is an image in the colour space {space!r}; it must be sRGB, Linear Rec.709 or Non-Color",
            "Save the image as sRGB",
        )
    return found
