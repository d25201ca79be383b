# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory this process needed at most."""

from __future__ import annotations

import sys


def peak_memory() -> int | None:
    """The largest resident set so far in bytes; ``None`` on Windows, which keeps no such number for Python."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kibibytes everywhere but on macOS.
    return peak if sys.platform == "darwin" else peak * 1024
