# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of datablocks as text that every file, terminal and message can hold."""

from __future__ import annotations

import bpy


def name_of(datablock: bpy.types.ID) -> str:
    """The datablock's name, with a sign for what is no Unicode: old programs wrote names in Latin-1."""
    try:
        return datablock.name
    except UnicodeDecodeError as error:
        return error.object.decode("utf-8", "replace")


def readable(text: str) -> str:
    """``text`` with "?" for what is no Unicode, as paths and arguments may hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
