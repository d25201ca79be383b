# SPDX-License-Identifier: GPL-3.0-or-later
"""What the options of the commands have in common: their paths and weights, and what is said of wrong ones.

Standard library only: Blender's Python and the worker's Python both load this module.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

_ARGPARSE_SAYS = (
    (re.compile(r"invalid int value: (.*)", re.DOTALL), "{0} is {1}; it must be a whole number"),
    (re.compile(r"invalid float value: (.*)", re.DOTALL), "{0} is {1}; it must be a number, as 0.8 is"),
    (re.compile(r"invalid choice: (.*) \(choose from (.*)\)", re.DOTALL), "{0} is {1}; it must be one of {2}"),
    (re.compile(r"expected one argument"), "{0} lacks its value"),
)
_OF_ONE = re.compile(r"argument (?P<name>\S+): (?P<rest>.*)", re.DOTALL)
_LACKING = re.compile(r"the following arguments are required: (.*)", re.DOTALL)


class OptionParser(argparse.ArgumentParser):
    """Says in one line what is wrong, and in another where all options are, since argparse's own usage fills a screen.
    Options of the type ``Path`` take no empty ones.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register("type", Path, path)

    def error(self, message: str) -> NoReturn:
        """End the process with status 2."""
        self.exit(2, f"Error: {in_words(message)}\n`{self.prog} --help` shows what there is.\n")


def in_words(message: str) -> str:
    """What argparse says of a wrong value, as the rest of the program says it: the value, and what it must be."""
    if lacking := _LACKING.fullmatch(message):
        return f"The command lacks {lacking[1]}"
    found = _OF_ONE.fullmatch(message)
    if found is None:
        return message
    for pattern, words in _ARGPARSE_SAYS:
        if said := pattern.fullmatch(found["rest"]):
            return words.format(found["name"], *said.groups())
    return f"{found['name']}: {found['rest']}"


def path(text: str) -> Path:
    """A path that somebody named: an empty one, as of a variable that is not set, is not the current folder, and ~ is
    the home folder also where the shell left it alone (``--models=~/here``).

    Raises:
        argparse.ArgumentTypeError: it is empty.
    """
    if not text:
        raise argparse.ArgumentTypeError("it is empty; write . for the current folder")
    found = Path(text)
    # A file may begin with ~ too.
    with contextlib.suppress(RuntimeError):
        return found.expanduser()
    return found


def whole_number(least: int, greatest: int) -> Callable[[str], int]:
    """What reads a whole number from ``least`` to ``greatest``."""

    def read(text: str) -> int:
        with contextlib.suppress(ValueError):
            if least <= (number := int(text)) <= greatest:
                return number
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {greatest}")

    return read


def path_and_weight(limits: tuple[float, float]) -> Callable[[str], tuple[Path, float]]:
    """What reads a path and the number behind its last colon, 1 where there is none; a colon may also be part of the
    path.

    Args:
        limits: least and greatest weight.
    """

    def read(text: str) -> tuple[Path, float]:
        name, colon, weight = text.rpartition(":")
        of_a_drive = len(name) == 1 and weight[:1] in ("\\", "/")
        if not colon or of_a_drive or (path(text).exists() and not path(name or ".").exists()):
            return path(text), 1.0
        try:
            number = float(weight)
        except ValueError:
            number = math.nan
        if not limits[0] <= number <= limits[1]:
            raise argparse.ArgumentTypeError(
                f"the weight of {path(name)} is {weight or 'empty'}; it must be a number from {limits[0]:g} to"
                f" {limits[1]:g}, as in {name}:0.8"
            )
        return path(name), number

    return read
