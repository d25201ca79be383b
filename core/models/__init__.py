# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files make a model, and where they lie.

In: the name of a profile, and files of a person's own. Out: where each of its networks is found, here or, when it may
be fetched, on the hub.
"""
