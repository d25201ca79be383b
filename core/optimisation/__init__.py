# SPDX-License-Identifier: GPL-3.0-or-later
"""The texture field and how it is optimised.

In: views, the diffusion model's score and the style's statistics. Out: a field of colours over the surface.
"""
