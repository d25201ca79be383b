# SPDX-License-Identifier: GPL-3.0-or-later
"""Words in the language that Blender's interface is in.

Blender looks up by itself what names, tooltips and labels say. What is put together from parts, or broken into lines,
is looked up here first: ``_("Textured in {time}").format(time=…)``.
"""

from __future__ import annotations

import json
from pathlib import Path

import bpy

_OWNER = __name__
_GERMAN = Path(__file__).with_name("german.json")
_CONTEXTS = ("*", "Operator")
"""Blender looks up the names of operators apart from all other words."""


def _(text: str) -> str:
    """``text`` in the language of Blender's interface, or as it is where that language has no words for it."""
    return bpy.app.translations.pgettext_iface(text)


def register() -> None:
    """Tell Blender the words; versions of Blender differ in whether German is called ``de_DE`` or ``de``."""
    texts = json.loads(_GERMAN.read_text(encoding="utf-8"))
    words = {(context, english): german for english, german in texts.items() for context in _CONTEXTS}
    bpy.app.translations.register(_OWNER, {"de_DE": words, "de": words})


def unregister() -> None:
    """Have Blender forget them."""
    bpy.app.translations.unregister(_OWNER)
