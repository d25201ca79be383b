# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways on the surface as ways in the style image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .exemplar import Exemplar
from .surface_graph import SurfaceGraph

Floats = NDArray[np.float32]


def in_pixels(ways: Floats, exemplar: Exemplar) -> Floats:
    """Ways [..., 2] to the right and up as columns and rows."""
    return ways * np.array([exemplar.scale, -exemplar.scale], dtype=np.float32)


def offset(graph: SurfaceGraph, origin: NDArray[np.int64], position: Floats, exemplar: Exemplar) -> Floats:
    """How far positions [m, 3] lie from the graph's points ``origin`` [m] on their planes, [m, 2] in pixels."""
    apart = position - graph.position[origin]
    right, up = (apart * graph.right[origin]).sum(-1), (apart * graph.up[origin]).sum(-1)
    return in_pixels(np.stack([right, up], axis=-1), exemplar)
