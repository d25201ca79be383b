# SPDX-License-Identifier: GPL-3.0-or-later
"""What set-up says: a line when a step begins, a line when it ends, and one kind of error."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class SetupError(Exception):
    """Something the person at the keyboard can mend; the message says what is wrong and what to do."""


class InstallError(SetupError):
    """A ``SetupError`` of the installer, with a code for programs and the remedy apart from the message."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(f"{message}. {hint}." if hint else f"{message}.")
        self.code = code
        self.message = message
        self.hint = hint


def say(text: str) -> None:
    """Print one line now, also when the output goes to a file."""
    print(f"==> {text}", flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a step and, when it went well, say how long it took."""
    say(title)
    start = time.monotonic()
    yield
    say(f"{title}: done in {time.monotonic() - start:.0f} s")
