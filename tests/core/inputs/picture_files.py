# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels that tests put into files of many kinds, and what comes back."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.inputs.pictures import read_picture
from core.job import JobError

RNG = np.random.default_rng(7)
GREY = RNG.integers(0, 256, (40, 50), dtype=np.uint8)
RGB = RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)
ALPHA = RNG.integers(0, 256, (40, 50), dtype=np.uint8)
ALPHA[:4], ALPHA[4:8] = 0, 255
SMOOTH = np.asarray(
    Image.fromarray(RGB).resize((5, 4), Image.Resampling.BOX).resize((50, 40), Image.Resampling.BICUBIC)
)


def over_white(colours):
    alpha = ALPHA[..., None] / 255.0
    return colours * alpha + 255.0 * (1.0 - alpha)


def read(path: Path, **more) -> np.ndarray:
    picture = read_picture(path, **more)
    assert picture.mode == "RGB"
    return np.asarray(picture, np.float64)


def as_rgb(grey):
    return np.repeat(grey[..., None], 3, axis=-1)


def refused(path: Path, **more) -> JobError:
    with pytest.raises(JobError) as caught:
        read_picture(path, **more)
    assert caught.value.code == "bad_image" and caught.value.hint
    return caught.value


def png(bits: int, kind: int, rows: list[bytes], width: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of the given bits and colour type (PNG, 11.2.1), row by row as stored, with further chunks."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    header = struct.pack(">IIBBBBB", width, len(rows), bits, kind, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [chunk(b"IHDR", header), *(chunk(*each) for each in chunks), chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
