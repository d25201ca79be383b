# SPDX-License-Identifier: GPL-3.0-or-later
"""The row of buttons below an error."""

from __future__ import annotations

from collections.abc import Iterable

from bpy.types import Context, UILayout

from ..operators import STYLETEX_OT_open_preferences
from .help_operators import STYLETEX_OT_free_memory, STYLETEX_OT_open_log, STYLETEX_OT_select_failed
from .ways_out import buttons_for

_REASONS = {
    found.bl_idname: found.why_not
    for found in (
        STYLETEX_OT_free_memory,
        STYLETEX_OT_open_log,
        STYLETEX_OT_open_preferences,
        STYLETEX_OT_select_failed,
    )
}
"""What keeps each from working, of those that cannot always be used."""


def draw_help(layout: UILayout, context: Context, codes: Iterable[str]) -> UILayout:
    """What helps with errors of these codes, as far as it can be used now, and the page on the first of them.

    Returns:
        The row of the page's button, for more.
    """
    codes = sorted(set(codes))
    usable = [name for name in buttons_for(codes) if name not in _REASONS or not _REASONS[name](context)]
    if usable:
        row = layout.row(align=True)
        for name in usable:
            row.operator(name)
    row = layout.row(align=True)
    row.operator("styletex.open_help", icon="QUESTION").code = codes[0]
    return row
