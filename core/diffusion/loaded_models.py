# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of one job, kept for the next."""

from __future__ import annotations

from pathlib import Path

import torch

from ..models.profiles import profile
from .networks import Networks, load_networks


class LoadedModels:
    """Keeps the model of the last job, since loading it is the slow part; one at a time, to spare memory."""

    def __init__(self, model_folder: Path | None = None) -> None:
        """``model_folder``: take models from here; see ``core.models.profiles.profile``."""
        self.model_folder = model_folder
        self._networks: Networks | None = None

    def get(self, name: str, device: torch.device, dtype: torch.dtype = torch.float32) -> Networks:
        """The networks of the profile called ``name`` on ``device``, computing in ``dtype``.

        Raises:
            JobError: ``model_missing``.
        """
        kept = self._networks
        if kept is None or (kept.profile.name, kept.device, kept.dtype) != (name, device, dtype):
            self._networks = None
            self._networks = load_networks(profile(name, self.model_folder), device, dtype)
            return self._networks
        return kept
