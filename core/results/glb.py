# SPDX-License-Identifier: GPL-3.0-or-later
"""The textured mesh as a glTF binary."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import ArrayLike, NDArray
from trimesh.exchange.gltf import export_glb
from trimesh.transformations import translation_matrix
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

from ..geometry.mesh import Mesh
from ..inputs.pictures import open_as_it_is
from ..job import TEXTURE_FILE
from ..storage.whole_file import whole_file

_NAME = "StyleTex"
_ROUGHNESS = 0.8


def write_glb(parts: Sequence[tuple[Mesh, Path]], path: Path, origin: ArrayLike = (0.0, 0.0, 0.0)) -> None:
    """Write meshes (Z up) to ``path`` as glTF (Y up), each with a PNG as its base colour, not metallic.

    They stand around ``origin`` [3]: it is the place of their nodes, since vertices have single precision only.

    glTF knows no UDIM: what has several tiles comes as a part and a material for each. Vertices are split where corners
    differ in UV or normal, as glTF wants it.

    Raises:
        OSError: it cannot be written.
    """
    scene = trimesh.Scene()
    place = translation_matrix(_y_up(np.asarray(origin, np.float64)[None])[0])
    for mesh, texture in parts:
        scene.add_geometry(_textured(mesh, texture), transform=place)
    data = export_glb(scene, include_normals=True)
    with whole_file(path) as file:
        file.write(data)


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


def _y_up(vectors: NDArray[Any]) -> NDArray[Any]:
    return np.stack([vectors[:, 0], vectors[:, 2], -vectors[:, 1]], axis=-1)
