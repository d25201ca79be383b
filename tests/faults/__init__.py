# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults, one by one: what is injected, what is lost, what is left. ``python -m tests.faults`` runs them all."""
