# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bundled model reads: the words it was taught, and captions made from ground truth."""

from __future__ import annotations

import numpy as np

OBJECT_WORDS = (
    "ball", "box", "house", "tower", "mushroom", "donut", "vase", "mug", "chair", "table", "tree", "rocket",
    "barrel", "snowman", "star", "creature", "rock", "lamp",
)  # fmt: skip
"""The object classes of ``shapes``, one word each."""
PICTURE_WORDS = ("hills", "waves", "sun", "tree", "house", "figure", "sky", "flower", "mountain", "moon")
"""What ``pictures`` draws."""
PATTERN_WORDS = (
    "striped", "dotted", "checkered", "brick", "zigzag", "cellular", "camouflage", "wooden", "brushed", "speckled",
    "woven", "hatched", "graded", "printed",
)  # fmt: skip
"""The pattern families of ``patterns``."""
COLOUR_WORDS = (
    "red", "orange", "yellow", "green", "turquoise", "blue", "purple", "pink", "brown", "black", "grey", "white",
    "beige",
)  # fmt: skip
VIEW_WORDS = ("front view", "side view", "back view", "overhead view", "view from below")
"""The words of ``core.views.cameras.direction_word``."""
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


def object_caption(rng: np.random.Generator, word: str, view: str | None) -> str:
    """A prompt for one object, as a user or the optimiser would phrase it."""
    article = "an" if word[0] in "aeiou" else "a"
    lead = str(rng.choice(["", "", "", "a photo of ", "a picture of "]))
    text = f"{lead}{article} {word}"
    return f"{text}, {view}" if view else text
