# SPDX-License-Identifier: GPL-3.0-or-later
"""CIELAB of sRGB colours as tensors (CIE 1976, D65, 2° observer; IEC 61966-2-1)."""

from __future__ import annotations

import torch
from torch import Tensor

from .fusion import constant

_TO_XYZ = (
    (0.412453 / 0.95047, 0.357580 / 0.95047, 0.180423 / 0.95047),
    (0.212671, 0.715160, 0.072169),
    (0.019334 / 1.08883, 0.119193 / 1.08883, 0.950227 / 1.08883),
)
"""Linear sRGB to XYZ over the white point."""


def lab(rgb: Tensor) -> Tensor:
    """float32 [..., 3] CIELAB of sRGB [..., 3] in [0, 1]."""
    linear = torch.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = linear @ constant(_TO_XYZ, rgb.device).T
    root = torch.where(xyz > 0.008856, xyz.clamp(min=1e-6) ** (1 / 3), 7.787 * xyz + 16 / 116)
    x, y, z = root.unbind(-1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=-1)
