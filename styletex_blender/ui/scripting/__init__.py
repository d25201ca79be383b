# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of the panel as properties of operators, for scripts, macros and shortcuts.

In: the scene's settings and what a caller gives in their place. Out: ``settings.Settings``.
"""
