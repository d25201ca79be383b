# SPDX-License-Identifier: GPL-3.0-or-later
"""Many meshes, each textured as ``core stylize`` would, so that the same command goes on where the last one stopped.

In: a manifest, and an output folder that other commands may be working in too. Out: a folder for each item that is
finished, whole or not at all; a log, a table and a contact sheet of all. The files are the truth: nothing else says
what is finished.
"""
