# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts and content captions for a small model, in the words that it was taught.

It reads other words by their letters, of which it has learnt something else: "torus" has a piece of "orange" in it, and
came out in yellow whatever the style.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class TaughtWords:
    """All words of a small model, in lower case."""

    objects: frozenset[str]
    """What a text can name."""
    others: frozenset[str]
    """Materials, colours, articles and such."""
    some_object: str | None
    """That of ``objects`` which means no certain one; ``None`` where none does."""

    def understood(self, text: str) -> str:
        """``text`` without the words that were not taught; where it names no object that was, the first of them is
        some object, or the text is empty where there is no word for that. One and many of a thing are the same.
        """
        named = [self._taught(word) for word in re.findall(r"\w+|,", text.lower())]
        if None in named and self.objects.isdisjoint(named):
            if self.some_object is None:
                return ""
            named[named.index(None)] = self.some_object
        return " ".join(filter(None, named)).replace(" ,", ",")

    def not_understood(self, text: str) -> str:
        """What to tell the user of a ``text`` that is understood as empty."""
        return (
            f'The model was not taught what "{text}" is, so that nothing of it is left out of the style.'
            f" It knows: {', '.join(sorted(self.objects))}"
        )

    def _taught(self, word: str) -> str | None:
        """The word as it was taught."""
        known = (form for form in (word, word.removesuffix("s"), f"{word}s") if form in self.objects | self.others)
        return "," if word == "," else next(known, None)
