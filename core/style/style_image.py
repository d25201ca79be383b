# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the style image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ..inputs.pictures import read_picture
from ..job import Job, style_shares
from ..picture_kinds.refusals import SMALLEST_STYLE_SIDE

LONGEST = 8.0
"""How many times longer than the other one side may be: everything about a style goes by the shorter one."""


def read_style_image(path: Path, name: str = "", tell: Callable[[str], None] = lambda message: None) -> Image.Image:
    """The picture at ``path`` as ``core.inputs.pictures`` reads it; of one longer than ``LONGEST`` the middle.

    Args:
        path: the file.
        name: what the user calls it; empty takes the file's own.
        tell: told in a sentence what of the picture was left out or not understood.

    Raises:
        JobError: ``bad_image`` when it cannot be read or is too small to show a style; ``out_of_memory``.
    """
    return read_picture(path, "The style image", name, LONGEST, tell, least=SMALLEST_STYLE_SIDE)


def read_style_images(
    job: Job, folder: Path, tell: Callable[[str], None] = lambda message: None
) -> list[tuple[Image.Image, float]]:
    """The style images of a job, and the share of each; see ``read_style_image``."""
    return [
        (read_style_image(folder / name, job.style_name if name == job.style_image else "", tell), share)
        for name, share in style_shares(job)
    ]


def as_tensor(image: Image.Image) -> torch.Tensor:
    """[3, H, W] float32, sRGB in [0, 1]."""
    return torch.from_numpy(np.asarray(image, np.float32) / 255.0).permute(2, 0, 1).contiguous()
