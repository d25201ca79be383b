# SPDX-License-Identifier: GPL-3.0-or-later
"""How all items of a batch stand, as a table and as one picture."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from rich.table import Table

from ..inputs.pictures import read_picture
from ..job import PREVIEW_FILE, REPORT_FILE, JobError
from ..storage.whole_file import whole_file
from .batch_folder import BatchFolder
from .inputs import inputs_of
from .manifest import Item

SUMMARY_FILE = "summary.csv"
SHEET_FILE = "contact_sheet.jpg"
"""The first; others are ``contact_sheet_2.jpg`` and so on."""
DONE, FAILED, ELSEWHERE, OPEN = "done", "failed", "being made", "not done"
LONGEST_TABLE = 60
"""Items up to which the terminal is shown all of them; beyond, only those that are not done."""
_COLUMNS, _ROWS, _WIDTH, _HEIGHT, _LABEL, _MARGIN = 4, 25, 400, 201, 22, 12


@dataclass(frozen=True)
class Row:
    """How one item stands."""

    name: str
    state: str
    """One of ``DONE``, ``FAILED``, ``ELSEWHERE`` and ``OPEN``."""
    seconds: float | None = None
    """What a finished one took, by its report."""
    code: str = ""
    """Of what failed: a key of ``core.job.EXIT_STATUS``."""
    message: str = ""
    hint: str = ""


def summarise(items: Sequence[Item], folder: BatchFolder) -> list[Row]:
    """How the items stand now, by the files alone: whoever made them."""
    return [_row(item, folder) for item in items]


def _row(item: Item, folder: BatchFolder) -> Row:
    try:
        finished = folder.is_finished(item.name, inputs_of(item))
    except OSError:
        finished = False
    if finished:
        return Row(item.name, DONE, _seconds(folder.result(item.name)))
    with folder.claim(item.name) as is_free:
        if not is_free:
            return Row(item.name, ELSEWHERE)
    error = folder.failure(item.name)
    if error is None:
        return Row(item.name, OPEN)
    return Row(item.name, FAILED, code=error.code, message=error.message, hint=error.hint)


def _seconds(result: Path) -> float | None:
    try:
        stages = json.loads((result / REPORT_FILE).read_text(encoding="utf-8"))["seconds"]
        return round(sum(stages.values()), 1)
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


def write_summary(rows: Sequence[Row], folder: BatchFolder) -> None:
    """Write the table, and the pictures of what is finished.

    Raises:
        OSError: they cannot be written.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("item", "state", "seconds", "error", "message", "hint"))
    for row in rows:
        table.writerow((row.name, row.state, row.seconds, row.code, row.message, row.hint))
    with folder.summarising():
        with whole_file(folder.path / SUMMARY_FILE) as file:
            file.write(text.getvalue().encode("utf-8", "replace"))
        shown = [row for row in rows if row.state in (DONE, FAILED)]
        page = _COLUMNS * _ROWS
        for start in range(0, len(shown), page):
            sheet = _sheet(shown[start : start + page], folder)
            name = SHEET_FILE if start == 0 else SHEET_FILE.replace(".", f"_{start // page + 1}.")
            with whole_file(folder.path / name) as file:
                sheet.save(file, "JPEG", quality=90)


def show_summary(rows: Sequence[Row], console: Console) -> None:
    """Print the table, and how many are in which state."""
    shown = rows if len(rows) <= LONGEST_TABLE else [row for row in rows if row.state != DONE]
    table = Table("item", "state", "seconds", "what is wrong")
    for row in shown[:LONGEST_TABLE]:
        seconds = "" if row.seconds is None else f"{row.seconds:.1f}"
        table.add_row(row.name, row.state, seconds, f"{row.message}. {row.hint}" if row.hint else row.message)
    console.print(table)
    counts = {state: sum(row.state == state for row in rows) for state in (DONE, FAILED, ELSEWHERE, OPEN)}
    parts = [f"{count} {state}" for state, count in counts.items() if count or state in (DONE, FAILED)]
    console.print(f"{len(rows)} items: {', '.join(parts)}")


def _sheet(rows: Sequence[Row], folder: BatchFolder) -> Image.Image:
    columns = min(_COLUMNS, len(rows))
    across, down = _WIDTH + _MARGIN, _HEIGHT + _LABEL + _MARGIN
    sheet = Image.new("RGB", (columns * across + _MARGIN, -(-len(rows) // columns) * down + _MARGIN), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for number, row in enumerate(rows):
        left, top = _MARGIN + number % columns * across, _MARGIN + number // columns * down
        preview = _preview(folder.result(row.name) / PREVIEW_FILE) if row.state == DONE else None
        if preview is not None:
            sheet.paste(preview, (left + (_WIDTH - preview.width) // 2, top + (_HEIGHT - preview.height) // 2))
        else:
            draw.rectangle((left, top, left + _WIDTH, top + _HEIGHT), fill=(235, 235, 235))
            said = row.code or "no preview"
            draw.text((left + _WIDTH / 2, top + _HEIGHT / 2), said, fill=(170, 40, 30), font=font, anchor="mm")
        label = row.name.encode(errors="replace").decode()[:50]
        draw.text((left + _WIDTH / 2, top + _HEIGHT + _LABEL / 2), label, fill=(60, 60, 60), font=font, anchor="mm")
    return sheet


def _preview(path: Path) -> Image.Image | None:
    try:
        picture = read_picture(path)
    except JobError:
        return None
    picture.thumbnail((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS)
    return picture
