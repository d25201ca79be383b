# SPDX-License-Identifier: GPL-3.0-or-later
"""From cameras to pixels.

In: a normalised mesh and where cameras may stand. Out: for each step the points of the surface that each pixel shows,
as tensors, with the control images of the same views and the light on them.
"""
