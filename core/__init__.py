# SPDX-License-Identifier: GPL-3.0-or-later
"""StyleTex's optimizer: textures a mesh in the style of one picture (Xie et al., SIGGRAPH Asia 2024).

Data passes the modules in this order: ``job`` → ``mesh`` → ``cameras`` → ``rasteriser`` → ``field`` →
``diffusion`` (networks, ODCR, guidance) and ``statistics`` → ``optimise`` → ``coverage`` → ``bake`` → ``report``.
``worker`` runs them for another process and speaks ``protocol``; ``command_line`` runs them for a person.
"""
