# SPDX-License-Identifier: GPL-3.0-or-later
"""StyleTex for Blender: the entry that Blender's extension system loads."""

from .styletex_blender import register as register, unregister as unregister
