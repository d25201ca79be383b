# SPDX-License-Identifier: GPL-3.0-or-later
"""Only Here, and Touch Up, in the panel.

In: the scene's and the objects' settings, and a finished image. Out: a part of the object that is chosen, and Texture
Paint set up.
"""
