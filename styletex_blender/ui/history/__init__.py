# SPDX-License-Identifier: GPL-3.0-or-later
"""The active object's history: its results as thumbnails, to be shown, compared, applied, made again and deleted.

In: the object's results, and clicks. Out: calls of ``api`` and ``history``, each one a step of undo.
"""
