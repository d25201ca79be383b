# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a run for the artist: its progress, and its finished images to look at and to save.

In: the run. Out: panels below Stylize Texture, and the buttons in them.
"""
