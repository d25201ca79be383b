# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture of any kind comes in as what its 8-bit sRGB twin is, or is refused by its name and kind."""

from __future__ import annotations

import os

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from core.job import JobError
from core.optimisation.present_color import read_base_color
from core.style.style_image import read_style_image
from tests.core.inputs.picture_files import ALPHA, GREY, RGB, RNG, SMOOTH, as_rgb, over_white, png, read, refused

WIDE = {
    "uint16": (GREY.astype(np.uint16) * 257, 65535),
    "uint32": (GREY.astype(np.uint32) * 0x01010101, 2**32 - 1),
    "uint32 with 16 bits": (GREY.astype(np.uint32) * 257, 65535),
    "uint32 with 8 bits": (GREY.astype(np.uint32), 255),
    "int16": ((GREY.astype(np.int32) * 257 // 2).astype(np.int16), 32767),
    "int32": ((GREY.astype(np.int64) * 0x01010101 // 2).astype(np.int32), 2**31 - 1),
    "float32": (GREY.astype(np.float32) / 255, 1),
    "float32 to 255": (GREY.astype(np.float32), 255),
    "float64": (GREY / 255.0, 1),
}


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("zero", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("kind", WIDE)
def test_grey_tiffs_of_every_kind_of_number_are_their_8_bit_twins(tmp_path, kind, zero, compression, order):
    values, white = WIDE[kind]
    if zero == "miniswhite":
        values = (white - values).astype(values.dtype)
    path = tmp_path / "grey.tif"
    tifffile.imwrite(path, values, byteorder=order, compression=compression, photometric=zero)
    # Where the darkest number is the greatest, bytes in wide numbers are bytes still.
    np.testing.assert_allclose(read(path), as_rgb(GREY), atol=0.51)


def test_grey_pngs_of_16_bits_are_their_8_bit_twins(tmp_path):
    Image.fromarray(GREY.astype(np.uint16) * 257).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read(tmp_path / "grey.png"), as_rgb(GREY))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("extra", [None, "unassalpha", "assocalpha", "unspecified"])
def test_coloured_tiffs_are_their_8_bit_twins_over_white(tmp_path, extra, kind, planes, compression, order):
    factor = 257 if kind == np.uint16 else 1
    colours = RGB * (ALPHA[..., None] / 255.0) if extra == "assocalpha" else RGB.astype(float)
    channels = np.rint(colours * factor) if extra is None else np.rint(np.dstack([colours, ALPHA]) * factor)
    if planes == "separate":
        channels = np.moveaxis(channels, -1, 0)
    path = tmp_path / "colour.tif"
    options = {"photometric": "rgb", "planarconfig": planes, "byteorder": order, "compression": compression}
    tifffile.imwrite(path, channels.astype(kind), extrasamples=[extra] if extra else None, **options)
    expected = over_white(RGB) if extra in ("unassalpha", "assocalpha") else RGB
    np.testing.assert_allclose(read(path), expected, atol=2.0 if extra == "assocalpha" else 0.51)


def palette_with_alpha():
    """An indexed picture whose colours are transparent to different degrees, and the same over white."""
    colours, alphas = RNG.integers(0, 256, (16, 3), dtype=np.uint8), RNG.integers(0, 256, 16, dtype=np.uint8)
    alphas[0] = 0
    index = RNG.integers(0, 16, (40, 50), dtype=np.uint8)
    picture = Image.fromarray(index)
    picture = Image.frombytes("P", picture.size, picture.tobytes())
    picture.putpalette(colours.tobytes())
    share = alphas[index][..., None] / 255.0
    return picture, alphas, colours[index] * share + 255.0 * (1.0 - share)


def test_transparency_of_a_palette_is_over_white(tmp_path):
    picture, alphas, expected = palette_with_alpha()
    picture.save(tmp_path / "indexed.png", transparency=alphas.tobytes())
    np.testing.assert_allclose(read(tmp_path / "indexed.png"), expected, atol=0.51)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tga", ".tif", ".avif"])
def test_an_alpha_channel_is_over_white_in_every_format(tmp_path, suffix):
    colours = SMOOTH if suffix == ".avif" else RGB
    picture = Image.fromarray(np.dstack([colours, ALPHA]))
    exact = {".webp": {"lossless": True, "exact": True}, ".avif": {"quality": 100}}.get(suffix, {})
    picture.save(tmp_path / f"clear{suffix}", **exact)
    found, expected = read(tmp_path / f"clear{suffix}"), over_white(colours)
    if suffix == ".avif":
        assert abs(found.mean() - expected.mean()) < 2.0
    else:
        np.testing.assert_allclose(found, expected, atol=0.51)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tga"])
def test_grey_with_an_alpha_channel_is_over_white(tmp_path, suffix):
    Image.fromarray(np.dstack([GREY, ALPHA])).save(tmp_path / f"clear{suffix}")
    np.testing.assert_allclose(read(tmp_path / f"clear{suffix}"), over_white(as_rgb(GREY)), atol=0.51)


def test_the_clear_colour_of_a_gif_is_white(tmp_path):
    picture = Image.fromarray(GREY // 32 * 32).convert("P")
    clear = picture.getpixel((0, 0))
    picture.save(tmp_path / "clear.gif", transparency=clear)
    expected = np.where(np.asarray(picture)[..., None] == clear, 255, np.asarray(picture.convert("RGB")))
    np.testing.assert_array_equal(read(tmp_path / "clear.gif"), expected)


@pytest.mark.parametrize(
    ("bits", "kind", "row", "clear", "expected"),
    [
        (1, 0, b"\x55\x55", b"\0\0", [255, 255]),
        (2, 0, b"\x11" * 4, b"\0\1", [0, 255]),
        (4, 0, b"\x2a" * 8, b"\0\2", [255, 170]),
        (8, 0, b"\x07\x80" * 8, b"\0\7", [255, 128]),
        (16, 0, b"\x07\x07\x80\x80" * 8, b"\7\7", [255, 128]),
        (16, 2, b"\1\1\2\2\3\3\4\4\5\5\6\6" * 8, b"\1\1\2\2\3\3", [(255, 255, 255), (4, 5, 6)]),
        (8, 2, b"\1\2\3\4\5\6" * 8, b"\0\1\0\2\0\3", [(255, 255, 255), (4, 5, 6)]),
    ],
)
def test_the_one_clear_value_of_a_png_is_white(tmp_path, bits, kind, row, clear, expected):
    path = tmp_path / "clear.png"
    path.write_bytes(png(bits, kind, [row] * 16, 16, (b"tRNS", clear)))
    wanted = np.array([np.broadcast_to(value, 3) for value in expected] * 8)
    np.testing.assert_array_equal(read(path)[0], wanted)


def profile_of(space: str) -> bytes:
    if space == "Lab":
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def wide_gamut() -> bytes:
    """sRGB's profile with red and green exchanged: an ICC profile that nobody can take for another."""
    data = bytearray(profile_of("sRGB"))
    at = {bytes(data[128 + 4 + 12 * n :][:4]): 128 + 4 + 12 * n for n in range(int.from_bytes(data[128:132], "big"))}
    red, green = at[b"rXYZ"], at[b"gXYZ"]
    data[red + 4 : red + 12], data[green + 4 : green + 12] = data[green + 4 : green + 12], data[red + 4 : red + 12]
    return bytes(data)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".avif"])
def test_a_colour_profile_is_converted_to_srgb(tmp_path, suffix):
    path = tmp_path / f"profile{suffix}"
    Image.new("RGB", (32, 32), (200, 40, 90)).save(path, icc_profile=wide_gamut(), quality=100)
    assert read(path).mean(axis=(0, 1)) == pytest.approx([40, 200, 90], abs=3)


def test_srgb_s_own_profile_changes_nothing(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "srgb.png", icc_profile=profile_of("sRGB"))
    np.testing.assert_allclose(read(tmp_path / "srgb.png"), RGB, atol=1)


@pytest.mark.parametrize("damage", [b"no profile at all", b"", wide_gamut()[:200], profile_of("Lab")])
def test_a_profile_that_is_broken_or_of_other_colours_is_left_out_and_said(tmp_path, damage):
    told: list[str] = []
    Image.fromarray(RGB).save(tmp_path / "broken.png", icc_profile=damage)
    np.testing.assert_array_equal(read(tmp_path / "broken.png", tell=told.append), RGB)
    if damage[:2] == b"no":
        assert told == [
            "The picture broken.png has a colour profile that cannot be read, so its colours are taken for sRGB"
        ]


def test_printing_colours_become_rgb(tmp_path):
    ink = Image.new("CMYK", (20, 20), (0, 255, 255, 0))
    ink.save(tmp_path / "ink.jpg", quality=100)
    ink.save(tmp_path / "ink.tif")
    for name in ("ink.jpg", "ink.tif"):
        assert read(tmp_path / name).mean(axis=(0, 1)) == pytest.approx([255, 0, 0], abs=3)


def test_a_lab_picture_becomes_rgb(tmp_path):
    lab = np.zeros((20, 20, 3), np.uint8)
    lab[..., 0] = 255 * 53.585 // 100  # L* of sRGB's middle grey, 128.
    tifffile.imwrite(tmp_path / "lab.tif", lab, photometric="cielab")
    assert read(tmp_path / "lab.tif").mean(axis=(0, 1)) == pytest.approx([128, 128, 128], abs=2)


def test_of_several_pictures_the_first_counts(tmp_path):
    first, second = Image.fromarray(SMOOTH), Image.new("RGB", (50, 40), "black")
    for suffix in (".gif", ".webp", ".png", ".tif", ".mpo"):
        path = tmp_path / f"several{suffix}"
        first.save(path, save_all=True, append_images=[second], **({"lossless": True} if suffix == ".webp" else {}))
        assert abs(read(path) - SMOOTH).mean() < 12.0, suffix


def test_a_picture_of_two_tones_is_read(tmp_path):
    for suffix in (".png", ".tif", ".bmp"):
        Image.fromarray(GREY > 127).save(tmp_path / f"two{suffix}")
        np.testing.assert_array_equal(read(tmp_path / f"two{suffix}"), as_rgb(np.where(GREY > 127, 255, 0)))


def test_the_name_does_not_say_what_it_is(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.png").read_bytes())
    np.testing.assert_array_equal(read(tmp_path / "a.jpg"), RGB)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"empty \(0 bytes\)"),
        (b"This is a letter.\n", "is a text"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"\x76\x2f\x31\x01" + bytes(99), "an OpenEXR picture"),
        (b"#?RADIANCE\n", "a Radiance HDR picture"),
        (b"8BPS" + bytes(99), "a Photoshop document"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "a PostScript document"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"DDS " + bytes(124), "a DDS texture"),
        (b"\0\0\0\x18ftypheic" + bytes(99), "an HEIC picture"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40), "a JPEG 2000 picture"),
        (b"\0\0\0\x18ftypisom" + bytes(99), "a film"),
        (b"PK\3\4" + bytes(99), "a zip archive"),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(99), "a raw photograph"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "is a PNG, but damaged"),
        (bytes(range(200, 256)) * 9, "no picture of a known kind"),
    ],
)
def test_what_is_not_read_is_called_by_its_name(tmp_path, content, words):
    path = tmp_path / "style.png"
    path.write_bytes(content)
    error = refused(path, what="The style image", name="my own picture.png")
    assert error.message.startswith("The style image my own picture.png cannot be read: it is ")
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(error.message)


