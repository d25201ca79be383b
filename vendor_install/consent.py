# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a download that is much larger than expected may be made: asked, answered beforehand, or only said."""

from __future__ import annotations

import sys
from collections.abc import Callable

from .events import Reporter
from .messages import InstallError

Agree = Callable[[str, str], None]
"""Gets what is about to happen and how to avoid it; returns when that may be, else raises ``InstallError``."""
CODE = "large_download"
"""The error's code."""


def tell(report: Reporter) -> Agree:
    """For where nobody can answer: say it, and go on."""
    return lambda what, instead: report.note(f"{what}. To avoid that: {instead}")


def refuse(what: str, instead: str) -> None:
    """For a program that asks its user and calls again."""
    raise InstallError(CODE, what, f"Install all the same, or: {instead}")


def ask(what: str, instead: str) -> None:
    """For a terminal."""
    print(f"==> {what}.\n    To avoid that: {instead}.", flush=True)
    try:
        answer = input("    Go on all the same? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise InstallError(CODE, "The large download was declined", f"To avoid it: {instead}")


def by_terminal(report: Reporter) -> Agree:
    """``ask`` where a person sits before a terminal, else ``tell``."""
    return ask if sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty() else tell(report)
