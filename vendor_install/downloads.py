# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads how far downloads are from the lines that uv and pip print."""

from __future__ import annotations

import re
import time

_UNITS = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_ANNOUNCED = re.compile(r"\s*Downloading (\S+) \(([\d.]+) ?([kKMG]?i?B)\)")
_FINISHED = re.compile(r"\s*Downloaded (\S+)")
_RAW = re.compile(r"Progress (\d+) of (\d+)")


def announced(line: str) -> tuple[str, int] | None:
    """The file whose download a tool's line announces, and its bytes; ``None`` for other lines."""
    match = _ANNOUNCED.match(line)
    return (match[1], int(float(match[2]) * _UNITS.get(match[3], 1))) if match else None


class Downloads:
    """The downloads of one stage.

    uv names each large file with its size when it begins and again when it ends, several at a time. pip takes one after
    the other and, since version 24.1, counts bytes.
    """

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._bytes: dict[str, int] = {}
        self._latest = ""
        self._start = time.monotonic()

    def read(self, line: str) -> bool:
        """Take in one line of a tool; whether it told something about a download."""
        if told := announced(line):
            self._latest, self._sizes[told[0]] = told
            self._bytes.setdefault(told[0], 0)
            return True
        if match := _FINISHED.match(line):
            if match[1] in self._sizes:
                self._bytes[match[1]] = self._sizes[match[1]]
            return True
        if (match := _RAW.match(line)) and self._latest:
            self._bytes[self._latest], self._sizes[self._latest] = int(match[1]), int(match[2])
            return True
        return False

    @property
    def fraction(self) -> float:
        """The part of the known downloads that is here, 0 to 1."""
        total = sum(self._sizes.values())
        return sum(self._bytes.values()) / total if total else 0.0

    def values(self, now: float) -> dict[str, int]:
        """``bytes``, ``total_bytes`` and, once something has come, ``bytes_per_second`` and ``seconds_left``."""
        here, total = sum(self._bytes.values()), sum(self._sizes.values())
        if not total:
            return {}
        values = {"bytes": here, "total_bytes": total}
        speed = here / max(now - self._start, 1e-3)
        if speed:
            values |= {"bytes_per_second": int(speed), "seconds_left": int((total - here) / speed)}
        return values
