# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of textures that are made one after another: what can be done with it, and what is known of it.

In: the current run, and what the artist or the worker says of it. Out: its new order, its list for the interface, its
records in the job folders, and the time that it will take.
"""
