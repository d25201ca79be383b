# SPDX-License-Identifier: GPL-3.0-or-later
"""How an image gets into a material that is there already, and all else in it stays.

In: a material as the artist made it, and an image on a UV map. Out: a copy whose base colour is the image (``keep``),
with relief from its brightness if that is wished (``relief``). ``surface`` finds the inputs that colour a surface,
``groups`` leads the image into node groups without changing those that others use.
"""
