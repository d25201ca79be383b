# SPDX-License-Identifier: GPL-3.0-or-later
"""From the field to files.

In: an optimised field. Out: textures without holes, previews, a textured ``.glb`` and the report.
"""
