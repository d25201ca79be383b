# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kinds of pictures are opened, and what the others are called.

Pillow tries some forty formats on any file, whatever its name, and hands some of them to other programs (Ghostscript
for Encapsulated PostScript). So the formats are named wherever a picture is opened, and the others are taken from
Pillow's register in this process too, since trimesh opens the textures of mesh files without naming any.
"""

from __future__ import annotations

from PIL import EpsImagePlugin, Image

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "DIB", "GIF", "TGA", "AVIF", "PPM")
"""Pillow's names of what is opened: they hold pixels, and are read in this process. JPEG is also what holds several
pictures of one camera (MPO)."""


def keep_pillow_to_these() -> None:
    """Take every other format from Pillow's register, for whatever opens pictures in this process."""
    Image.init()
    Image.ID[:] = [name for name in Image.ID if name in FORMATS]
    for name in set(Image.OPEN) - set(FORMATS):
        del Image.OPEN[name]
    EpsImagePlugin.gs_binary = False


keep_pillow_to_these()
