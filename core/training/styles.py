# SPDX-License-Identifier: GPL-3.0-or-later
"""A style: a pattern family, its scale and turn, two or three colours, and a painter's unevenness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from skimage.color import lab2rgb, rgb2lab
from torch import Tensor

from .captions import PATTERN_WORDS
from .patterns import FAMILIES, Seed, value_noise

COLOUR_EXAMPLES = np.array(
    [
        (0.80, 0.13, 0.10), (0.95, 0.55, 0.10), (0.95, 0.85, 0.25), (0.20, 0.60, 0.25), (0.15, 0.70, 0.70),
        (0.15, 0.30, 0.75), (0.50, 0.25, 0.65), (0.95, 0.60, 0.75), (0.45, 0.27, 0.12), (0.06, 0.06, 0.07),
        (0.50, 0.50, 0.52), (0.95, 0.95, 0.95), (0.88, 0.80, 0.65),
    ]
)  # fmt: skip
"""sRGB of each of ``captions.COLOUR_WORDS``."""


@dataclass(frozen=True)
class Style:
    """Exact ground truth of one style."""

    family: str
    """A key of ``patterns.FAMILIES``."""
    cells: float
    """Pattern cells across a unit of length; an object spans about 1.8 units, a picture 2."""
    turn: float
    """Rotation of the pattern in its plane, radians."""
    colours: np.ndarray
    """float32 [3, 3], sRGB in [0, 1]."""
    unevenness: float
    """How much lightness wanders within a colour, 0 to about 0.15."""
    seed: int
    """Chooses the pattern's own random numbers."""

    def colour(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """sRGB float32 [..., 3] of the style at ``u``, ``v`` in units of length."""
        across, up = (torch.from_numpy(np.ascontiguousarray(each, np.float32)) for each in (u, v))
        weights, wander = layers(self.family, across, up, self.cells, torch.tensor(self.turn), self.seed)
        colour = weights @ torch.from_numpy(self.colours) + (self.unevenness * wander)[..., None]
        return colour.clamp(0.0, 1.0).numpy()


def layers(family: str, u: Tensor, v: Tensor, cells: float | Tensor, turn: Tensor, seed: Seed) -> tuple[Tensor, Tensor]:
    """What a style is before it has colours.

    Args:
        family: a key of ``patterns.FAMILIES``.
        u: [...] across, in units of length.
        v: [...] up.
        cells: see ``Style``; what is a tensor here broadcasts with ``u``.
        turn: see ``Style``.
        seed: see ``Style``.

    Returns:
        Weights [..., 3] of the colours, and how lightness wanders [...], from -1 to 1.
    """
    along, across = turn.cos(), turn.sin()
    x, y = u * cells, v * cells
    x, y = x * along - y * across, x * across + y * along
    wander = value_noise(x / 1.7, y / 1.7, seed + 17) + value_noise(x * 1.3, y * 1.3, seed + 18) - 1.0
    return FAMILIES[family](x, y, seed), wander


def sample_style(rng: np.random.Generator, family: str | None = None) -> Style:
    """A random style, of ``family`` or of all equally often, whose colours are apart by at least 28 in CIELAB."""
    family = family or str(rng.choice(PATTERN_WORDS))
    turn = 0.0 if family in ("brick", "checkered") else float(rng.choice([0.0, 0.0, np.pi / 4, np.pi / 2]))
    return Style(
        family=family,
        cells=float(np.exp(rng.uniform(np.log(3.0), np.log(7.0)))),
        turn=turn + float(rng.normal(0.0, 0.06)),
        colours=_palette(rng),
        unevenness=float(rng.uniform(0.0, 0.12)),
        seed=int(rng.integers(1 << 30)),
    )


def _palette(rng: np.random.Generator) -> np.ndarray:
    chosen: list[np.ndarray] = []
    calm = rng.random() < 0.4
    hue = rng.uniform(0, 2 * np.pi)
    while len(chosen) < 3:
        angle = hue + rng.normal(0, 0.5) if calm else rng.uniform(0, 2 * np.pi)
        chroma = rng.uniform(0, 30) if rng.random() < 0.3 else rng.uniform(25, 75)
        lab = np.array([rng.uniform(12, 95), chroma * np.cos(angle), chroma * np.sin(angle)])
        rgb = np.clip(lab2rgb(lab), 0, 1)
        lab = rgb2lab(rgb)
        if all(np.linalg.norm(lab - other) > 28 for other in chosen):
            chosen.append(lab)
    if rng.random() < 0.4:
        chosen[2] = chosen[0]
    return lab2rgb(np.array(chosen)).clip(0, 1).astype(np.float32)


@dataclass(frozen=True)
class StyleBank:
    """Many styles as arrays: [F, N, ...] for the F families in the order of ``captions.PATTERN_WORDS``."""

    cells: np.ndarray
    """float32 [F, N]."""
    turn: np.ndarray
    """float32 [F, N]."""
    colours: np.ndarray
    """float32 [F, N, 3, 3]."""
    unevenness: np.ndarray
    """float32 [F, N]."""


def style_bank(count: int, seed: int) -> StyleBank:
    """``count`` styles of each family."""
    rng = np.random.default_rng(seed)
    styles = [[sample_style(rng, family) for _ in range(count)] for family in PATTERN_WORDS]

    def column(name: str) -> np.ndarray:
        return np.array([[getattr(style, name) for style in row] for row in styles], np.float32)

    return StyleBank(**{name: column(name) for name in StyleBank.__dataclass_fields__})
