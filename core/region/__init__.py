# SPDX-License-Identifier: GPL-3.0-or-later
"""A part of an object that is stylized alone, with a soft border inside it.

In: the mesh, which faces or texels are meant, and the present texture. Out: a weight for each place of the surface, a
field that is the present colour outside, and a texture that is the present one there bit for bit.
"""
