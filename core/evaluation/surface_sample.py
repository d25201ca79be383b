# SPDX-License-Identifier: GPL-3.0-or-later
"""Points spread over a textured surface by area, and their colours: what is counted per surface, not per texel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2lab

from ..geometry.mesh import Mesh
from ..results.preview import uv_colours

_POINTS = 20_000


@dataclass(frozen=True)
class SurfaceSample:
    """N points."""

    triangle: NDArray[np.int32]
    """[N] that they lie in."""
    position: NDArray[np.float64]
    """[N, 3]."""
    colour: NDArray[np.float64]
    """[N, 3] CIELAB."""


def sample_surface(mesh: Mesh, texture: NDArray[np.uint8], generator: np.random.Generator) -> SurfaceSample:
    """20,000 points of ``mesh`` with the colours of ``texture`` [S, S, 3] sRGB."""
    corners = mesh.positions[mesh.triangles].astype(np.float64)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    triangle = generator.choice(len(area), _POINTS, p=area / area.sum()).astype(np.int32)
    weights = generator.dirichlet((1.0, 1.0, 1.0), _POINTS).astype(np.float32)
    position = np.einsum("nc,ncd->nd", weights, corners[triangle])
    return SurfaceSample(triangle, position, rgb2lab(uv_colours(mesh, texture, triangle, weights).astype(np.float64)))
