# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the environment, runs the demo and the tests. Standard library only: it runs before anything is installed.

In the order in which a command passes through them: ``__main__`` (the right Python), ``command_line``,
``system_packages``, ``requirements``, ``environment`` (with ``distributions``, which finds half-installed packages),
then ``demo`` (with ``blender``) or ``checks``.
"""
