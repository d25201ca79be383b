# SPDX-License-Identifier: GPL-3.0-or-later
"""Where to compute.

In: what the user wants and what a job needs. Out: a device, a precision, and the reason.
"""
