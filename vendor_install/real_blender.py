# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Blender in which the add-on can work: one that starts without a window and whose Python has numpy."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from . import system_packages
from .blender import Blender, about, find_blender
from .messages import SetupError, say


@dataclass(frozen=True)
class RealBlender:
    """A Blender program that will do."""

    blender: Blender
    """The program."""
    python: Path | None
    """The program of its own Python, where it has one."""

    def pythons(self) -> list[Path]:
        """Its own Python, to make an environment with when no other will do."""
        return [self.python] if self.python else []


def find() -> RealBlender | None:
    """The Blender that is here, or ``None`` with a line for each that will not do, and why.

    Raises:
        SetupError: the one named by ``BLENDER`` will not do, or its Python lacks numpy and cannot get it from here.
    """
    search = find_blender()
    for line in search.tried:
        say(f"Not {line}")
    if search.found is None:
        return None
    try:
        facts = about(search.found)
    except SetupError as error:
        if os.environ.get("BLENDER"):
            raise
        say(f"Not {error}")
        return None
    if not facts.has_numpy:
        # Debian and its children take Blender apart; its numpy is then the system's.
        of_the_system = facts.python is not None and facts.python.is_relative_to("/usr")
        system_packages.provide({f"numpy for {search.found}": "python3-numpy" if of_the_system else ""})
    return RealBlender(search.found, facts.python)
