# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh and its UVs.

In: the arrays of a mesh. Out: a normalised ``Mesh``, the texels of its UV map with their
places on the surface, which surfaces share texels, and patches of points all over it.
"""
