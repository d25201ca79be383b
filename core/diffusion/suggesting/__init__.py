# SPDX-License-Identifier: GPL-3.0-or-later
"""A proposal for the content caption.

In: a style image. Out: nouns for what it shows, by the joint space of image and caption.
"""
