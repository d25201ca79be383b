# SPDX-License-Identifier: GPL-3.0-or-later
"""UVs for a mesh that has none: by xatlas, and where there is no package of it by ``plane_charts``."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray

from .plane_charts import plane_charts


def unwrap(positions: NDArray[Any], triangles: NDArray[Any]) -> NDArray[Any]:
    """UVs [T, 3, 2] in [0, 1] without overlap, for ``triangles`` [T, 3] between ``positions`` [V, 3]."""
    _, welded = np.unique(positions, axis=0, return_inverse=True)
    _, first = np.unique(welded, return_index=True)
    # To a common size: of meshes that are very small xatlas makes UVs that are not numbers.
    size = float(np.ptp(positions, axis=0).max()) or 1.0
    vertices, faces = positions[first] / size, welded.reshape(-1)[triangles]
    if find_spec("xatlas") is None:
        return plane_charts(vertices, faces)
    unwrapped = trimesh.Trimesh(vertices, faces, process=False).unwrap()
    visual: Any = unwrapped.visual
    return np.asarray(visual.uv)[unwrapped.faces]
