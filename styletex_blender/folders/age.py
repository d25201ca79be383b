# SPDX-License-Identifier: GPL-3.0-or-later
"""How long something has been kept, in days on which StyleTex was used. No ``bpy`` here.

A computer's clock may be set wrong by years; a day on which nobody saw what was kept is none that it waited.
"""

from __future__ import annotations

import time
from pathlib import Path

_DAYS_FILE = "days.txt"


def count_today(folder: Path) -> int:
    """Note that ``folder`` was seen today; on how many different days it has been.

    Raises:
        OSError: the note cannot be read.
    """
    path = folder / _DAYS_FILE
    days = set(path.read_text(encoding="ascii", errors="replace").split()) if path.exists() else set()
    if (today := time.strftime("%Y-%m-%d")) not in days:
        days.add(today)
        try:
            path.write_text("\n".join(sorted(days)), encoding="ascii", errors="replace")
        except OSError:
            return len(days)  # On a full disk the day is noted another time.
    return len(days)
