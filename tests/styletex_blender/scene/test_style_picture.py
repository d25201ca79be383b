# SPDX-License-Identifier: GPL-3.0-or-later
"""A style image in Blender reaches the worker's reader as what its file is outside."""

from __future__ import annotations

import numpy as np
import pytest

GREY = np.arange(20 * 24, dtype=np.uint16).reshape(20, 24) % 256
CLEAR = np.repeat(np.linspace(0, 255, 24, dtype=np.uint8)[None], 20, axis=0)


@pytest.fixture
def worker_gets(bpy, styletex, tmp_path):
    """What the worker reads of a file, or of an image, after Blender has put it into the job folder."""
    from core.style.style_image import read_style_image

    def get(image):
        if not hasattr(image, "pixels"):
            image = bpy.data.images.load(str(image))
        folder = tmp_path / "job"
        folder.mkdir(exist_ok=True)
        name = styletex.module("scene.style_picture").write_style_image(image.name, folder)
        return np.asarray(read_style_image(folder / name), np.float64), name

    return get


def as_rgb(grey):
    return np.repeat(grey[..., None], 3, axis=-1)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_grey_of_16_bits_has_the_mean_of_its_8_bit_twin(worker_gets, tmp_path, suffix):
    from PIL import Image

    path = tmp_path / f"grey{suffix}"
    Image.fromarray(GREY * np.uint16(257)).save(path)
    np.testing.assert_allclose(worker_gets(path)[0], as_rgb(GREY), atol=1)


@pytest.mark.parametrize(
    ("values", "options"),
    [
        (GREY.astype(np.uint32) * 0x01010101, {}),
        (GREY.astype(np.float32) / 255, {}),
        (np.dstack([GREY] * 3).astype(np.float32) / 255, {"photometric": "rgb"}),
        (np.dstack([GREY] * 3).astype(np.uint16) * 257, {"photometric": "rgb"}),
        (np.dstack([GREY] * 3).astype(np.uint16) * 257, {"photometric": "rgb", "byteorder": ">"}),
    ],
)
def test_tiffs_of_more_than_8_bits_have_the_mean_of_their_8_bit_twins(worker_gets, tmp_path, values, options):
    import tifffile

    tifffile.imwrite(tmp_path / "wide.tif", values, **options)
    np.testing.assert_allclose(worker_gets(tmp_path / "wide.tif")[0], as_rgb(GREY), atol=1)


@pytest.mark.parametrize("wide", [False, True])
def test_transparency_is_over_white_through_the_file_and_through_the_pixels(bpy, worker_gets, tmp_path, wide):
    import tifffile

    path = tmp_path / "clear.tif"
    values = np.dstack([GREY, GREY, GREY, CLEAR]).astype(np.uint16 if wide else np.uint8) * (257 if wide else 1)
    tifffile.imwrite(path, values, photometric="rgb", extrasamples=["unassalpha"])
    alpha = CLEAR / 255.0
    expected = as_rgb(GREY * alpha + 255.0 * (1.0 - alpha))
    through_file, name = worker_gets(path)
    assert name == "style.tif"
    np.testing.assert_allclose(through_file, expected, atol=1)
    if wide:
        return  # Blender takes all alpha of 16 bits in a TIFF for associated.
    image = bpy.data.images.load(str(path))
    image.pixels[0] = image.pixels[0]  # Painted on, so that the pixels count.
    image.update()
    assert image.is_dirty
    through_pixels, name = worker_gets(image)
    assert name == "style.png"
    np.testing.assert_allclose(through_pixels, expected, atol=1)


def test_the_content_and_not_the_name_tells_whether_the_worker_reads_a_file(worker_gets, tmp_path):
    from PIL import Image

    for kind, name in (("JPEG2000", "style.png"), ("DDS", "style.png"), ("PNG", "style.png"), ("WEBP", "style.webp")):
        path = tmp_path / f"{kind}.jpg"
        Image.fromarray(as_rgb(GREY).astype(np.uint8)).save(path, format=kind, lossless=True)
        found, written = worker_gets(path)
        assert written == name
        assert abs(found - as_rgb(GREY)).mean() < 12.0


def test_what_blender_renders_reaches_the_worker_as_it_looks(bpy, worker_gets, tmp_path):
    """OpenEXR and Radiance HDR are read by Blender alone."""
    for kind, suffix in (("OPEN_EXR", ".exr"), ("HDR", ".hdr")):
        made = bpy.data.images.new("Light", 24, 20, float_buffer=True)
        made.pixels.foreach_set(np.tile(np.array([0.214041, 1.0, 0.05, 1.0], np.float32), 24 * 20))
        made.file_format = kind
        path = tmp_path / f"light{suffix}"
        made.save(filepath=str(path))
        image = bpy.data.images.load(str(path))
        light = np.array(image.pixels[:3])
        assert image.is_float
        shown = 255 * (1.055 * light ** (1 / 2.4) - 0.055)
        assert worker_gets(image)[0].mean(axis=(0, 1)) == pytest.approx(shown, abs=1)


def test_a_large_image_is_made_smaller_and_a_huge_one_refused_by_its_megapixels(
    bpy, styletex, worker_gets, tmp_path, monkeypatch
):
    from styletex.core.job import JobError

    files = styletex.module("scene.picture_file")
    painted = bpy.data.images.new("Painted", 96, 80)
    rows = np.zeros((80, 96, 4), np.float32)
    rows[:40, :, 0], rows[..., 3] = 1.0, 1.0
    painted.pixels.foreach_set(rows.reshape(-1))
    monkeypatch.setattr(files, "LARGEST_AREA", 48 * 40)
    monkeypatch.setattr(files, "_STRIP_PIXELS", 500)
    found = worker_gets(painted)[0]
    assert found.shape == (40, 48, 3)
    assert (found[:20] == 0).all() and (found[20:] == (255, 0, 0)).all()
    monkeypatch.setattr(files, "MOST_PIXELS", 5_000)
    with pytest.raises(JobError, match=r"'Painted' has 0 megapixels \(96 x 80\); at most 0 megapixels"):
        worker_gets(painted)


def test_the_user_s_own_name_of_the_style_image_goes_with_the_job(bpy, styletex, scene):
    from styletex.core.job import read_job

    run = styletex.begin([bpy.data.objects["Cube"]])
    assert read_job(run.tasks[0].folder.path).style_name == bpy.context.scene.styletex.style_image.name
    styletex.end(run)


def test_what_blender_cannot_read_is_for_the_worker_to_read_or_to_name(worker_gets, tmp_path):
    from PIL import Image

    from core.job import JobError

    for kind in ("GIF", "AVIF"):
        path = tmp_path / f"still.{kind.lower()}"
        Image.fromarray(as_rgb(GREY).astype(np.uint8)).save(path)
        assert abs(worker_gets(path)[0] - as_rgb(GREY)).mean() < 12.0
    (tmp_path / "page.png").write_bytes(b"<!DOCTYPE html><html></html>")
    with pytest.raises(JobError, match="it is a web page"):
        worker_gets(tmp_path / "page.png")
