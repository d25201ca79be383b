# SPDX-License-Identifier: GPL-3.0-or-later
"""Times and sizes for people."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """A time for people: "12 s", "1 min 20 s", "1 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def amount(count: float) -> str:
    """A number of bytes for people: "12 kB", "812 MB", "1.2 GB"."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}" if count < 10 * size or unit == "GB" else f"{count / size:.0f} {unit}"
    return f"{count:.0f} bytes"
