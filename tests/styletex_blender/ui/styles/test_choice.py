# SPDX-License-Identifier: GPL-3.0-or-later
"""One click on a thumbnail, or a dropped file, sets the style image and the words for what it shows."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
WAVE = ROOT / "core" / "samples" / "great_wave.jpg"


@pytest.fixture
def settings(bpy):
    return bpy.context.scene.styletex


@pytest.fixture(autouse=True)
def fresh_memory(bpy, styletex):
    """No style was used before."""
    (styletex.module("library.recent")._file()).unlink(missing_ok=True)


@pytest.fixture
def own_folder(bpy, styletex, tmp_path, monkeypatch):
    """A folder of the artist's own with two pictures and a text."""
    folder = tmp_path / "my styles"
    folder.mkdir()
    shutil.copyfile(WAVE, folder / "Zebra.JPG")
    shutil.copyfile(WAVE, folder / "apple.jpg")
    (folder / "notes.txt").write_text("not a picture")
    monkeypatch.setattr(styletex.module("library.pictures"), "preference", lambda name, default: str(folder))
    return folder


def titles(styletex):
    return [picture.path.name for picture in styletex.module("library.pictures").pictures()]


def test_samples_are_offered_with_thumbnails_and_one_click_sets_image_and_words(bpy, settings, styletex):
    choice = styletex.module("ui.styles.choice")
    offered = {Path(item[0]).name: item for item in choice._choices(settings, bpy.context)}
    assert {"great_wave.jpg", "poppies.jpg", "stained_glass.jpg", "village_street.jpg"} <= set(offered)
    settings.style_choice = offered["great_wave.jpg"][0]
    assert settings.style_image.name == "great_wave.jpg"
    assert settings.style_image.packed_file.data == WAVE.read_bytes(), "the .blend file does not need the extension"
    assert settings.content == "a great wave with boats"
    assert Path(settings.style_choice) == WAVE
    again = settings.style_image
    settings.style_choice = offered["poppies.jpg"][0]
    settings.style_choice = offered["great_wave.jpg"][0]
    assert settings.style_image == again, "no second copy of the image"


def test_picture_from_elsewhere_is_shown_as_the_chosen_one_and_its_words_stay(bpy, settings, styletex, style_image):
    choice = styletex.module("ui.styles.choice")
    settings.style_image = bpy.data.images.load(str(style_image))
    settings.content = "stripes"
    first = choice._choices(settings, bpy.context)[0]
    assert first[1] == "stripes.png"
    assert settings.style_choice == first[0]
    assert settings.content == "stripes"


def test_own_folder_joins_the_styles_in_the_order_of_names_and_a_new_file_appears(styletex, own_folder):
    assert titles(styletex)[4:] == ["apple.jpg", "Zebra.JPG"]
    shutil.copyfile(WAVE, own_folder / "Birch.png")
    assert titles(styletex)[4:] == ["apple.jpg", "Birch.png", "Zebra.JPG"]


def test_own_folder_that_is_gone_takes_nothing_else_away(styletex, own_folder):
    shutil.rmtree(own_folder)
    assert len(titles(styletex)) == 4


def test_style_that_was_used_is_offered_again_with_its_words(bpy, scene, settings, styletex, style_image):
    settings.content = "stripes of paint"
    bpy.ops.styletex.stylize()
    assert titles(styletex)[4:] == ["stripes.png"]
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    settings = bpy.context.scene.styletex
    settings.style_choice = str(style_image)
    assert settings.style_image.name == "stripes.png"
    assert settings.content == "stripes of paint"


def test_last_used_are_the_newest_few_and_a_damaged_memory_is_none(bpy, styletex, tmp_path):
    recent = styletex.module("library.recent")
    for number in range(recent.MOST + 3):
        recent.remember(tmp_path / f"{number}.png", "")
    assert [used.path.stem for used in recent.last_used()] == [str(n) for n in range(recent.MOST + 2, 2, -1)]
    recent._file().write_text("{")
    assert recent.last_used() == ()


def test_dropped_picture_becomes_the_style_and_one_undo_takes_it_back(bpy, settings, style_image):
    bpy.ops.ed.undo_push(message="Before")
    assert bpy.ops.styletex.use_style(filepath=str(style_image)) == {"FINISHED"}
    assert bpy.context.scene.styletex.style_image.name == "stripes.png"
    handler = bpy.types.STYLETEX_FH_style
    assert handler.bl_import_operator == "styletex.use_style"
    assert ".png" in handler.bl_file_extensions.split(";")


def test_dropped_file_that_is_no_picture_is_refused_and_changes_nothing(bpy, settings, tmp_path):
    path = tmp_path / "broken.png"
    with pytest.raises(RuntimeError, match="This picture cannot be read"):
        bpy.ops.styletex.use_style(filepath=str(path))
    assert settings.style_image is None


@pytest.mark.parametrize(("area", "takes"), [("VIEW_3D", True), ("NODE_EDITOR", False), (None, False)])
def test_pictures_are_taken_on_the_3d_viewport_alone(styletex, area, takes):
    from types import SimpleNamespace

    context = SimpleNamespace(area=SimpleNamespace(type=area) if area else None)
    assert styletex.module("ui.styles.operators").STYLETEX_FH_style.poll_drop(context) is takes


def test_folder_button_remembers_the_folder_in_the_preferences(bpy, styletex, tmp_path):
    with pytest.raises(RuntimeError, match="not installed as an extension"):
        bpy.ops.styletex.choose_styles_folder(directory=str(tmp_path))
    addon = bpy.context.preferences.addons.new()
    addon.module = "styletex"
    try:
        shutil.copyfile(WAVE, tmp_path / "mine.jpg")
        bpy.ops.styletex.choose_styles_folder(directory=str(tmp_path))
        assert "mine.jpg" in titles(styletex)
    finally:
        bpy.context.preferences.addons.remove(addon)
