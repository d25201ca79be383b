# SPDX-License-Identifier: GPL-3.0-or-later
"""The present texture's light and dark in another style."""

import bpy

settings = bpy.context.scene.styletex
settings.preset = "balanced"
settings.profile = "bundled"
settings.texture_size = "1024"
settings.tiles = "auto"
settings.content_removal = 1.0
settings.style_strength = 1.0
settings.use_stroke_size = False
settings.stroke_size = 0.75
settings.use_detail = False
settings.detail = 1.0
settings.use_tone = False
settings.tone = 3.0
settings.shading = True
settings.start_from_present = True
settings.restyle_strength = 0.5
settings.use_relief = False
settings.relief = 0.3