def test_tiffs_that_are_not_read_are_called_so(tmp_path):
    tifffile.imwrite(tmp_path / "light.tif", RGB.astype(np.float32) / 255, photometric="rgb")
    assert "it is a TIFF, but damaged or of a kind that is not read" in refused(tmp_path / "light.tif").message


def test_the_preview_of_a_raw_photograph_is_not_taken_for_it(tmp_path):
    tifffile.imwrite(tmp_path / "raw.dng", RGB, photometric="rgb", subfiletype=1)
    assert "a raw photograph, or begins with a small preview" in refused(tmp_path / "raw.dng").message


def test_floats_of_which_nothing_says_what_is_white_are_refused(tmp_path):
    path = tmp_path / "light.tif"
    tifffile.imwrite(path, GREY.astype(np.float32) / 40)
    assert "nothing says which of them is white" in refused(path).message
    broken = GREY.astype(np.float32) / 255
    broken[0, :3] = np.nan, np.inf, -np.inf
    tifffile.imwrite(path, broken)
    assert "light.tif has 3 pixels with a value that is not a number" in refused(path).message


def test_a_few_lights_beyond_white_leave_a_float_picture_as_it_is(tmp_path):
    lit = GREY.astype(np.float32) / 255
    lit[0, :5], lit[1, :5] = 9.0, -3.0
    tifffile.imwrite(tmp_path / "lit.tif", lit)
    expected = GREY.copy()
    expected[0, :5], expected[1, :5] = 255, 0
    np.testing.assert_allclose(read(tmp_path / "lit.tif"), as_rgb(expected), atol=0.51)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".gif", ".bmp", ".avif"])
