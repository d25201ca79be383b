# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings under a name, in Blender's own way: those that come with StyleTex (``shipped``), and the artist's own.

In: a choice in the menu of the panel's header. Out: the scene's settings.
"""
