# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory a process needed at most."""

from __future__ import annotations

import sys


def peak_memory() -> int | None:
    """The largest resident set of this process so far in bytes; ``None`` on Windows, which keeps no such number for
    Python.
    """
    try:
        import resource
    except ImportError:
        return None
    return as_bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def as_bytes(ru_maxrss: int) -> int:
    """The largest resident set in bytes, from ``ru_maxrss`` of a process's resource usage."""
    # Kibibytes everywhere but on macOS.
    return ru_maxrss if sys.platform == "darwin" else ru_maxrss * 1024
