# SPDX-License-Identifier: GPL-3.0-or-later
"""The hash grid's look-up on a processor, compiled by Numba when it is first used (a second).

As array operations it is hundreds of passes over memory; here a point's corners stay in registers, which takes a fifth
of the time. One thread does all of it, so that sums have one order and the same inputs give the same bits.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@njit(nogil=True, error_model="numpy")
def look_up(table: Floats, points: Floats, levels: NDArray[np.int32], values: Floats, backward: bool) -> None:
    """Write what all levels have at ``points`` to ``values``, or, going ``backward``, add ``values`` to their entries.

    Args:
        table: [E, 2], the entries of all levels.
        points: [3, N] in [0, 1].
        levels: [L, 6], of each its first entry, number of entries, resolution, whether it is dense, and the strides of
            y and z (see ``hash_grid.Level``).
        values: [N, L, 2].
        backward: the other way round.
    """
    one = np.float32(1.0)
    for level in range(levels.shape[0]):
        first, dense = levels[level, 0], levels[level, 3]
        mask, last = np.int32(levels[level, 1] - 1), np.int32(levels[level, 2] - 1)
        cells, stride_y, stride_z = np.float32(levels[level, 2]), levels[level, 4], levels[level, 5]
        for point in range(points.shape[1]):
            x, y, z = points[0, point] * cells, points[1, point] * cells, points[2, point] * cells
            low_x, low_y, low_z = min(np.int32(x), last), min(np.int32(y), last), min(np.int32(z), last)
            upper_x, upper_y, upper_z = x - np.float32(low_x), y - np.float32(low_y), z - np.float32(low_z)
            along_y, along_z = np.int32(low_y * stride_y), np.int32(low_z * stride_z)
            one_value, other_value = np.float32(0.0), np.float32(0.0)
            if backward:
                one_value, other_value = values[point, level, 0], values[point, level, 1]
            for corner in range(8):
                weight = upper_x if corner & 1 else one - upper_x
                weight *= upper_y if corner & 2 else one - upper_y
                weight *= upper_z if corner & 4 else one - upper_z
                x_part = np.int32(low_x + (corner & 1))
                y_part = np.int32(along_y + stride_y) if corner & 2 else along_y
                z_part = np.int32(along_z + stride_z) if corner & 4 else along_z
                entry = first + (np.int32(x_part + y_part + z_part) if dense else (x_part ^ y_part ^ z_part) & mask)
                if backward:
                    table[entry, 0] += weight * one_value
                    table[entry, 1] += weight * other_value
                else:
                    one_value += weight * table[entry, 0]
                    other_value += weight * table[entry, 1]
            if not backward:
                values[point, level, 0], values[point, level, 1] = one_value, other_value
