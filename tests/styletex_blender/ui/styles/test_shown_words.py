# SPDX-License-Identifier: GPL-3.0-or-later
"""Words for what the style image shows: the real command proposes them, a click takes one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.styletex_blender.ui.install_preferences.drawn_preferences import Layout, wide_region

SAMPLES = Path(__file__).resolve().parents[4] / "core" / "samples"


class Grid(Layout):
    """With the words beside one another."""

    def operator(self, name, *, text=None, icon="NONE", depress=False, translate=True):
        assert name != "styletex.use_word" or not translate
        self.drawn.append("pressed" if depress else "")
        return super().operator(name, text=text, icon=icon)

    def grid_flow(self, **_):
        return self


@pytest.fixture
def shown(bpy, styletex, monkeypatch):
    """The module, with the real ``core``."""
    monkeypatch.setenv("STYLETEX_WORKER", json.dumps([sys.executable, "-u", "-m", "core", "worker"]))
    yield styletex.module("ui.styles.shown_words")
    styletex.module("models.content_words").abandon()


@pytest.fixture
def settings(bpy):
    return bpy.context.scene.styletex


@pytest.fixture
def drawn(bpy, shown, settings):
    """What stands below the field."""

    def draw() -> str:
        lines: list[str] = []
        shown.draw_words(Grid(lines), wide_region(), settings, settings.profile, False)
        return "\n".join(lines)

    return draw


@pytest.fixture
def flat(bpy):
    """A picture of stripes that is in no file."""
    image = bpy.data.images.new("Stripes", 128, 128)
    red, white = (0.8, 0.2, 0.1, 1.0), (0.9, 0.9, 0.8, 1.0)
    image.pixels[:] = ((*red * 8, *white * 8) * 8) * 128
    return image


def test_the_models_words_are_offered_and_a_click_keeps_one_out_of_the_texture(bpy, settings, drawn, shown):
    settings.style_image = bpy.data.images.load(str(SAMPLES / "great_wave.jpg"))
    settings.content = ""
    assert drawn() == ""
    assert bpy.ops.styletex.suggest_words() == {"FINISHED"}
    assert "[styletex.use_word mountain]" in drawn() and "[styletex.use_word waves]" in drawn()
    assert not list(Path(bpy.app.tempdir).glob("styletex-*")), "the picture's file goes"
    bpy.ops.styletex.use_word(word="mountain")
    bpy.ops.styletex.use_word(word="waves")
    assert settings.content == "a mountain and waves"
    assert "pressed\n[styletex.use_word mountain]" in drawn() and "pressed\n[styletex.use_word moon]" not in drawn()
    bpy.ops.styletex.use_word(word="mountain")
    assert settings.content == "waves"


def test_the_words_are_of_their_picture_and_go_with_it(bpy, settings, drawn, flat):
    settings.style_image = bpy.data.images.load(str(SAMPLES / "great_wave.jpg"))
    settings.content = ""
    bpy.ops.styletex.suggest_words()
    bpy.ops.styletex.use_word(word="waves")
    settings.style_image = flat
    assert settings.content == "" and drawn() == ""
    assert bpy.ops.styletex.suggest_words() == {"FINISHED"}
    assert "Nothing but pattern" in drawn() and "styletex.use_word" not in drawn()
    bpy.ops.styletex.dismiss_words()
    assert drawn() == ""


def test_what_the_artist_wrote_stays(bpy, settings, flat):
    settings.style_image = flat
    settings.content = "a woman's face"
    bpy.ops.styletex.use_word(word="owl")
    assert settings.content == "a woman's face and an owl"
    settings.style_image = bpy.data.images.load(str(SAMPLES / "poppies.jpg"))
    assert settings.content == "a woman's face and an owl"
    bpy.ops.styletex.use_word(word="owl")
    assert settings.content == "a woman's face"


def test_an_object_of_its_own_style_has_words_of_its_own(bpy, scene, flat):
    own = bpy.context.object.styletex
    own.style_image = flat
    bpy.ops.styletex.use_word(word="moon", for_object=True)
    assert own.content == "a moon" and scene.styletex.content == ""


def test_why_there_are_no_words_is_said(bpy, settings, drawn, shown, monkeypatch, tmp_path):
    with pytest.raises(RuntimeError, match="Choose a style image"):
        bpy.ops.styletex.suggest_words()
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    settings.style_image = bpy.data.images.load(str(SAMPLES / "great_wave.jpg"))
    settings.profile = "sd15"
    with pytest.raises(RuntimeError, match="Not on this computer"):
        bpy.ops.styletex.suggest_words()
    assert "Not on this computer" in drawn()
    monkeypatch.setenv("STYLETEX_WORKER", json.dumps([sys.executable, "elsewhere.py"]))
    with pytest.raises(RuntimeError, match="has no other commands"):
        bpy.ops.styletex.suggest_words()
