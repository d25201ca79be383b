# SPDX-License-Identifier: GPL-3.0-or-later
"""German is complete: every text of panels, operators, properties and preferences has one, with the same gaps."""

from __future__ import annotations

import ast
import json
import re
import string
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "styletex_blender"
FILE = SOURCE / "translation" / "german.json"
GERMAN = json.loads(FILE.read_text(encoding="utf-8"))
SYNONYMS = ({"Install in Preferences", "Install it in the preferences"}, {"Image", "Picture"})
"""English texts of one meaning."""
TEXT_ARGUMENTS = {"text", "heading", "title", "message", "confirm_text", "placeholder"}


def of_classes(bpy):
    """Names, tooltips and choices of every class that is registered."""
    modules = [module for name, module in sys.modules.items() if name.startswith("styletex.styletex_blender")]
    for found in {value for module in modules for value in vars(module).values() if isinstance(value, type)}:
        if not (getattr(found, "is_registered", False) and found.__module__.startswith("styletex.")):
            continue
        yield getattr(found, "bl_label", "")
        shown, inherited = found.bl_rna, set(found.bl_rna.base.properties.keys())
        if issubclass(found, bpy.types.Operator):
            # The class's own says nothing of an operator.
            group, name = found.bl_idname.split(".")
            shown = getattr(getattr(bpy.ops, group), name).get_rna_type()
            inherited = {"rna_type"}
        yield shown.description
        for known in shown.properties:
            if known.identifier in inherited or known.is_hidden:
                continue
            yield from (known.name, known.description)
            if known.type == "ENUM":
                for item in known.enum_items_static:
                    yield from (item.name, item.description)


def of_source():
    """Texts that the code draws, and those that it looks up."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.id if isinstance(node.func, ast.Name) else ""
            values = [node.args[0]] if called == "_" and node.args else []
            if path.is_relative_to(SOURCE / "ui"):
                values += [keyword.value for keyword in node.keywords if keyword.arg in TEXT_ARGUMENTS]
            yield from (value.value for value in values if isinstance(value, ast.Constant))


def of_constants(styletex):
    """Texts that are looked up by the name of what holds them."""
    preferences, operators = styletex.module("ui.install_preferences"), styletex.module("ui.install_operators")
    yield from (preferences._ABSENT, *preferences._SIZES.values(), operators.ALLOW_ONLINE)
    yield from (styletex.module("ui.availability").INSTALLING, styletex.module("worker.environment").NOT_INSTALLED)
    yield from styletex.module("install.installer_text")._TITLES.values()
    models = styletex.module("ui.models.model_operators")
    yield from (models.ALLOW_ONLINE, *models.RESTRICTIONS, "The bundled model", "The models could not be listed")
    yield from (state.value for state in styletex.module("worker.queue.order").State)
    yield from (state.value for state in styletex.module("farm.job").JobState)
    stages = re.compile(r'\.stage\("\w+", "([^"]+)"\)')
    for path in (ROOT / "core" / "stylize.py", ROOT / "core" / "worker" / "worker.py"):
        yield from stages.findall(path.read_text(encoding="utf-8"))


def gaps(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


def test_every_text_has_a_german_one(bpy, styletex):
    for room in ("ui.preferences", "ui.panel", "ui.properties"):
        styletex.module(room)
    wanted = {*of_classes(bpy), *of_source(), *of_constants(styletex)} - {"", None}
    wanted = {text for text in wanted if re.search("[a-z]", text, re.IGNORECASE)}
    assert len(wanted) > 200
    assert sorted(wanted - set(GERMAN)) == []


def test_two_buttons_or_states_that_differ_have_two_german_words():
    found: dict[str, set[str]] = {}
    for english, german in GERMAN.items():
        found.setdefault(german.casefold(), set()).add(english)
    assert [texts for texts in found.values() if len(texts) > 1 and texts not in SYNONYMS] == []


@pytest.mark.parametrize("english", [text for text in GERMAN if "{" in text])
def test_gaps_are_the_same(english):
    assert gaps(GERMAN[english]) == gaps(english)


def test_words_of_the_trade_are_not_what_artists_see():
    """The field's terms stand in tooltips, which are sentences."""
    shown = [text for text in GERMAN if len(text) < 40]
    for word in ("worker", "Paper", "Tone", "Keep Light Out"):
        assert not [text for text in shown if re.search(rf"\b{word}\b", text)]
    assert not [text for text in GERMAN if re.search("colour|isation|ising|cancell|worker", text, re.IGNORECASE)]


def test_blender_is_told_for_both_of_its_names_of_german(bpy, styletex, monkeypatch):
    told = {}
    translate = styletex.module("translation.translate")
    translations = SimpleNamespace(register=lambda _owner, words: told.update(words))
    monkeypatch.setattr(translate, "bpy", SimpleNamespace(app=SimpleNamespace(translations=translations)))
    translate.register()
    assert told["de_DE"] == told["de"]
    for context in ("*", "Operator"):
        assert told["de"][context, "Stylize Texture"] == "Textur stilisieren"
