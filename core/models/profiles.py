# SPDX-License-Identifier: GPL-3.0-or-later
"""Model profiles: one typed description of each diffusion model that can judge the renders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..job import PROFILES, JobError
from .families.bundled import BUNDLED_FOLDER as BUNDLED_FOLDER, bundled
from .families.sd15 import sd15
from .families.sdxl import sdxl
from .model_profile import (
    ControlNetProfile as ControlNetProfile,
    ModelProfile as ModelProfile,
    NetworkSource as NetworkSource,
    StyleLayers as StyleLayers,
)
from .own_weights import OwnWeights, with_own_weights

FAMILIES: dict[str, Callable[[Path | None], ModelProfile]] = {"bundled": bundled, "sd15": sd15, "sdxl": sdxl}
"""By name, in the order of ``core.job.PROFILES``."""


def profile(name: str, folder: Path | None = None, own: OwnWeights | None = None) -> ModelProfile:
    """The profile called ``name``.

    Args:
        name: one of ``core.job.PROFILES``.
        folder: take the model's files from here; ``None`` takes the bundled folder or the hub's cache.
        own: files of a person's own in place of some of them; their headers are read and checked.

    Raises:
        JobError: ``bad_setting`` when there is no such profile, or it takes no files of one's own; ``model_missing``
            when its files are damaged, or one's own are not what they should be.
    """
    if name not in FAMILIES:
        raise JobError("bad_setting", f"The model is {name!r}; it must be one of {', '.join(PROFILES)}")
    model = FAMILIES[name](folder)
    return model if own is None else with_own_weights(model, own)
