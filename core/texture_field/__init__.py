# SPDX-License-Identifier: GPL-3.0-or-later
"""What is optimised: a colour for every point in space, from a grid of learned numbers.

In: the size of the grid and a seed; then positions in the normalised mesh's space. Out: their colours, sRGB in [0, 1],
with gradient to the numbers. ``hash_grid`` looks them up, ``field`` makes colours of them.
"""
