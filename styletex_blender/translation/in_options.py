# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways out of an error for people without a window: by the command's options, not by what is clicked."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

_OPTIONS = Path(__file__).with_name("options.json")
"""By the words of the panel those of the command; ``{}`` stands for what differs from one time to the next."""


def in_options(hint: str) -> str:
    """A hint in the words of ``headless``'s options, or as it is where it speaks of nothing in the window; what was put
    behind it stays.
    """
    for pattern, words in _patterns():
        if found := pattern.match(hint):
            return words.format(*found.groups()) + hint[found.end() :]
    return hint


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """The longest first: one may begin as another does."""
    texts = json.loads(_OPTIONS.read_text(encoding="utf-8"))
    return [
        (re.compile(re.escape(panel.rstrip(".")).replace(r"\{\}", "(.+?)") + r"(?=$|\.)"), options.rstrip("."))
        for panel, options in sorted(texts.items(), key=lambda item: -len(item[0]))
    ]
