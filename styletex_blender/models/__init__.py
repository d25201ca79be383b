# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that textures are made with, from Blender's side.

In: a wish to see what is there, to download a model, or to hear what a style image shows. Out: the list, how the
download goes, and words. All are commands of ``core`` in the worker's environment; nothing here opens a connection.
"""
