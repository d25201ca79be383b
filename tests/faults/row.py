# SPDX-License-Identifier: GPL-3.0-or-later
"""One fault, with the tests that inject it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One fault of the table."""

    fault: str
    injected: str
    """How, in one sentence."""
    lost: str
    """Work that is gone; a test that measures it puts "lost" among its properties, which then stands here."""
    left: str
    """Processes and files that are there afterwards; likewise "left"."""
    tests: tuple[str, ...]
    """Of pytest, under ``tests/``; without a ``[``, all parameters of it."""


def core(*names: str) -> tuple[str, ...]:
    return tuple(f"core/{name}" for name in names)


def blender(*names: str) -> tuple[str, ...]:
    return tuple(f"styletex_blender/{name}" for name in names)


COMMAND, LINE = "commands/test_output_folder.py", "commands/test_stylize_command.py"
PLACES = "commands/test_output_places.py"
WORKER, FRAMES = "worker/test_worker.py", "worker/test_frames.py"
CLIENT = "worker/test_client.py"
LAND = "landing/test_land.py"
CHANGES = "landing/test_changes.py"
GONE = "landing/test_object_gone.py"
MOMENT = "landing/test_moment.py"
NOTHING, NO_TRACE = "nothing", "no process, no file"
