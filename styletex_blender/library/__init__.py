# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures that an artist chooses a style from.

In: the sample pictures, the artist's own folder, and which styles were used. Out: pictures with their words, and their
thumbnails.
"""
