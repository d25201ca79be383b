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
from .places.use import use_folder

FAMILIES: dict[str, Callable[[Path | None], ModelProfile]] = {"bundled": bundled, "sd15": sd15, "sdxl": sdxl}
"""By name, in the order of ``core.job.PROFILES``."""
SHIPPED = "bundled"
"""The one that comes with the program."""
NOTHING = OwnWeights()


def profile(name: str, folder: Path | None = None, own: OwnWeights = NOTHING) -> ModelProfile:
    """The profile called ``name``.

    Args:
        name: one of ``core.job.PROFILES``.
        folder: look for the model's files here first, in any layout of ``places.layouts``; what is not there, and all
            with ``None``, comes from the hub's cache. The bundled model is taken from here only where this is it.
        own: files of a person's own in place of some of them; their headers are read and checked.

    Raises:
        JobError: ``bad_setting`` when there is no such profile, or it takes no files of one's own; ``model_missing``
            when its files are damaged, or one's own are not what they should be.
    """
    if name not in FAMILIES:
        raise JobError("bad_setting", f"The model is {name!r}; it must be one of {', '.join(PROFILES)}")
    make = FAMILIES[name]
    if name == SHIPPED:
        # Other models have no encoder of captions among their parts.
        mine = folder is not None and (folder / "caption_encoder").is_dir()
        return with_own_weights(make(folder if mine else None), own)
    return with_own_weights(make(None), own) if folder is None else use_folder(make, folder, own)
