# SPDX-License-Identifier: GPL-3.0-or-later
"""UVs for what has none.

In: a mesh, all or a part of whose triangles have no UVs. Out: UVs for those, without overlap, in a texture of their own
or in what others leave free of one.
"""
