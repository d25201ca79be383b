# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker from Blender's side: its process, its jobs and what is known of a run.

In: prepared jobs. Out: events and frames, taken in by ``runner``, which ends in the scene.
"""
