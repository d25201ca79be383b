# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames as uncompressed Targa files: Blender reads them as they are, and writing one takes next to no time."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_TRUE_COLOUR = 2
"""Image type: neither a colour map nor run lengths."""
_FROM_THE_TOP = 0x20
"""Bit of the image descriptor: the first row is the highest one."""


def as_targa(image: np.ndarray) -> bytes:
    """The file of an image, uint8 [H, W, 3], row 0 at the top: 18 bytes of header, then blue, green, red."""
    height, width = image.shape[:2]
    header = struct.pack("<BBBHHBHHHHBB", 0, 0, _TRUE_COLOUR, 0, 0, 0, 0, 0, width, height, 24, _FROM_THE_TOP)
    return header + image[:, :, ::-1].tobytes()
