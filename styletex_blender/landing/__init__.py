# SPDX-License-Identifier: GPL-3.0-or-later
"""How a finished texture gets onto an object that the artist has worked on meanwhile.

In: what the object was like when its job began (``changes``), and a texture in its kept place. Out: the texture on the
object as one step of undo (``land``), when Blender can take it (``moment``), or the reason why it cannot be there.
"""
