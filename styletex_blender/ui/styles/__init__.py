# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing a style: from thumbnails, from a file that is dropped, from a folder of one's own.

In: clicks and drops. Out: the style image of the scene or of an object, with the words that go with it.
"""
