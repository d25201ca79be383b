# SPDX-License-Identifier: GPL-3.0-or-later
"""German."""

GERMAN: dict[str, str] = {}
