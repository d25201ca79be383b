# SPDX-License-Identifier: GPL-3.0-or-later
"""The textured mesh as a glTF binary."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray
from trimesh.exchange.gltf import export_glb
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

from ..geometry.mesh import Mesh
from ..inputs.pictures import open_as_it_is
from ..job import TEXTURE_FILE

_NAME = "StyleTex"
_ROUGHNESS = 0.8


def write_glb(parts: Sequence[tuple[Mesh, Path]], path: Path) -> None:
    """Write meshes (Z up) to ``path`` as glTF (Y up), each with a PNG as its base colour, not metallic.

    glTF knows no UDIM: what has several tiles comes as a part and a material for each. Vertices are split where corners
    differ in UV or normal, as glTF wants it.
    """
    scene = trimesh.Scene([_textured(mesh, texture) for mesh, texture in parts])
    path.write_bytes(export_glb(scene, include_normals=True))


def _textured(mesh: Mesh, texture: Path) -> trimesh.Trimesh:
    corners = np.concatenate(
        [
            _y_up(mesh.positions[mesh.triangles].reshape(-1, 3)),
            _y_up(mesh.corner_normals.reshape(-1, 3)),
            mesh.corner_uvs.reshape(-1, 2),
        ],
        axis=1,
    )
    vertices, index = np.unique(corners, axis=0, return_inverse=True)
    with open_as_it_is(texture) as image:
        material = PBRMaterial(
            name=_NAME + texture.stem.removeprefix(Path(TEXTURE_FILE).stem),
            baseColorTexture=image.convert("RGB"),
            metallicFactor=0.0,
            roughnessFactor=_ROUGHNESS,
        )
    return trimesh.Trimesh(
        vertices=vertices[:, :3],
        faces=index.reshape(-1, 3),
        vertex_normals=vertices[:, 3:6],
        visual=TextureVisuals(uv=vertices[:, 6:], material=material),
        process=False,
    )


def _y_up(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack([vectors[:, 0], vectors[:, 2], -vectors[:, 1]], axis=-1)
