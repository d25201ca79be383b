# SPDX-License-Identifier: GPL-3.0-or-later
"""Models and files of the artist's own in the panel and the preferences.

In: what ``models`` knows of them. Out: the list, the download's buttons and course, and the fields for own files.
"""
