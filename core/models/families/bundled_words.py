# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that the bundled model was taught."""

from __future__ import annotations

from ..taught_words import TaughtWords

OBJECT_WORDS = (
    "ball", "box", "house", "tower", "mushroom", "donut", "vase", "mug", "chair", "table", "tree", "rocket",
    "barrel", "snowman", "star", "creature", "rock", "lamp",
)  # fmt: skip
"""The object classes of ``core.training.shapes``, one word each."""
PICTURE_WORDS = ("hills", "waves", "sun", "tree", "house", "figure", "sky", "flower", "mountain", "moon")
"""What ``core.training.pictures`` draws."""
PATTERN_WORDS = (
    "striped", "dotted", "checkered", "brick", "zigzag", "cellular", "camouflage", "wooden", "brushed", "speckled",
    "woven", "hatched", "graded", "printed",
)  # fmt: skip
"""The pattern families of ``core.training.patterns``."""
COLOUR_WORDS = (
    "red", "orange", "yellow", "green", "turquoise", "blue", "purple", "pink", "brown", "black", "grey", "white",
    "beige",
)  # fmt: skip
MATERIAL_WORDS = (
    "wooden", "stone", "metal", "fabric", "paper", "wool", "leather", "clay", "ceramic", "glass", "plastic",
)  # fmt: skip
"""Materials that a prompt can ask for."""
THING_WORDS = (
    "monkey", "head", "animal", "dog", "cat", "bird", "fish", "horse", "bear", "teapot", "cup", "bottle", "bowl", "car",
    "boat", "plane", "helmet", "sword", "chest", "book", "bridge", "statue", "robot", "sofa", "apple",
)  # fmt: skip
"""Names of objects that no shape was made for; to the model they all mean "some object"."""
VIEW_WORDS = ("front view", "side view", "back view", "overhead view", "view from below")
"""The words of ``core.views.cameras.direction_word``."""

SCENE_WORDS = ("hills", "waves", "landscape", "mountain", "sun", "moon", "tree", "house", "figure", "flower")
"""What the scenes of ``core.training.pictures`` show."""
FLAT_WORDS = ("pattern", "texture", "swatch")
"""What style images are said to show that show nothing."""

TAUGHT_PROMPTS = TaughtWords(
    objects=frozenset((*OBJECT_WORDS, *PICTURE_WORDS, *THING_WORDS)),
    others=frozenset(
        word
        for words in (*PATTERN_WORDS, *COLOUR_WORDS, *MATERIAL_WORDS, *VIEW_WORDS, "a an of with over picture pattern")
        for word in words.split()
    ),
    some_object="statue",
)
TAUGHT_CAPTIONS = TaughtWords(
    objects=frozenset((*OBJECT_WORDS, *SCENE_WORDS, *FLAT_WORDS)),
    others=frozenset((*PATTERN_WORDS, "a", "over", "with", "flat")),
    some_object=None,
)
"""What ODCR learnt to remove; of anything else the embedding has no direction."""
