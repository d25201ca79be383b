# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders in which people have models already: ComfyUI's, A1111's, diffusers', the hub's cache.

In: a folder that somebody chose. Out: what is in it, and a profile that uses it. In order: ``layouts`` → ``found`` →
``use``.
"""
