# SPDX-License-Identifier: GPL-3.0-or-later
"""Words in the language that Blender's interface is in.

Blender looks up by itself what names, tooltips and labels say. What is put together from parts, or broken into lines,
is looked up here first: ``_("Textured in {time}").format(time=…)``.
"""

from __future__ import annotations

import bpy

from .german import GERMAN

_OWNER = __name__


def _(text: str) -> str:
    """``text`` in the language of Blender's interface, or as it is where that language has no words for it."""
    return bpy.app.translations.pgettext_iface(text)


def register() -> None:
    """Tell Blender the words; it knows German as ``de_DE``, and from version 5 on as ``de``."""
    words = {("*", english): german for english, german in GERMAN.items()}
    bpy.app.translations.register(_OWNER, {"de_DE": words, "de": words})


def unregister() -> None:
    """Have Blender forget them."""
    bpy.app.translations.unregister(_OWNER)
