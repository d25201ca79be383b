# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core``: see ``core.command_line``."""

from __future__ import annotations

import sys

from .command_line import main

sys.exit(main())
