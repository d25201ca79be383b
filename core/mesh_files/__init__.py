# SPDX-License-Identifier: GPL-3.0-or-later
"""Mesh files: what is in them is read, or what is not read is named.

In: a .glb, .gltf, .obj or .ply file. Out: a checked ``Mesh`` around the origin, where it was, and what the user should
know about it.
"""
