# SPDX-License-Identifier: GPL-3.0-or-later
"""The published method's cameras (Xie et al. 2024, §5): one at a time, drawn at random from the upper sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .cameras import Camera


@dataclass(frozen=True)
class PublishedSampling:
    """Ranges from which the paper draws every camera, uniformly and independently. Undersides are never seen."""

    views_per_step: int = 1
    """Views rendered in one step."""
    distance: tuple[float, float] = (3.0, 4.0)
    """From the origin, in units of the normalised mesh."""
    fov_degrees: tuple[float, float] = (25.0, 45.0)
    """Vertical field of view."""
    elevation: tuple[float, float] = (-20.0, 45.0)
    """Degrees above the horizon."""
    azimuth: tuple[float, float] = (-180.0, 180.0)
    """Degrees; 0 looks at the front."""


def published_camera(settings: PublishedSampling, seed: int, number: int) -> Camera:
    """The camera of the ``number``-th view of a run."""
    generator = np.random.default_rng((seed, number))
    return Camera(
        azimuth=generator.uniform(*settings.azimuth),
        elevation=generator.uniform(*settings.elevation),
        distance=generator.uniform(*settings.distance),
        fov_degrees=generator.uniform(*settings.fov_degrees),
    )
