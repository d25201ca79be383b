# SPDX-License-Identifier: GPL-3.0-or-later
"""Common nouns for what pictures show: things and places, no materials, colours or patterns, which are style."""

from __future__ import annotations

from pathlib import Path

NOUNS = tuple(Path(__file__).with_name("nouns.txt").read_text(encoding="utf-8").split())
"""In order of what they are about; some stand for a whole picture."""
