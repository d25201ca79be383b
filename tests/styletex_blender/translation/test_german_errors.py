# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors are German where Blender is: every fixed message and hint, and those with values that have words."""

from __future__ import annotations

import json

import pytest

from styletex.core.job import JobError
from tests.styletex_blender.translation.messages import ROOT, messages

FOLDER = ROOT / "styletex_blender" / "translation"
ERRORS = json.loads((FOLDER / "german_errors.json").read_text(encoding="utf-8"))
KNOWN = ERRORS | json.loads((FOLDER / "german.json").read_text(encoding="utf-8"))


@pytest.fixture
def german(bpy, styletex, monkeypatch):
    """Blender's look-up as in a German interface, which the module has no languages for."""
    translate = styletex.module("translation.translate")
    monkeypatch.setattr(translate, "_", lambda text: KNOWN.get(text, text))
    translate._said.cache_clear()
    yield translate
    translate._said.cache_clear()


def test_every_fixed_message_and_hint_has_german_words():
    fixed = {text for text in messages() if "{}" not in text and " " in text}
    assert len(fixed) > 150
    assert sorted(text for text in fixed if text not in KNOWN and f"{text}." not in KNOWN) == []


def test_words_are_put_where_the_values_are():
    for english, german in ERRORS.items():
        if "{}" in english:
            german.format(*["x"] * english.count("{}"))
            assert "{" in german


@pytest.mark.parametrize(
    ("english", "german_words"),
    [
        ("The mesh has no faces", "Das Mesh hat keine Flächen"),
        ("Choose an object with at least one face.", "Ein Objekt mit mindestens einer Fläche wählen."),
        ("Memory ran out: CUDA out of memory", "Der Speicher ging aus: CUDA out of memory"),
        (
            "The style image a.png cannot be read: it is a folder",
            "Das Stilbild a.png kann nicht gelesen werden: es ist ein Ordner",
        ),
        (
            "While its texture was being made, its UV map 'Mask' was removed. The texture is kept in /tmp/The mesh",
            "Während seine Textur gemacht wurde: seine UV-Map 'Mask' wurde entfernt."
            " Die Textur ist aufgehoben in /tmp/The mesh",
        ),
        (
            "Try again; the log says more. It then goes on from where it stopped",
            "Noch einmal versuchen; das Protokoll sagt mehr. Es geht dann weiter, wo es aufgehört hat",
        ),
        (
            "Cube: While its texture was being made, its shape was changed; the texture is of how it was before",
            "Cube: Während seine Textur gemacht wurde: seine Form wurde geändert; die Textur ist vom Zustand davor",
        ),
        (
            "Cube: 12 % of the faces (3 % of the surface) lie in a point or a line of the UV map: each gets one colour."
            " Unwrap them to have them textured",
            "Cube: 12 % der Flächen (3 % der Oberfläche) liegen in einem Punkt oder einer Linie der UV-Map: jede"
            " bekommt eine Farbe. Zum Texturieren abwickeln",
        ),
        ("There is no image Mask in the file", "Es gibt kein Bild Mask in der Datei"),
        ("Something else. /a/b.png", "Something else. /a/b.png"),
        ("", ""),
    ],
)
def test_message_is_said_in_german_with_its_values(german, english, german_words):
    assert german.said(english) == german_words


def test_report_has_both_message_and_hint(german):
    error = JobError("bad_mesh", "The mesh has no faces", "Add faces to the mesh")
    assert german.said_whole(error) == "Das Mesh hat keine Flächen. Dem Mesh Flächen geben"
    assert german.said_whole(JobError("bad_mesh", "The mesh has no faces")) == "Das Mesh hat keine Flächen"


def test_blender_is_told_the_words_of_errors_too(bpy, styletex, monkeypatch):
    from types import SimpleNamespace

    told = {}
    translate = styletex.module("translation.translate")
    translations = SimpleNamespace(register=lambda _owner, words: told.update(words))
    monkeypatch.setattr(translate, "bpy", SimpleNamespace(app=SimpleNamespace(translations=translations)))
    translate.register()
    assert told["de"]["*", "The mesh has no faces"] == "Das Mesh hat keine Flächen"
