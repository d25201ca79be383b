# SPDX-License-Identifier: GPL-3.0-or-later
"""StyleTex's optimizer: textures a mesh in the style of one picture (Xie et al., SIGGRAPH Asia 2024).

A job passes these rooms in this order, and each imports only those before it (``tests/test_import_contract.py``):
``geometry`` → ``unwrapping`` → ``mesh_files`` → ``views`` → ``models`` → ``devices`` → ``diffusion`` → ``style`` →
``detail`` → ``texture_field`` → ``optimisation`` → ``results``.
``stylize`` is the story of one job. ``worker`` runs it for another process and ``commands`` for a person;
``command_line`` leads to both. ``job``, ``protocol``, ``reporting`` and ``failure`` are what they all speak of.

Not part of the extension: ``evaluation``, ``training``, ``rehearsal`` and ``bench``. See ``docs/map.md``.
"""
