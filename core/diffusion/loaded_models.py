# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of one job, kept for the next."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import torch

from ..failure import release_memory
from ..models.model_files import model_files
from ..models.own_weights import OwnWeights
from ..models.profiles import NOTHING, ModelProfile, profile
from .networks import Networks, load_networks

Stamps: TypeAlias = tuple[tuple[str, int, int], ...]


class LoadedModels:
    """Keeps the model of the last job, since loading it is the slow part; one at a time, to spare memory."""

    def __init__(self, model_folder: Path | None = None) -> None:
        """``model_folder``: take models from here; see ``core.models.profiles.profile``."""
        self.model_folder = model_folder
        self._networks: Networks | None = None
        self._stamps: Stamps = ()

    def get(
        self,
        name: str,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        own: OwnWeights = NOTHING,
    ) -> Networks:
        """The networks of the profile called ``name`` on ``device``, computing in ``dtype``, with files of a person's
        ``own`` in place of its own.

        Raises:
            JobError: ``model_missing``.
        """
        model = profile(name, self.model_folder, own)
        stamps = _stamps(model)
        kept = self._networks
        if kept is not None and (kept.profile, kept.device, kept.dtype, self._stamps) == (model, device, dtype, stamps):
            kept.freeze()  # It may have been at rest.
            return kept
        self._networks = None
        self._networks, self._stamps = load_networks(model, device, dtype), stamps
        return self._networks

    def rest(self) -> None:
        """Keep the networks in the machine's memory until they are asked for again, and nothing on a graphics card."""
        if self._networks is not None and self._networks.device.type != "cpu":
            for module in self._networks.modules().values():
                module.to("cpu")
        release_memory()


def _stamps(model: ModelProfile) -> Stamps:
    """Size and time of the last change of the files of a person's own, which may change from job to job."""
    places = [file.place / file.path for file in model_files(model) if file.place is not None]
    return tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in places if path.is_file())
