# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that textures are made with, from Blender's side.

In: a wish to see what is there, or to download a model. Out: the list, and how the download goes. Both are commands of
``core`` in the worker's environment; nothing here opens a connection.
"""
