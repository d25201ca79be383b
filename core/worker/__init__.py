# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker process: jobs for another program, one line of JSON after another.

In: commands on the standard input. Out: events on the standard output, and files in the job's folder.
"""
