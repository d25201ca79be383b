# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bundled model reads: the words it was taught, and captions made from ground truth."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from ..models.families.bundled_words import (
    COLOUR_WORDS,
    MATERIAL_WORDS,
    OBJECT_WORDS,
    PATTERN_WORDS,
    PICTURE_WORDS,
    THING_WORDS,
    VIEW_WORDS,
)

NEGATIVE_WORDS = "blurry low quality distorted noisy ugly shadow"

_GLUE = (
    "a an the of in and with on under over photo picture painting drawing texture swatch object thing flat pattern"
    " style view"
)

VOCABULARY = sorted(
    {
        word
        for text in (
            *OBJECT_WORDS, *PICTURE_WORDS, *PATTERN_WORDS, *COLOUR_WORDS, *VIEW_WORDS, NEGATIVE_WORDS, _GLUE,
            "monkey head animal dog cat bird fish horse cow rabbit bunny bear teapot cup bottle bowl plate spoon car"
            " boat ship plane train wheel shoe boot hat helmet sword shield axe hammer key crown ring chest treasure"
            " lantern candle book door window wall bridge castle temple statue bust face woman man child hand skull"
            " dragon robot toy doll guitar drum piano bed sofa stool bench desk shelf clock phone bag backpack apple"
            " pear banana pumpkin cactus leaf stone crystal shell old new small big round long wooden metal stone"
            " ceramic glass fabric leather clay paper wool plastic great wave sea river lake forest field garden city"
            " street bridge night day water fire cloud clouds snow sunset landscape portrait people boats flowers",
        )
        for word in text.split()
    }
)  # fmt: skip
"""Every word with a token of its own: what was taught, and names that users are likely to type."""


LEADS = ("", "a picture of ")
LAND_WORDS = ("hills", "waves", "a landscape", "mountain")
"""What a scene shows."""
SWATCH_CAPTIONS = ("a flat pattern", "a texture", "a swatch", "a pattern")


@dataclass(frozen=True)
class PromptNumbers:
    """Prompts as numbers, so that they can be drawn on the device: index into each list of words, 0 for none."""

    things: tuple[str, ...] = (*OBJECT_WORDS, *THING_WORDS)
    """What the prompt names; never none."""

    def number(self, lead: Any, colour: Any, material: Any, thing: Any, view: Any) -> Any:
        """Row of a prompt in ``texts``, of numbers or integer tensors; colour, material and view count from 1."""
        row = (lead * (len(COLOUR_WORDS) + 1) + colour) * (len(MATERIAL_WORDS) + 1) + material
        return (row * len(self.things) + thing) * (len(VIEW_WORDS) + 1) + view + 1

    def texts(self) -> list[str]:
        """All prompts; the first is empty."""
        parts = (LEADS, ("", *COLOUR_WORDS), ("", *MATERIAL_WORDS), self.things, ("", *VIEW_WORDS))
        return ["", *(_prompt(*words) for words in itertools.product(*parts))]


def _prompt(lead: str, colour: str, material: str, thing: str, view: str) -> str:
    """A prompt for one object, as a user or the optimiser would phrase it."""
    named = " ".join(filter(None, (colour, material, thing)))
    return f"{lead}{with_article(named)}" + (f", {view}" if view else "")


def with_article(named: str) -> str:
    """With its article: "a house", "an apple"."""
    return f"an {named}" if named[0] in "aeiou" else f"a {named}"


def scene_caption(land: str, thing: str) -> str:
    """What a scene of ``land`` with ``thing`` (or "") in it shows."""
    if not thing:
        return land
    return f"a {thing} over {land}" if thing in ("sun", "moon") else f"{land} with a {thing}"
