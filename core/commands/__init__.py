# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands for people that come with the extension.

In: command line arguments. Out: files, and an exit status.
"""
