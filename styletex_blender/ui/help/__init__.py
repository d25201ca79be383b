# SPDX-License-Identifier: GPL-3.0-or-later
"""What helps when something went wrong: which button, which page, and the log.

In: errors by their codes. Out: short texts and buttons; files that open where people can read them.
"""
