# SPDX-License-Identifier: GPL-3.0-or-later
"""The textured mesh as a glTF binary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image
from trimesh.exchange.gltf import export_glb
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

from .mesh import Mesh

_ROUGHNESS = 0.8


def write_glb(mesh: Mesh, texture: Path, path: Path) -> None:
    """Write ``mesh`` (Z up) to ``path`` as glTF (Y up) with the PNG ``texture`` as its base colour, not metallic.

    Vertices are split where corners differ in UV or normal, as glTF wants it.
    """
    corners = np.concatenate(
        [
            _y_up(mesh.positions[mesh.triangles].reshape(-1, 3)),
            _y_up(mesh.corner_normals.reshape(-1, 3)),
            mesh.corner_uvs.reshape(-1, 2),
        ],
        axis=1,
    )
    vertices, index = np.unique(corners, axis=0, return_inverse=True)
    with Image.open(texture) as image:
        material = PBRMaterial(
            name="StyleTex", baseColorTexture=image.convert("RGB"), metallicFactor=0.0, roughnessFactor=_ROUGHNESS
        )
    textured = trimesh.Trimesh(
        vertices=vertices[:, :3],
        faces=index.reshape(-1, 3),
        vertex_normals=vertices[:, 3:6],
        visual=TextureVisuals(uv=vertices[:, 6:], material=material),
        process=False,
    )
    path.write_bytes(export_glb(trimesh.Scene(textured), include_normals=True))


def _y_up(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack([vectors[:, 0], vectors[:, 2], -vectors[:, 1]], axis=-1)
