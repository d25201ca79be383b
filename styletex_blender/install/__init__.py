# SPDX-License-Identifier: GPL-3.0-or-later
"""The installer from Blender's side.

In: a wish to install, check or remove. Out: the course of it, in words that the preferences show.
"""
