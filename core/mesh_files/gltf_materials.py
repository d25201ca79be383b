# SPDX-License-Identifier: GPL-3.0-or-later
"""Which UVs a glTF material's textures are laid out by: a set of the mesh, moved by KHR_texture_transform.

What quantises meshes keeps part of the UVs' scale in the material, and an artist sees the moved UVs alone: a texture
that is made for those fits the file's own material, and its present base colour fits them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TRANSFORM = "KHR_texture_transform"


@dataclass(frozen=True)
class Layout:
    """How a texture lies on a mesh."""

    uv_set: int = 0
    """The number of the mesh's TEXCOORD."""
    offset: tuple[float, float] = (0.0, 0.0)
    rotation: float = 0.0
    """In radians."""
    scale: tuple[float, float] = (1.0, 1.0)

    def transformed(self, uvs: NDArray[np.float64]) -> NDArray[np.float64]:
        """``uvs`` [V, 2] with the origin at the top left, moved as the extension says."""
        cosine, sine = np.cos(self.rotation), np.sin(self.rotation)
        return uvs * self.scale @ np.array([[cosine, -sine], [sine, cosine]]) + self.offset


def layout_of(material: Mapping[str, Any]) -> Layout:
    """The layout of the base colour; of another texture where the material has none."""
    plain = material.get("pbrMetallicRoughness", {})
    glossy = material.get("extensions", {}).get("KHR_materials_pbrSpecularGlossiness", {})
    candidates = (
        plain.get("baseColorTexture"),
        glossy.get("diffuseTexture"),
        plain.get("metallicRoughnessTexture"),
        material.get("normalTexture"),
        material.get("emissiveTexture"),
    )
    texture = next((found for found in candidates if found is not None), {})
    moved = texture.get("extensions", {}).get(_TRANSFORM, {})
    offset, scale = moved.get("offset", (0.0, 0.0)), moved.get("scale", (1.0, 1.0))
    return Layout(
        uv_set=moved.get("texCoord", texture.get("texCoord", 0)),
        offset=(float(offset[0]), float(offset[1])),
        rotation=float(moved.get("rotation", 0.0)),
        scale=(float(scale[0]), float(scale[1])),
    )
