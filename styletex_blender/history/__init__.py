# SPDX-License-Identifier: GPL-3.0-or-later
"""What was made for an object before: its finished textures, each with the settings that it was made with.

In: an image that was made for an object, and a record of how (``record``). Out: the object's list of them
(``entries``), saved with the file and undone like all else, which of them the object shows and which is applied
(``shown``).
"""
