# SPDX-License-Identifier: GPL-3.0-or-later
"""Words in the language that Blender's interface is in.

Blender looks up by itself what names, tooltips and labels say. What is put together from parts, or broken into lines,
is looked up here first: ``_("Textured in {time}").format(time=…)``.
"""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from pathlib import Path

import bpy

from ...core.job import JobError

_OWNER = __name__
_GERMAN = Path(__file__).with_name("german.json")
_GERMAN_ERRORS = Path(__file__).with_name("german_errors.json")
"""The words of errors, which come put together, some from another process; ``{}`` stands for what was put in."""
_CONTEXTS = ("*", "Operator")
"""Blender looks up the names of operators apart from all other words."""


def _(text: str) -> str:
    """``text`` in the language of Blender's interface, or as it is where that language has no words for it."""
    return bpy.app.translations.pgettext_iface(text)


def said(text: str) -> str:
    """An error's message or hint, or a warning, in the language of Blender's interface; its values stay as they are.

    It is looked up as a whole, with its gaps, behind the name of an object, and sentence by sentence; what is not known
    stays as it is.
    """
    return _said(text, bpy.app.translations.locale)


def said_whole(error: JobError) -> str:
    """What happened and what to do about it, for a report."""
    return f"{said(error.message)}. {said(error.hint)}" if error.hint else said(error.message)


@lru_cache(maxsize=256)
def _said(text: str, locale: str, is_part: bool = False) -> str:
    """A part is looked up among the words of errors alone: names of the artist's are none of ours."""
    stop = "." if text.endswith(".") else ""
    bare = text.removesuffix(".")
    for english in dict.fromkeys((text, bare)):
        if english and (not is_part or english in _of_errors()) and (words := _(english)) != english:
            return words + (stop if english == bare else "")
    for pattern, english in _with_gaps():
        if (found := pattern.fullmatch(bare)) and (words := _(english)) != english:
            return words.format(*(_said(value, locale, True) for value in found.groups())) + stop
    name, colon, rest = text.partition(": ")
    if colon and (words := _said(rest, locale, True)) != rest:
        return f"{name}: {words}"
    first, dot, rest = text.partition(". ")
    return f"{_said(first, locale, True)}. {_said(rest, locale, True)}" if dot else text


@cache
def _of_errors() -> dict[str, str]:
    return json.loads(_GERMAN_ERRORS.read_text(encoding="utf-8"))


@cache
def _with_gaps() -> list[tuple[re.Pattern[str], str]]:
    """The longest first: one may begin as another does."""
    return [
        (re.compile(re.escape(english).replace(r"\{\}", "(.*?)"), re.DOTALL), english)
        for english in sorted(_of_errors(), key=len, reverse=True)
        if "{}" in english
    ]


def register() -> None:
    """Tell Blender the words; versions of Blender differ in whether German is called ``de_DE`` or ``de``."""
    texts = _of_errors() | json.loads(_GERMAN.read_text(encoding="utf-8"))
    words = {(context, english): german for english, german in texts.items() for context in _CONTEXTS}
    bpy.app.translations.register(_OWNER, {"de_DE": words, "de": words})


def unregister() -> None:
    """Have Blender forget them."""
    bpy.app.translations.unregister(_OWNER)
