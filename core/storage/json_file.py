# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON that can always be written, whatever came into it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from .whole_file import whole_file


def write_json(values: dict[str, Any], path: Path) -> None:
    """Write ``values`` to ``path`` as JSON for people too.

    A number that is not finite, as a step that was left out may have measured, becomes ``null``, since JSON has none;
    text that is no Unicode (a file name in another encoding) keeps its odd characters as escapes.

    Raises:
        OSError: it cannot be written.
    """
    text = json.dumps(_finite(values), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with whole_file(path) as file:
        # What Python writes for a lone surrogate is its escape in JSON too.
        file.write(text.encode("utf-8", "backslashreplace"))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
