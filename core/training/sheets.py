# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures side by side, to look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def sheet(rows: Sequence[Tensor], columns: int) -> Image.Image:
    """Pictures [N, 3, H, H] in [-1, 1] of each of ``rows`` under each other, ``columns`` of them in a line."""
    lines = []
    for start in range(0, len(rows[0]), columns):
        lines += [_line(row[start : start + columns], columns) for row in rows]
    return Image.fromarray(np.concatenate(lines))


def _line(pictures: Tensor, columns: int) -> np.ndarray:
    values = ((pictures.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu()
    missing = torch.full((columns - len(values), *values.shape[1:]), 128, dtype=torch.uint8)
    return np.concatenate(list(torch.cat([values, missing]).numpy()), axis=1)
