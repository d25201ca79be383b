# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the random numbers of a step come from, so that a run that goes on at step N finds the same ones there."""

from __future__ import annotations

import numpy as np
import torch


def step_generator(seed: int, step: int, *stream: int) -> torch.Generator:
    """The source of random numbers of one step, on the CPU; what is computed side by side names a ``stream`` each."""
    mixed = np.random.SeedSequence((seed, step), spawn_key=stream).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(mixed >> np.uint64(1)))
