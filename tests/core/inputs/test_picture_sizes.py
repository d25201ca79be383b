# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture of any shape is brought to a bounded area, and what it declares is looked at before it is unpacked."""

from __future__ import annotations

import resource
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.inputs.pictures import LARGEST_AREA, MOST_PIXELS, read_picture
from core.job import JobError
from core.style.style_image import LONGEST, read_style_image

ROOT = Path(__file__).resolve().parents[3]


def declare(path: Path, width: int, height: int, kind: str) -> None:
    """A file that says how large its picture is, and has no pixels."""
    if kind == ".png":
        header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
        data += struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    elif kind == ".bmp":
        data = b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    elif kind == ".tif":
        tags = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (279, 4, 0)]
        data = (
            b"II*\0" + struct.pack("<IH", 8, len(tags)) + b"".join(struct.pack("<HHII", t, k, 1, v) for t, k, v in tags)
        )
        data += bytes(4)
    else:
        data = b"P5\n%d %d\n255\n" % (width, height)
    path.write_bytes(data)


@pytest.mark.parametrize("kind", [".png", ".bmp", ".tif", ".pgm"])
@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (2_000_000, 100), (100, 2_000_000)])
def test_too_many_pixels_are_refused_by_their_megapixels_from_the_header_alone(tmp_path, width, height, kind):
    path = tmp_path / f"huge{kind}"
    declare(path, width, height, kind)
    with pytest.raises(
        JobError, match=rf"The style image huge{kind} has [24]00 megapixels.*; at most 178 megapixels"
    ) as e:
        read_style_image(path)
    assert e.value.code == "bad_image" and e.value.hint == "Make it smaller in a picture editor."


def test_the_limit_is_what_pillow_itself_opens():
    assert Image.MAX_IMAGE_PIXELS is not None
    assert 2 * Image.MAX_IMAGE_PIXELS - 1_000_000 < MOST_PIXELS < 2 * Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("size", [(5000, 4000), (300_000, 60), (60, 300_000), (17_000_000, 1)])
def test_every_shape_is_brought_to_the_same_area_and_keeps_its_colours(tmp_path, size):
    path = tmp_path / "large.png"
    left = Image.new("L", size, 40)
    left.paste(200, (size[0] // 2, 0, *size))
    left.save(path, compress_level=1)
    found = read_picture(path)
    assert LARGEST_AREA * 0.9 < found.width * found.height <= LARGEST_AREA
    if 1 < size[1] < size[0] < 6000:
        assert found.width / found.height == pytest.approx(size[0] / size[1], rel=0.001)
    half = found.width // 2
    if half > 40:
        pixels = np.asarray(found)
        assert (pixels[:, : half - 2] == 40).all() and (pixels[:, half + 2 :] == 200).all()


@pytest.mark.parametrize("size", [(16_000, 16), (16, 16_000)])
def test_of_a_style_image_that_is_long_and_narrow_the_middle_is_used_and_that_is_said(tmp_path, size):
    path = tmp_path / "strip.png"
    picture = Image.new("RGB", size, (10, 20, 30))
    middle = (size[0] // 2 - 64, 0, size[0] // 2 + 64, 16) if size[1] == 16 else (0, 7936, 16, 8064)
    picture.paste((200, 100, 50), middle)
    picture.save(path)
    told: list[str] = []
    found = read_style_image(path, tell=told.append)
    assert sorted(found.size) == [16, 16 * LONGEST]
    assert (np.asarray(found) == (200, 100, 50)).all()
    assert told == ["The style image strip.png is more than 8 times longer than wide; its middle is used"]


def test_a_present_colour_is_never_cut_whatever_its_shape(tmp_path):
    Image.new("RGB", (16_000, 16)).save(tmp_path / "strip.png")
    assert read_picture(tmp_path / "strip.png").size == (16_000, 16)


def test_of_a_thin_style_image_its_own_size_is_said_as_it_is_seen(tmp_path):
    Image.new("RGB", (5, 4000)).save(tmp_path / "thin.png")
    with pytest.raises(JobError, match=r"thin\.png is 5 x 4000 pixels; each side must have at least 16"):
        read_style_image(tmp_path / "thin.png")
    turned = Image.Exif()
    turned[274] = 6
    Image.new("RGB", (5, 4000)).save(tmp_path / "turned.jpg", exif=turned)
    with pytest.raises(JobError, match="mine is 4000 x 5 pixels"):
        read_style_image(tmp_path / "turned.jpg", "mine")


READ = """
import resource, sys
from pathlib import Path
from core.inputs.pictures import read_picture
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(read_picture(Path(sys.argv[1])).size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def peak_megabytes(path: Path) -> float:
    """What reading a picture takes at most, in a process of its own."""
    command = [sys.executable, "-c", READ, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) / (1e6 if sys.platform == "darwin" else 1e3)


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource usage")
@pytest.mark.slow
@pytest.mark.parametrize(("kind", "most"), [("png", 1000), ("jpg", 250)])
def test_a_picture_of_177_megapixels_takes_less_than_a_gigabyte(tmp_path, kind, most):
    path = tmp_path / f"huge.{kind}"
    Image.new("RGB", (13_300, 13_300), (90, 120, 40)).save(path, **({"compress_level": 1} if kind == "png" else {}))
    assert peak_megabytes(path) < most


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of address space")
def test_too_little_memory_is_said(tmp_path):
    path = tmp_path / "large.png"
    Image.new("RGB", (12_000, 12_000)).save(path, compress_level=1)
    code = READ.replace("before =", "resource.setrlimit(resource.RLIMIT_AS, (700_000_000, 700_000_000)); before =")
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "JobError: The picture large.png cannot be read: memory ran out" in done.stderr
    assert resource.getrlimit(resource.RLIMIT_AS)
