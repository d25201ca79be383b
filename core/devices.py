# SPDX-License-Identifier: GPL-3.0-or-later
"""Where to compute."""

from __future__ import annotations

import torch

from .job import DEVICES, JobError


def choose_device(name: str) -> torch.device:
    """The device called ``name``; "auto" takes the first of CUDA, Metal and the CPU that is there.

    Raises:
        JobError: ``bad_setting`` when this computer, or this PyTorch, has no such device.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, there in present.items() if there))
    if not present.get(name, False):
        there = ", ".join(kind for kind in DEVICES if present.get(kind))
        raise JobError(
            "bad_setting", f"The device is {name!r}, which this computer does not offer; it has {there}", "Choose auto."
        )
    return torch.device(name)
