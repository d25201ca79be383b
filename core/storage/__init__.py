# SPDX-License-Identifier: GPL-3.0-or-later
"""How files are written: whole or not at all, never through a link, and optional ones never at the job's cost.

In: bytes and where they go. Out: files.
"""