def test_a_file_that_is_cut_short_is_damaged(tmp_path, suffix):
    Image.fromarray(RGB).save(tmp_path / f"whole{suffix}")
    data = (tmp_path / f"whole{suffix}").read_bytes()
    path = tmp_path / f"short{suffix}"
    path.write_bytes(data[: len(data) * 2 // 3])
    assert path.name in refused(path).message


def test_a_folder_and_a_missing_file_are_said(tmp_path):
    assert "it is a folder" in refused(tmp_path).message
    assert "no such file" in refused(tmp_path / "gone.png").message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_a_pipe_keeps_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert "it is no file" in refused(tmp_path / "pipe.png").message


def test_style_image_and_present_colour_follow_the_same_rules(tmp_path):
    path = tmp_path / "clear.png"
    Image.fromarray(np.dstack([RGB, ALPHA])).save(path)
    np.testing.assert_array_equal(np.asarray(read_style_image(path)), read_base_color(path))
    np.testing.assert_allclose(read_base_color(path), over_white(RGB), atol=0.51)
    path.write_bytes(b"%!PS")
    for reader, what in ((read_style_image, "The style image"), (read_base_color, "The present base colour")):
        with pytest.raises(JobError, match=f"{what} mine.png cannot be read: it is a PostScript document"):
            reader(path, "mine.png")
