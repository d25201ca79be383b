# SPDX-License-Identifier: GPL-3.0-or-later
"""What the style image gives beside its embedding.

In: the style image. Out: its pixels, and a loss that compares the statistics of a field's colours with its own.
"""
