# SPDX-License-Identifier: GPL-3.0-or-later
"""Textures that are made elsewhere, by ``python -m core batch``, which goes on when Blender ends.

In: exported objects, and the address of a farm (``place``). Between: a folder for each job on the farm's disk, which
says what it is for (``sent``), and what the batch command says of it (``job``). Out: the textures on their objects when
they are there (``collecting``), in this session or when the file is opened again.
"""
