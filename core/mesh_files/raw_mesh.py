# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mesh file holds, before anything is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..job import JobError

MOST_TRIANGLES = 20_000_000
"""Of one file, with all instances; what is declared beyond that is refused before memory is taken for it."""

Floats = NDArray[np.float64]


class Unreadable(JobError):
    """What a file holds that cannot be read, and the way out; the file is named by ``import_file``."""

    def __init__(self, cause: str, hint: str = "Open it in Blender and export it again.") -> None:
        super().__init__("bad_mesh", cause, hint)


@dataclass(frozen=True)
class RawMesh:
    """Triangles in the file's own axes."""

    positions: Floats
    """[V, 3]."""
    triangles: NDArray[np.int64]
    """[T, 3], counter-clockwise seen from outside; each index is that of a position."""
    corner_uvs: Floats
    """[T, 3, 2], origin at the bottom left; 0 where ``bare``."""
    bare: NDArray[np.bool_]
    """[T] which triangles have no UVs."""
    corner_normals: Floats
    """[T, 3, 3], of any length; 0 where the file has none."""
    notices: list[str] = field(default_factory=list)
    """What was left out, for people."""


def joined(parts: Sequence[RawMesh], notices: Sequence[str] = ()) -> RawMesh:
    """One mesh of several; ``notices`` come before those of the parts, and each is there once."""
    starts = np.cumsum([0, *(len(part.positions) for part in parts)])
    return RawMesh(
        positions=np.concatenate([np.empty((0, 3)), *(part.positions for part in parts)]),
        triangles=np.concatenate(
            [
                np.empty((0, 3), np.int64),
                *(part.triangles + start for part, start in zip(parts, starts[:-1], strict=True)),
            ]
        ),
        corner_uvs=np.concatenate([np.empty((0, 3, 2)), *(part.corner_uvs for part in parts)]),
        bare=np.concatenate([np.empty(0, bool), *(part.bare for part in parts)]),
        corner_normals=np.concatenate([np.empty((0, 3, 3)), *(part.corner_normals for part in parts)]),
        notices=list(dict.fromkeys([*notices, *(notice for part in parts for notice in part.notices)])),
    )


def by_corner(values: Floats | None, triangles: NDArray[np.int64], width: int) -> Floats:
    """Values of vertices [V, ``width``] at the corners [T, 3, ``width``] of triangles; 0 where there are none."""
    return np.zeros((*triangles.shape, width)) if values is None else values[triangles]


def refuse_too_many(count: int) -> None:
    """Whether ``count`` triangles are more than ``MOST_TRIANGLES``.

    Raises:
        Unreadable: they are.
    """
    if count > MOST_TRIANGLES:
        raise Unreadable(
            f"has {count:,} triangles; at most {MOST_TRIANGLES:,} are read", "Reduce it with a Decimate modifier."
        )
