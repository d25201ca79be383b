# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells a checkpoint of this job from that of another."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from ..devices.device_choice import DeviceChoice
from ..job import MESH_FILE, Job, style_shares
from ..models.profiles import ModelProfile
from ..models.weights_fingerprint import weights_fingerprint
from ..optimisation.presets import OptimisationSettings
from .report import extension_version

NAMES = ("object_name", "style_name", "base_color_name", "region_name", "own_model", "own_vae")
"""Fields of a job that decide nothing but what is said; of models it is their content that decides."""


def job_fingerprint(
    job: Job, folder: Path, model: ModelProfile, settings: OptimisationSettings, choice: DeviceChoice
) -> str:
    """Identifies everything that decides the optimised field."""
    digest = hashlib.sha256()
    decisive = {
        "version": extension_version(),
        "model": weights_fingerprint(model) if settings.uses_networks else "",
        # The size of strokes depends on that of texels, unless the job sets it.
        "job": {
            **asdict(job),
            **dict.fromkeys(NAMES, ""),
            "loras": [weight for _, weight in job.loras],
            "texture_size": job.texture_size if job.stroke_size is None else 0,
        },
        "settings": {**asdict(settings), "timesteps": repr(settings.timesteps)},
        "device": [choice.device.kind, choice.precision],
    }
    digest.update(json.dumps(decisive, sort_keys=True).encode())
    names = [MESH_FILE, *(name for name, _ in style_shares(job))]
    names += [name for name in (job.base_color, job.region) if name]
    for path in (folder / name for name in names):
        if path.is_file():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
