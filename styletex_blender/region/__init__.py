# SPDX-License-Identifier: GPL-3.0-or-later
"""Only Here: the part of an object that is textured alone, and the texture that stays around it.

In: an object, and what the artist chose of it. Out: weights of face corners or a mask, and the present texture with its
own pixels, as files in a job folder.
"""
