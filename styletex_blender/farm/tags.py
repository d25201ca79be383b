# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of its jobs on farms an object is for, noted on it: the .blend file keeps that when the object is renamed."""

from __future__ import annotations

import bpy


def add(target: bpy.types.Object, key: str) -> None:
    """Note a job. An object of a linked library keeps no notes, and is known by its name."""
    if target.library is None and key not in of(target):
        target.styletex.sent = " ".join([*of(target), key])


def remove(key: str) -> None:
    """Forget a job, whoever has it noted."""
    for found in tagged(key):
        found.styletex.sent = " ".join(other for other in of(found) if other != key)


def of(target: bpy.types.Object) -> list[str]:
    """Keys of the jobs that an object has noted."""
    return target.styletex.sent.split()


def tagged(key: str) -> list[bpy.types.Object]:
    """The objects that have a job noted: with a duplicate of the one that was meant, several."""
    return [found for found in bpy.data.objects if found.library is None and key in of(found)]
