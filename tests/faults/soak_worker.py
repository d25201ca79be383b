# SPDX-License-Identifier: GPL-3.0-or-later
"""The real worker and the real method with a few small steps and no model; arguments as of ``quick_stylize.py``."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "core" / "commands")]

import quick_stylize as quick_stylize  # noqa: E402 - makes the settings small when it is loaded

from core.worker.worker import IDLE_MINUTES, main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(IDLE_MINUTES))
