# SPDX-License-Identifier: GPL-3.0-or-later
"""One file is one picture, however its path is written; whatever the style image is, it has a thumbnail."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.picture_kinds.kinds import FOR_PEOPLE

ROOT = Path(__file__).resolve().parents[4]
WAVE = ROOT / "core" / "samples" / "great_wave.jpg"


@pytest.fixture
def settings(bpy):
    return bpy.context.scene.styletex


@pytest.fixture
def recent(styletex):
    """The memory of the styles that were used, empty."""
    module = styletex.module("library.recent")
    module._file().unlink(missing_ok=True)
    return module


def test_every_item_has_an_identifier_since_blender_draws_none_without(bpy, settings, styletex, style_image):
    choice = styletex.module("ui.styles.choice")
    for image in (None, bpy.data.images.load(str(style_image)), bpy.data.images.new("Made", 32, 32)):
        settings.style_image = image
        items = choice._choices(settings, bpy.context)
        assert all(item[0] for item in items)
        chosen = next(item for item in items if item[0] == settings.style_choice)
        assert chosen[3] != 0 or image is not None, "there is an icon for no picture"


def test_saving_elsewhere_with_relative_paths_leaves_the_choice_and_makes_no_second_image(
    bpy, settings, styletex, recent, tmp_path
):
    choice = styletex.module("ui.styles.choice")
    offered = choice._choices(settings, bpy.context)
    settings.style_choice = str(WAVE)
    folder = tmp_path / "full folder"
    folder.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "a.blend"), relative_remap=True)
    settings.style_image.filepath = bpy.path.relpath(str(WAVE))
    assert ".." in settings.style_image.filepath
    assert settings.style_choice == str(WAVE)
    items = choice._choices(settings, bpy.context)
    assert [item[0] for item in items] == [item[0] for item in offered[1:]], "no item for another picture"
    first = settings.style_image
    settings.style_choice = str(WAVE.with_name("poppies.jpg"))
    settings.style_choice = str(WAVE)
    assert settings.style_image == first
    bpy.ops.styletex.use_style(filepath=str(WAVE))
    assert settings.style_image == first


def test_dots_after_a_link_lead_elsewhere_and_stay(styletex, tmp_path):
    plain = styletex.module("library.paths").plain
    (tmp_path / "far" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "deep")
    (tmp_path / "far" / "a.png").write_bytes(b"far")
    dotted = tmp_path / "link" / ".." / "a.png"
    assert plain(dotted).read_bytes() == b"far"
    (tmp_path / "a.png").write_bytes(b"near")
    assert plain(dotted).read_bytes() == b"far"
    assert plain(tmp_path / "far" / ".." / "a.png") == tmp_path / "a.png"
    assert plain(tmp_path / "gone" / ".." / "gone.png") == tmp_path / "gone.png"


def test_memory_with_two_paths_of_one_file_offers_it_once_with_its_words(styletex, recent, tmp_path):
    picture = tmp_path / "wave.jpg"
    shutil.copyfile(WAVE, picture)
    dotted = str(tmp_path / "there" / ".." / "wave.jpg")
    (tmp_path / "there").mkdir()
    recent._file().write_text(
        json.dumps([{"path": dotted, "content": ""}, {"path": str(picture), "content": "a wave"}])
    )
    assert [(used.path, used.content) for used in recent.last_used()] == [(picture, "a wave")]
    assert [found.content for found in styletex.module("library.pictures").pictures()[4:]] == ["a wave"]


def test_every_kind_that_is_read_is_offered_from_a_folder(styletex):
    suffixes = styletex.module("library.pictures").SUFFIXES
    kinds = FOR_PEOPLE.replace(" and ", ", ").lower().split(", ")
    assert {f".{kind}" for kind in kinds} <= set(suffixes)
    assert {".jpg", ".tif"} <= set(suffixes)


def test_gif_is_a_style_image_though_blender_takes_it_for_a_film(bpy, settings, styletex, tmp_path):
    from PIL import Image

    path = tmp_path / "palette.gif"
    Image.new("P", (32, 32), 3).save(path)
    assert bpy.ops.styletex.use_style(filepath=str(path)) == {"FINISHED"}
    assert settings.style_image.name == "palette.gif"
    choice = styletex.module("ui.styles.choice")
    assert choice.is_picture(settings, settings.style_image)
    assert not choice.is_picture(settings, SimpleNamespace(type="IMAGE", source="MOVIE", filepath="//a.mp4"))
    assert choice.file_of(settings.style_image) == path


def test_picture_opened_for_an_object_is_its_own(bpy, scene, styletex, tmp_path):
    path = tmp_path / "own.jpg"
    shutil.copyfile(WAVE, path)
    assert bpy.ops.styletex.use_style(filepath=str(path), for_object=True) == {"FINISHED"}
    assert bpy.context.object.styletex.style_image.name == "own.jpg"
    assert scene.styletex.style_image.name == "stripes.png"


def test_picture_opened_for_a_blend_stands_in_its_row(bpy, scene, tmp_path):
    path = tmp_path / "own.jpg"
    shutil.copyfile(WAVE, path)
    rows = scene.styletex.more_styles
    rows.add()
    rows.add()
    assert bpy.ops.styletex.use_style(filepath=str(path), further=1) == {"FINISHED"}
    assert rows[0].image is None
    assert rows[1].image.name == "own.jpg"
    bpy.ops.styletex.use_style(filepath=str(WAVE), further=0)
    assert rows[0].image.packed_file
    assert scene.styletex.style_image.name == "stripes.png"


@pytest.mark.parametrize("relative", [True, False])
def test_opened_picture_is_relative_to_the_file_where_the_artist_prefers_that(bpy, settings, tmp_path, relative):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    path = tmp_path / "own.jpg"
    shutil.copyfile(WAVE, path)
    bpy.context.preferences.filepaths.use_relative_paths = relative
    try:
        bpy.ops.styletex.use_style(filepath=str(path))
    finally:
        bpy.context.preferences.filepaths.use_relative_paths = True
    assert settings.style_image.filepath == ("//own.jpg" if relative else str(path))
