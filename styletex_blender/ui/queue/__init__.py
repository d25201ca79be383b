# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue as people see it: a list of the textures that are made one after another, and its buttons.

In: the current run, and clicks. Out: calls of ``api``, ``runner`` and ``worker.queue.order``.
"""
