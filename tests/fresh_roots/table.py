# SPDX-License-Identifier: GPL-3.0-or-later
"""The results as a table, and in files that keep the last run of each root and command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from .runs import Result

_HEADINGS = ("root", "Python", "Blender", "command", "result", "seconds", "MB received", "MB of .venv")
_WIDEST = 110
"""Characters of a result that the table shows; ``results.json`` has them all."""


def markdown(results: Sequence[Result]) -> str:
    """A table that is read as well as it is shown."""
    rows = [_HEADINGS, *map(_cells, results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = [f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in rows]
    lines.insert(1, f"|{'|'.join('-' * (width + 2) for width in widths)}|")
    return "\n".join(lines)


def keep(results: Sequence[Result], folder: Path) -> None:
    """Write ``results.json`` and ``results.md``; runs of others that are in there stay."""
    file = folder / "results.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    kept = {(each.root, each.command): each for each in [*(Result(**values) for values in known), *results]}
    ordered = [kept[key] for key in sorted(kept)]
    file.write_text(json.dumps([asdict(each) for each in ordered], indent=2) + "\n", encoding="utf-8")
    (folder / "results.md").write_text(markdown(ordered) + "\n", encoding="utf-8")


def _cells(result: Result) -> tuple[str, ...]:
    numbers = (result.seconds, result.received_megabytes, result.environment_megabytes)
    ending = result.result if len(result.result) <= _WIDEST else f"{result.result[:_WIDEST]}…"
    words = (result.root, result.python, result.blender, result.command, ending.replace("|", "\\|"))
    return (*words, *map(str, numbers))
