# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that is no picture is not offered, is refused in the worker's words, and is not remembered."""

from __future__ import annotations

import pytest

from core.job import JobError
from core.style.style_image import read_style_image


@pytest.fixture
def settings(bpy):
    return bpy.context.scene.styletex


@pytest.fixture
def broken(tmp_path):
    """A text, an empty file and a tiny picture, by their names."""
    from PIL import Image

    folder = tmp_path / "styles"
    folder.mkdir()
    (folder / "notiz.png").write_text("Nur ein Text, kein Bild.")
    (folder / "leer.jpg").write_bytes(b"")
    Image.new("RGB", (10, 10), (200, 10, 10)).save(folder / "winzig.png")
    return folder


def words_of_the_worker(path):
    with pytest.raises(JobError) as raised:
        read_style_image(path)
    return f"{raised.value.message}. {raised.value.hint}"


NAMES = ["notiz.png", "leer.jpg", "winzig.png"]


@pytest.mark.parametrize("name", NAMES)
def test_refused_at_the_click_in_the_words_of_the_worker(bpy, settings, broken, name):
    with pytest.raises(RuntimeError) as raised:
        bpy.ops.styletex.use_style(filepath=str(broken / name))
    assert words_of_the_worker(broken / name) in str(raised.value)
    assert settings.style_image is None
    assert name not in bpy.data.images


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_chosen_another_way_it_greys_the_button_with_the_reason(bpy, scene, styletex, broken, name, packed, own):
    image = bpy.data.images.load(str(broken / name))
    if packed and name != "leer.jpg":
        image.pack()
    holder = bpy.context.object.styletex if own else scene.styletex
    bpy.context.object.styletex.use_own = own
    holder.style_image = image
    reason = styletex.module("ui.availability").why_not(bpy.context)
    assert reason == words_of_the_worker(broken / name).rstrip(".")


def test_picture_to_blend_with_is_looked_at_too(bpy, scene, styletex, broken):
    scene.styletex.more_styles.add().image = bpy.data.images.load(str(broken / "notiz.png"))
    scene.styletex.more_styles.add()
    reason = styletex.module("ui.availability").why_not(bpy.context)
    assert reason == words_of_the_worker(broken / "notiz.png").rstrip(".")


def test_tiny_image_made_in_blender_is_refused_too(bpy, scene, styletex):
    scene.styletex.style_image = bpy.data.images.new("Tiny", 15, 40)
    assert "Tiny is 15 x 40 pixels; each side must have at least 16" in styletex.module("ui.availability").why_not(
        bpy.context
    )
    scene.styletex.style_image = bpy.data.images.new("Large enough", 16, 16)
    assert styletex.module("ui.availability").why_not(bpy.context) == ""


def test_no_large_picture_is_unpacked_to_say_so_or_to_begin(bpy, scene, styletex, tmp_path):
    import numpy as np
    from PIL import Image

    path = tmp_path / "large.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (700, 700, 3), np.uint8)).save(path)
    assert path.stat().st_size > 1_000_000
    scene.styletex.style_image = bpy.data.images.load(str(path))
    assert styletex.module("ui.availability").why_not(bpy.context) == ""
    bpy.ops.styletex.stylize()
    assert not scene.styletex.style_image.has_data
    assert styletex.module("library.recent").last_used()[0].path == path


def test_file_that_was_mended_is_taken(bpy, scene, styletex, broken, style_image):
    path = broken / "notiz.png"
    scene.styletex.style_image = bpy.data.images.load(str(path))
    assert styletex.module("ui.availability").why_not(bpy.context)
    path.write_bytes(style_image.read_bytes())
    assert styletex.module("ui.availability").why_not(bpy.context) == ""


def test_openexr_is_left_to_blender_which_reads_it(bpy, scene, styletex, tmp_path):
    made = bpy.data.images.new("Light", 32, 32, float_buffer=True)
    made.file_format, made.filepath_raw = "OPEN_EXR", str(tmp_path / "light.exr")
    made.save()
    assert bpy.ops.styletex.use_style(filepath=str(tmp_path / "light.exr")) == {"FINISHED"}
    assert styletex.module("ui.availability").why_not(bpy.context) == ""


def test_folder_offers_only_what_can_be_read(styletex, broken, monkeypatch, style_image):
    (broken / "good.png").write_bytes(style_image.read_bytes())
    module = styletex.module("library.pictures")
    monkeypatch.setattr(module, "preference", lambda name, default: str(broken))
    offered = [found.path.name for found in module.pictures()]
    assert "good.png" in offered
    assert not {"notiz.png", "leer.jpg"} & set(offered)


def test_picture_that_blender_cannot_read_is_not_remembered(bpy, scene, styletex, tmp_path, style_image):
    path = tmp_path / "damaged.png"
    path.write_bytes(style_image.read_bytes()[:40])
    recent = styletex.module("library.recent")
    recent._file().unlink(missing_ok=True)
    scene.styletex.style_image = bpy.data.images.load(str(path))
    bpy.ops.styletex.stylize()
    assert recent.last_used() == ()
