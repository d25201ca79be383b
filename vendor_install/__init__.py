# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds environments, runs the demo and the tests. Standard library only: it runs before anything is installed.

The checkout's own environment, in the order in which a command passes through: ``__main__`` (the right Python),
``command_line``, ``system_packages``, ``requirements``, ``environment`` (with ``distributions``, which finds
half-installed packages), then ``demo`` or ``release`` (both with ``blender``) or ``checks``.

The worker's environment on a user's computer: ``__main__``, ``commands``, then ``install``, which asks ``lock`` what,
``target`` where (``installed`` is the part of it that Blender reads too), ``pythons`` and ``accelerators`` with what;
``tools`` (uv, else pip) do it as ``children``, and ``events`` and ``downloads`` tell how far it is. ``doctor`` runs
``examine`` inside what was installed, and ``bundle`` gathers what an installation without a network needs;
``nvdiffrast`` adds a package that the user has to ask for.
"""
