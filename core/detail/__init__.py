# SPDX-License-Identifier: GPL-3.0-or-later
"""Detail to the texel: each place of the surface takes the style image's own pixels from a place that looks like it.

In: a mesh, its colours so far, and the style image. Out: colours of texels.
"""
