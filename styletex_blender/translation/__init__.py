# SPDX-License-Identifier: GPL-3.0-or-later
"""Other languages than English. In: what stands in the code. Out: the same in the language of Blender's interface."""
