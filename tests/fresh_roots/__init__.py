# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the README's commands on bare Debian systems, as a new user on a fresh machine would.

``python3 -m tests.fresh_roots`` (as root, on Linux) makes each system of ``roots`` once, below ``roots.HOME``, and runs
the commands in throw-away copies of it. In the order in which a run passes through: ``roots`` (the systems),
``network`` (what of this machine's settings a run needs to reach the same network, and nothing else of it),
``checkout`` (what the user cloned), ``runs`` (one run, measured), ``inside`` (the root as the command sees it) and
``table``.
"""
