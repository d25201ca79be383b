# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the things of a checkout lie."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout, or the folder of the installed extension."""
ENVIRONMENT = ROOT / ".venv"
"""The environment that the demo, the tests and the worker of a checkout share."""
BUILD = ROOT / "build"
"""Whatever is made here and can be made again."""
