# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of numbers a TIFF holds, which Blender does not say of an image it has read."""

from __future__ import annotations

import struct

_SAMPLES, _SAMPLE_FORMAT = 277, 339
_REAL = 3
_ENTRY = 12


def worker_reads(data: bytes) -> bool:
    """Whether the worker's library reads the TIFF that ``data`` is: whole numbers, grey or colours, in a plain TIFF.

    (TIFF 6.0, sections 2 and 19.) Of anything else, Blender gives the pixels.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        return False
    try:
        (start,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, start)
        entries = (struct.unpack_from(f"{order}HHI4s", data, start + 2 + _ENTRY * n) for n in range(count))
        tags = {tag: (number, value) for tag, _, number, value in entries}
        samples = struct.unpack_from(f"{order}H", tags.get(_SAMPLES, (1, struct.pack(f"{order}H", 1)))[1])[0]
        number, value = tags.get(_SAMPLE_FORMAT, (1, struct.pack(f"{order}HH", 1, 0)))
        # More than two short values do not fit, and the place where they stand is given instead.
        place = (value, 0) if number <= 2 else (data, struct.unpack(f"{order}I", value)[0])
        (kind,) = struct.unpack_from(f"{order}H", *place)
    except struct.error:
        return False
    return kind != _REAL and samples != 2
