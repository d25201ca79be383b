# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's data and ours: meshes, UV maps, images and materials, read and written.

In: an object. Out: arrays for the worker; and back again, a texture on the object. Nothing here knows of processes.
"""
