# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job costs in time and memory, in ratios taken in one run."""
