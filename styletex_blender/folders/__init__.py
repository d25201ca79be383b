# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on the disk between a click and a texture. No ``bpy`` here.

In: what a job needs, in a folder of its own (``job_folder``). Out: a finished texture where nothing removes it until it
is on its object (``kept``). How long either waits for somebody is counted by ``age``.
"""
