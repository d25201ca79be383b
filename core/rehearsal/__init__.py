# SPDX-License-Identifier: GPL-3.0-or-later
"""What a profile costs, found out without its weights and without a graphics card.

In order: ``architectures`` (the networks at their real sizes) → ``random_networks`` (numbers for them) → ``flops``
(operations, counted on networks without numbers) → ``stopwatch`` and ``memory`` → ``rehearse`` (one whole step) →
``command_line``.
"""
