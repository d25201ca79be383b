# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts for a small model, in the words that it was taught.

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
    """What a prompt can name."""
    others: frozenset[str]
    """Materials, colours, articles and such."""
    some_object: str
    """That of ``objects`` which means no certain one."""

    def understood(self, prompt: str) -> str:
        """``prompt`` without the words that were not taught; where it names no object that was, the first of them is
        some object. One and many of a thing are the same.
        """
        named = [self._taught(word) for word in re.findall(r"\w+|,", prompt.lower())]
        if None in named and self.objects.isdisjoint(named):
            named[named.index(None)] = self.some_object
        return " ".join(filter(None, named)).replace(" ,", ",")

    def _taught(self, word: str) -> str | None:
        """The word as it was taught."""
        known = (form for form in (word, word.removesuffix("s"), f"{word}s") if form in self.objects | self.others)
        return "," if word == "," else next(known, None)
