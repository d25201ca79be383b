# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the UV layout that show where a measure comes from: how well texels are seen, and where seams show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..geometry.mesh import Mesh, flat_normals
from ..results.coverage import Coverage
from ..views.cameras import Camera
from ..views.embree import EmbreeRasteriser
from ..views.visibility import look
from .seams import SeamError
from .views import VIEW_SIZE

_OUTSIDE = (255, 255, 255)
"""Where no surface is."""
_HIDDEN = (230, 40, 150)
"""What no camera sees."""
_ISLAND = (215, 215, 215)
"""Surface behind the seams."""
_RAMP = np.array([(68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)], dtype=np.float64)
"""From low to high; even steps of lightness, and different for the colour-blind."""
_STRONGEST_SEAM = 10.0
"""CIEDE2000 that gets the ramp's last colour."""


def coverage_map(mesh: Mesh, coverage: Coverage, cameras: Sequence[Camera]) -> NDArray[np.uint8]:
    """[VIEW_SIZE, VIEW_SIZE, 3]: how many views show each texel at a good angle, from dark (one) to yellow (twice as
    many as on average); pink is shown by none.

    Args:
        mesh: normalised.
        coverage: of the same mesh, for its texels.
        cameras: of the run.
    """
    embree, texels = EmbreeRasteriser(mesh), coverage.texels
    normals = flat_normals(mesh)[texels.triangle]
    looks = np.zeros(len(texels.row))
    for camera in cameras:
        looks += look(camera, embree, texels.position, normals) != 0.0
    return _layout(coverage, np.where(looks[:, None] > 0, _ramp(looks / (2.0 * looks.mean() + 1e-9)), _HIDDEN))


def seam_map(coverage: Coverage, seams: SeamError) -> NDArray[np.uint8]:
    """[VIEW_SIZE, VIEW_SIZE, 3]: the colour difference across each seam, from dark (none) to yellow (10 CIEDE2000)."""
    picture = _layout(coverage, np.tile(np.array(_ISLAND, dtype=np.float64), (len(coverage.seen), 1)))
    places = seams.places - np.floor(seams.places)
    order = np.argsort(seams.differences, kind="stable")  # The strongest are drawn last.
    column = np.minimum(places[order, 0] * VIEW_SIZE, VIEW_SIZE - 1).astype(np.int64)
    row = np.minimum((1.0 - places[order, 1]) * VIEW_SIZE, VIEW_SIZE - 1).astype(np.int64)
    picture[row, column] = _ramp(seams.differences[order] / _STRONGEST_SEAM)
    return picture


def _layout(coverage: Coverage, colours: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The texels [N] of the coverage's map in ``colours`` [N, 3], each as large as its share of the picture."""
    texels = coverage.texels
    picture = np.full((texels.size, texels.size, 3), _OUTSIDE, dtype=np.uint8)
    picture[texels.row, texels.column] = colours
    nearest = np.arange(VIEW_SIZE) * texels.size // VIEW_SIZE
    return picture[nearest[:, None], nearest]


def _ramp(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """[N, 3] colours of values in [0, 1]; what is beyond has the colour of the end."""
    place = np.clip(values, 0.0, 1.0) * (len(_RAMP) - 1)
    return np.stack([np.interp(place, np.arange(len(_RAMP)), _RAMP[:, channel]) for channel in range(3)], axis=-1)
