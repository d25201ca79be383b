# SPDX-License-Identifier: GPL-3.0-or-later
"""All faults of the table."""

from __future__ import annotations

from . import blender_rows, disk_rows, inputs_rows, process_rows

GROUPS = {
    "The process that computes": process_rows.ROWS,
    "Disk and folders": disk_rows.ROWS,
    "Blender, and the artist who works on": blender_rows.ROWS,
    "What comes in": inputs_rows.ROWS,
}
"""The rows of the table by their groups."""
