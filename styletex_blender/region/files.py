# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker needs of a part: its weights or its mask, and the texture around it, as files in the job folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import bpy
import numpy as np

from ...core.job import MESH_FILE, REGION_FILE, JobError
from ..scene.mesh_arrays import MeshArrays
from ..scene.picture_file import encode_srgb, read_srgb, write_bytes, write_png
from ..scene.present_color import FILE_NAME, PresentColor
from .choice import RegionChoice

MASK_FILE = "only.png"
"""Name of a mask in the job folder."""
_ALL = "All faces are in the part to texture, so the whole object is textured"


@dataclass(frozen=True)
class ChosenFaces:
    """Faces that were selected when a job was made."""

    triangles: np.ndarray
    """int32 [T, 3] of the mesh that was exported then."""
    weights: np.ndarray | None
    """float32 [T, 3] of their corners; ``None`` where all faces were selected."""

    def weights_of(self, triangles: np.ndarray) -> np.ndarray | None:
        """The same faces' weights on the mesh as it is now.

        Raises:
            JobError: ``bad_mesh``: it has other faces.
        """
        if not np.array_equal(self.triangles, triangles):
            raise JobError(
                "bad_mesh",
                "Its faces have changed, so that those that were selected cannot be told any more",
                "Select them again, then stylize it anew",
            )
        return self.weights


def read_chosen_faces(folder: Path) -> ChosenFaces | None:
    """The selected faces of a job folder; ``None`` where its files are gone."""
    mesh, region = folder / MESH_FILE, folder / REGION_FILE
    if not mesh.is_file():
        return None
    with np.load(mesh) as arrays:
        triangles = arrays["triangles"]
    if not region.is_file():
        return ChosenFaces(triangles, None)
    with np.load(region) as arrays:
        return ChosenFaces(triangles, arrays["corner_weights"])


def write_region(choice: RegionChoice, weights: np.ndarray | None, folder: Path) -> tuple[str | None, tuple[str, ...]]:
    """Put a part into the job folder.

    Args:
        choice: which one.
        weights: of the corners of the exported triangles, float32 [T, 3]; ``None`` for a mask.
        folder: the job folder.

    Returns:
        Name of the file, ``None`` where the part is all of the object; and what the user should know.

    Raises:
        JobError: ``bad_setting`` or ``bad_image`` when the mask cannot be read.
    """
    if choice.kind == "all":
        return None, ()
    if choice.kind == "mask":
        _write_mask(choice.mask, folder / MASK_FILE)
        return MASK_FILE, ()
    if weights is None or weights.min(initial=1.0) >= 1.0:
        return None, (_ALL,)
    np.savez(folder / REGION_FILE, corner_weights=weights)
    return REGION_FILE, ()


def write_texture_around(found: PresentColor, folder: Path, size: int) -> tuple[str, ...]:
    """Put the texture that stays around a part into the job folder, with its own pixels where it has 8 bits in sRGB.

    Args:
        found: the texture, by ``find_texture_around``.
        folder: the job folder.
        size: side of the texture where it is a plain colour.

    Returns:
        What the user should know; the file is ``FILE_NAME``.
    """
    if found.image is None:
        write_png(np.tile(encode_srgb(np.array(found.color)), (size, size, 1)), folder / FILE_NAME)
        return ()
    return _write_image(found, found.image, folder / FILE_NAME)


def only_part(arrays: MeshArrays) -> MeshArrays:
    """The mesh with the UVs of its part alone, where that has a texture of its own: the other faces' UVs are those of
    other textures, and would take texels away from the part.
    """
    weights = arrays.corner_weights
    if weights is None or not weights.any() or weights.all():
        return arrays
    outside = ~weights.any(axis=1)
    uvs = arrays.corner_uvs.copy()
    # Views of the whole object show the others in a color of the part's.
    uvs[outside] = uvs[~outside][0, 0]
    return replace(arrays, corner_uvs=uvs)


def _write_image(found: PresentColor, image: bpy.types.Image, path: Path) -> tuple[str, ...]:
    if found.linear or image.is_float:
        write_png(read_srgb(image, linear=True, transparent=found.transparent), path)
        kind = "a float image" if image.is_float else f"an image in the colour space {image.colorspace_settings.name!r}"
        return (f"The present texture is {kind}: around the part it is kept as near as 8-bit sRGB comes to it",)
    if write_bytes(image, path) or image.alpha_mode != "CHANNEL_PACKED":
        return ()
    return ("The alpha channel of the present texture holds other data, which the new texture has not",)


def _write_mask(name: str, path: Path) -> None:
    image = bpy.data.images.get(name)
    if image is None:
        text = f"There is no image {name!r} for a mask" if name else "No image is chosen as a mask"
        raise JobError("bad_setting", text, "Choose a mask in Only Here")
    if image.source == "TILED":
        raise JobError(
            "bad_image", f"The mask {name!r} is an image of UDIM tiles; it must be a single one", "Choose another mask"
        )
    if not all(image.size):
        raise JobError("bad_image", f"The mask {name!r} cannot be read", "Find the file with File > External Data")
    # As it was painted: its values are weights, and no light; what is transparent was not painted on.
    grey = read_srgb(image, linear=False, behind=0.0)
    write_png(grey, path)
