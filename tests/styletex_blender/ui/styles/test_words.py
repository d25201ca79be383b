# SPDX-License-Identifier: GPL-3.0-or-later
"""The words for what the style image shows go with the picture that they are known of; the artist's own stay."""

from __future__ import annotations

from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[4] / "core" / "samples"


@pytest.fixture
def other(bpy, style_image):
    """A picture of which nothing is known."""
    return bpy.data.images.load(str(style_image))


@pytest.fixture(params=["scene", "object"])
def settings(bpy, request):
    """Of the scene, and of an object."""
    if request.param == "scene":
        return bpy.context.scene.styletex
    bpy.ops.mesh.primitive_cube_add()
    return bpy.context.object.styletex


@pytest.fixture(autouse=True)
def fresh_memory(bpy, styletex):
    """No style was used before."""
    (styletex.module("library.recent")._file()).unlink(missing_ok=True)


def choose(settings, name):
    settings.style_choice = str(SAMPLES / name)


def test_words_of_a_sample_go_when_another_picture_comes(settings, other):
    choose(settings, "poppies.jpg")
    assert settings.content == "flowers with leaves"
    settings.style_image = other
    assert settings.content == ""


def test_words_of_a_sample_go_when_the_field_is_emptied(settings, other):
    choose(settings, "poppies.jpg")
    assert settings.content
    settings.style_image = None
    assert settings.content == ""


def test_words_of_a_sample_give_way_to_those_of_the_next(settings):
    choose(settings, "poppies.jpg")
    choose(settings, "great_wave.jpg")
    assert settings.content == "a great wave with boats"


def test_words_of_the_artist_stay_whatever_picture_comes(settings, other):
    choose(settings, "poppies.jpg")
    settings.content = "my words"
    settings.style_image = other
    assert settings.content == "my words"
    choose(settings, "great_wave.jpg")
    assert settings.content == "my words"
    settings.content = ""
    choose(settings, "poppies.jpg")
    assert settings.content == "flowers with leaves"


def test_known_words_come_by_the_field_too(bpy, settings):
    settings.style_image = bpy.data.images.load(str(SAMPLES / "poppies.jpg"))
    assert settings.content == "flowers with leaves"


def test_words_of_the_picture_that_were_put_there_otherwise_go_with_it_too(settings, other):
    """As a result's settings are put back, after words of the artist's."""
    settings.content = "my words"
    choose(settings, "poppies.jpg")
    settings.content = "flowers with leaves"
    settings.style_image = other
    assert settings.content == ""
