# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture says of itself beside its pixels turns it upright, and never keeps it out."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.core.inputs.picture_files import RGB, SMOOTH, png, read

STORED = (
    lambda picture: picture,
    lambda picture: picture[:, ::-1],
    lambda picture: picture[::-1, ::-1],
    lambda picture: picture[::-1],
    lambda picture: picture.swapaxes(0, 1),
    lambda picture: np.rot90(picture),
    lambda picture: np.rot90(picture, 2).swapaxes(0, 1),
    lambda picture: np.rot90(picture, 3),
)
"""How an upright picture is stored by the value of its orientation, from 1."""


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_a_picture_stands_upright(tmp_path, suffix, turn):
    upright = SMOOTH
    stored = np.ascontiguousarray(STORED[turn - 1](upright))
    exif = Image.Exif()
    exif[0x0112] = turn
    exact = {".webp": {"lossless": True}, ".jpg": {"quality": 100, "subsampling": 0}}.get(suffix, {})
    Image.fromarray(stored).save(tmp_path / f"turned{suffix}", exif=exif, **exact)
    found = read(tmp_path / f"turned{suffix}")
    assert found.shape == upright.shape
    assert abs(found - upright).mean() < 3.0


def test_a_broken_rational_in_the_metadata_of_a_turned_picture_does_not_matter(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = bytearray(exif.tobytes())
    # A second entry: resolution, a rational of (-1, 0), whose writing fails in Pillow.
    tiff = b"II*\0" + struct.pack("<IH", 8, 2)
    tiff += struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack("<HHII", 0x011A, 10, 1, 38)
    tiff += struct.pack("<I", 0) + struct.pack("<ii", -1, 0)
    data = b"Exif\0\0" + tiff
    for suffix in (".jpg", ".png", ".webp"):
        path = tmp_path / f"rational{suffix}"
        Image.fromarray(RGB).save(path, exif=bytes(data))
        assert read(path).shape == (50, 40, 3), suffix


def test_a_broken_rational_in_a_turned_tiff_does_not_matter(tmp_path):
    path = tmp_path / "rational.tif"
    tifffile.imwrite(
        path, RGB, photometric="rgb", extratags=[(274, 3, 1, 6, True), (33434, 10, 1, (-1, 0), True)], metadata=None
    )
    assert read(path).shape == (50, 40, 3)


@pytest.mark.parametrize(
    "name", [b"tEXt", b"gAMA", b"pHYs", b"iCCP", b"eXIf", b"sRGB", b"zTXt", b"iTXt", b"cHRM", b"tIME"]
)
@pytest.mark.parametrize("damage", [b"", b"\0", b"\xff" * 40, b"name\0\7not compressed"])
def test_no_metadata_of_a_png_keeps_it_out(tmp_path, name, damage):
    path = tmp_path / "meta.png"
    path.write_bytes(png(8, 2, [row.tobytes() for row in RGB], 50, (name, damage)))
    np.testing.assert_array_equal(read(path), RGB)
    data = bytearray(path.read_bytes())
    data[33 + 8 + len(damage)] ^= 1  # Its check sum.
    path.write_bytes(data)
    np.testing.assert_array_equal(read(path), RGB)


@pytest.mark.parametrize("marker", range(0xE0, 0xF0))
@pytest.mark.parametrize("start", [b"", b"Exif\0\0", b"MPF\0", b"ICC_PROFILE\0", b"Photoshop 3.0\0", b"Adobe", b"JFIF"])
def test_no_segment_of_a_jpeg_for_applications_keeps_it_out(tmp_path, marker, start):
    plain = io.BytesIO()
    Image.fromarray(SMOOTH).save(plain, "JPEG", quality=95)
    data = start + b"\xff\0\1" * 9
    segment = bytes([0xFF, marker]) + (len(data) + 2).to_bytes(2, "big") + data
    path = tmp_path / "meta.jpg"
    path.write_bytes(plain.getvalue()[:2] + segment + plain.getvalue()[2:])
    assert read(path).shape == SMOOTH.shape
