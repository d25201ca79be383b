# SPDX-License-Identifier: GPL-3.0-or-later
"""Which points of the surface a view shows, and how well."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .cameras import Camera
from .embree import EmbreeRasteriser

SEEN_COSINE = 0.3
"""A point counts as seen where a camera looks at it at this cosine or more; flatter views show too little of it."""


def look(
    camera: Camera, embree: EmbreeRasteriser, positions: NDArray[np.float32], normals: NDArray[np.float32]
) -> NDArray[np.float32]:
    """At which cosine a square view of ``camera`` shows points of the surface.

    Args:
        camera: of the view.
        embree: casts the shadow rays.
        positions: [N, 3].
        normals: [N, 3], unit, of the triangles as they lie.

    Returns:
        [N]: the cosine, negative from behind, and 0 where the point is hidden, outside the image or seen at less than
        ``SEEN_COSINE``.
    """
    away = positions - camera.position
    # Outside the image first: it is cheap, and close-ups show little.
    local = away @ camera.rotation.T
    reach = -local[:, 2:] * np.float32(math.tan(math.radians(camera.fov_degrees) / 2.0))
    inside = np.flatnonzero((np.abs(local[:, :2]) <= reach).all(axis=1))
    to_eye = -away[inside] / np.linalg.norm(away[inside], axis=-1, keepdims=True)
    cosine = (to_eye * normals[inside]).sum(-1)
    good = np.abs(cosine) > SEEN_COSINE
    inside, cosine = inside[good], cosine[good]
    shown = np.zeros(len(positions), dtype=np.float32)
    shown[inside] = cosine * embree.sees(camera.position, positions[inside])
    return shown
