# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces that the UV layout gives no room: what lies at one point of the texture has one colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .mesh import Mesh, face_vectors, uv_areas

_STARVED = 1e-4
"""Of the room in the texture that a face would have by its area: a hundredth of the texels along a line."""


@dataclass(frozen=True)
class Pinched:
    """How much of a mesh has (almost) no room in the texture."""

    faces: float
    """Share of the triangles."""
    surface: float
    """Share of the area."""

    def message(self) -> str | None:
        """What the user should know; ``None`` while it is too little to notice."""
        if round(100.0 * max(self.faces, self.surface)) < 1:
            return None
        return (
            f"{100.0 * self.faces:.0f} % of the faces ({100.0 * self.surface:.0f} % of the surface) lie in a point or a"
            " line of the UV map: each gets one colour. Unwrap them to have them textured"
        )


def find_pinched(mesh: Mesh) -> Pinched:
    """Look for faces without room."""
    areas = np.linalg.norm(face_vectors(mesh), axis=-1)
    room = uv_areas(mesh.corner_uvs)
    starved = room < _STARVED * room.sum() * areas / areas.sum()
    return Pinched(float(starved.mean()), float(areas[starved].sum() / areas.sum()))
