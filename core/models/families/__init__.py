# SPDX-License-Identifier: GPL-3.0-or-later
"""The families of models, one file each.

In: a folder with its files, or none. Out: its ``ModelProfile``. A family more is such a file, its configurations in
``core/models/configurations``, its name in ``core.job.PROFILES`` and its line in ``core.models.profiles``.
"""
