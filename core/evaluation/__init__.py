# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures of how well a texture took its style: what ``python -m core evaluate`` computes, and nothing optimises.

In the order in which data passes them: ``meshes``, ``styles``, ``cases`` (stylize every style on every mesh), ``views``
(what is measured), the measures ``style_distance``, ``judge``, ``leakage``, ``seams``, ``baked_light`` and the ``maps``
that show them, then ``rank``, ``results`` and ``evaluate``, which runs them all. ``ablation`` does so with one part of
the method left out at a time.
"""
