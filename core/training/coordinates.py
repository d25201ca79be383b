# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a pattern lies on a surface: on the plane that it faces most, or round a limb."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

_CAP = 0.8
"""Where a limb's surface faces along its axis by more than this cosine it is an end, and patterns lie flat on it."""


@dataclass(frozen=True)
class Limb:
    """A part that patterns run round: a cylinder, or with ``ring`` a torus."""

    axis: FloatArray
    """[3], unit."""
    centre: FloatArray
    """[3], on the axis."""
    radius: float
    """Mean distance of the surface from the axis; of a torus, that of its tube's middle."""
    ring: float = 0.0
    """Radius of a torus's tube; 0 for no torus."""

    @classmethod
    def around(cls, corners: FloatArray, axis: FloatArray, ring: bool) -> Limb:
        """The limb of a part with triangle corners ``corners`` [N, 3] about the direction ``axis`` [3]."""
        axis = (axis / np.linalg.norm(axis)).astype(np.float32)
        centre = (corners.min(0) + corners.max(0)) / 2
        from_centre = corners - centre
        height = from_centre @ axis
        away = np.linalg.norm(from_centre - height[:, None] * axis, axis=1)
        radius = float((away.min() + away.max()) / 2 if ring else away[away > 0.3 * away.max()].mean())
        tube = float(np.hypot(away - radius, height).mean()) if ring else 0.0
        return cls(axis, centre.astype(np.float32), radius, tube)

    def place(self, position: FloatArray) -> FloatArray:
        """[N, 2]: ``u`` round the limb, its seam at the back, and ``v`` along it, in units of length."""
        front = np.array([0.0, -1.0, 0.0], np.float32)
        if abs(float(self.axis @ front)) > 0.9:
            front = np.array([0.0, 0.0, 1.0], np.float32)
        first = front - (front @ self.axis) * self.axis
        first /= np.linalg.norm(first)
        second = np.cross(self.axis, first)
        from_centre = position - self.centre
        x, y, height = from_centre @ first, from_centre @ second, from_centre @ self.axis
        turn = np.arctan2(y, x)
        if not self.ring:
            return np.stack([turn * self.radius, position @ self.axis], axis=1)
        around_tube = np.arctan2(height, np.hypot(x, y) - self.radius)
        return np.stack([around_tube * self.ring, turn * self.radius], axis=1)

    def ends(self, normal: FloatArray) -> NDArray[np.bool_]:
        """[N]: where the surface with ``normal`` [N, 3] closes the limb."""
        return np.abs(normal @ self.axis) > _CAP if not self.ring else np.zeros(len(normal), bool)


def plane_coordinates(position: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """float32 [N, 2]: the two coordinates across the axis that the normal follows most; ``v`` is up on the sides."""
    axis = np.abs(normal * np.array([1.0, 1.0, 1.2], np.float32)).argmax(1)
    x, y, z = position.T
    u = np.choose(axis, [y, x, x])
    v = np.choose(axis, [z, z, y])
    return np.stack([u + 3.1 * axis, v], axis=1).astype(np.float32)


def pattern_coordinates(
    position: FloatArray, normal: FloatArray, piece: NDArray[np.uint8], limbs: Sequence[Limb | None]
) -> FloatArray:
    """[N, 2]: ``u`` and ``v`` of points of an object.

    Args:
        position: [N, 3], world space.
        normal: [N, 3], unit.
        piece: [N] index into ``limbs``.
        limbs: of each part; ``None`` for one on which patterns lie flat.
    """
    place = plane_coordinates(position, normal)
    for number, limb in enumerate(limbs):
        if limb is not None:
            chosen = (piece == number) & ~limb.ends(normal)
            place[chosen] = limb.place(position[chosen])
    return place
