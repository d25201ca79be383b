# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of datablocks as text that every file, terminal and message can hold."""

from __future__ import annotations


def readable(name: str) -> str:
    """``name`` with "?" for what is no Unicode: old files hold names in Latin-1, which Python gets as surrogates."""
    return name.encode("utf-8", "replace").decode("utf-8")
