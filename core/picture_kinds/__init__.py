# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of picture a file is, and what is said of one that is not read; Blender and the worker say the same.

In: the beginning of a file, the size of a picture. Out: a kind's name, or a ``JobError``.
"""
