# SPDX-License-Identifier: GPL-3.0-or-later
"""What people see and click: panel, preferences, properties and operators.

In: clicks. Out: calls of ``api`` and ``installer``; nothing else is done here.
"""
