# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the cameras stand that look at the object.

World: right-handed, Z up, the object's front looks along -Y. Camera space is OpenGL's: x right, y up, looking
along -z.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..job import JobError

FloatArray = NDArray[np.float32]

LARGEST_RADIUS = 0.9 * math.sqrt(3.0)
"""Radius of the sphere around the origin that holds every mesh made by ``mesh.normalise``."""

_R1 = 0.6180339887498949
_R2 = (0.7548776662466927, 0.5698402909980532)
"""Steps of Roberts' low-discrepancy sequences in one and two dimensions (roots of x² = x + 1 and x³ = x + 1)."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks at a point, the origin unless said otherwise; square pixels, no roll."""

    azimuth: float
    """Degrees; 0 looks at the front (from -Y), 90 from +X, 180 at the back."""
    elevation: float
    """Degrees in [-90, 90]; 90 looks down from above, with the object's back at the top of the image."""
    distance: float
    """From the target, in units of the normalised mesh."""
    fov_degrees: float
    """Vertical field of view."""
    target: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """The point in the middle of the image, world space."""

    @classmethod
    def looking_at(cls, target: FloatArray, eye: FloatArray, fov_degrees: float) -> Camera:
        """The camera that stands at ``eye`` [3] and looks at ``target`` [3], another point."""
        x, y, z = (float(value) for value in np.asarray(eye, np.float64) - np.asarray(target, np.float64))
        level = math.hypot(x, y)
        return cls(
            azimuth=math.degrees(math.atan2(x, -y)),
            elevation=math.degrees(math.atan2(z, level)),
            distance=math.hypot(level, z),
            fov_degrees=fov_degrees,
            target=(float(target[0]), float(target[1]), float(target[2])),
        )

    @property
    def rotation(self) -> FloatArray:
        """float32 [3, 3]: rows are the camera's right, up and backward axes in the world; defined at the poles too."""
        azimuth, elevation = math.radians(self.azimuth), math.radians(self.elevation)
        sin_a, cos_a = math.sin(azimuth), math.cos(azimuth)
        sin_e, cos_e = math.sin(elevation), math.cos(elevation)
        return np.array(
            [
                [cos_a, sin_a, 0.0],
                [-sin_a * sin_e, cos_a * sin_e, cos_e],
                [sin_a * cos_e, -cos_a * cos_e, sin_e],
            ],
            dtype=np.float32,
        )

    @property
    def position(self) -> FloatArray:
        """float32 [3], world space."""
        return np.array(self.target, dtype=np.float32) + self.rotation[2] * np.float32(self.distance)

    @property
    def world_to_camera(self) -> FloatArray:
        """float32 [4, 4], to be multiplied with column vectors from the left."""
        matrix = np.eye(4, dtype=np.float32)
        matrix[:3, :3] = self.rotation
        matrix[:3, 3] = -self.rotation @ self.position
        return matrix

    def rays(self, height: int, width: int) -> tuple[FloatArray, FloatArray]:
        """Rays through the pixel centres, row 0 at the top: origins and unit directions, float32 [H, W, 3] each."""
        return self.rays_through(np.arange(height)[:, None] + 0.5, np.arange(width) + 0.5, height, width)

    def rays_through(
        self, rows: NDArray[np.floating[Any]], columns: NDArray[np.floating[Any]], height: int, width: int
    ) -> tuple[FloatArray, FloatArray]:
        """Rays through any places of an image: origins and unit directions, float32 [..., 3] each.

        Args:
            rows: [...] from the image's upper edge, in pixels; the centre of the first row is 0.5. Broadcast with
                ``columns``.
            columns: [...] from its left edge.
            height: of the image in pixels.
            width: of the image in pixels.
        """
        half = math.tan(math.radians(self.fov_degrees) / 2.0)
        right = (columns * 2.0 / width - 1.0) * half * width / height
        up = (1.0 - rows * 2.0 / height) * half
        shorter = 1.0 / np.sqrt(right**2 + up**2 + 1.0)
        directions = np.empty((*shorter.shape, 3), np.float32)
        for axis, (along_right, along_up, back) in enumerate(self.rotation.astype(np.float64).T):
            directions[..., axis] = (right * along_right + (up * along_up - back)) * shorter
        return np.broadcast_to(self.position, directions.shape), directions


@dataclass(frozen=True)
class ViewSampling:
    """Where the cameras stand during optimisation. Distance and field of view of those that see the whole object are
    the paper's (Xie et al. 2024); the directions cover the whole sphere, so that undersides and tops are seen as often
    as the sides.
    """

    views_per_step: int = 2
    """Views rendered in one step; consecutive pairs look from opposite sides."""
    distance: tuple[float, float] = (3.0, 4.0)
    """Range of the distance from the origin, in units of the normalised mesh, drawn uniformly; beyond the mesh."""
    fov_degrees: tuple[float, float] = (25.0, 45.0)
    """Range of the vertical field of view in degrees, drawn uniformly; between 1 and 120."""
    close_ups: float = 0.5
    """Largest share of the views, from 0 to 1, that go near to what views of the whole object show too little of."""

    def __post_init__(self) -> None:
        if self.views_per_step < 1:
            raise JobError("bad_setting", f"views_per_step is {self.views_per_step}; it must be at least 1")
        if not LARGEST_RADIUS < self.distance[0] <= self.distance[1]:
            raise JobError(
                "bad_setting", f"distance is {self.distance}; it must rise and be more than {LARGEST_RADIUS:.2f}"
            )
        if not 1.0 <= self.fov_degrees[0] <= self.fov_degrees[1] <= 120.0:
            raise JobError("bad_setting", f"fov_degrees is {self.fov_degrees}; it must rise and lie within 1 to 120")
        if not 0.0 <= self.close_ups <= 1.0:
            raise JobError("bad_setting", f"close_ups is {self.close_ups}; it must lie within 0 to 1")


class ViewSampler:
    """Draws cameras that look at the origin from all sides alike; the n-th depends on the seed and n only.

    Directions: Roberts' R2 sequence, moved by the seed, on the upper half of the sphere; each is followed by the
    direction opposite to it (as in MV-SDI, arXiv 2606.29964), which covers the lower half.
    """

    def __init__(self, settings: ViewSampling, seed: int) -> None:
        self._settings = settings
        self._seed = seed
        self._offset = np.random.default_rng(seed).random(2)
        self._drawn = 0

    @property
    def state(self) -> dict[str, int]:
        """What ``restore`` needs to continue after the cameras drawn so far; fit for JSON."""
        return {"drawn": self._drawn}

    def restore(self, state: dict[str, int]) -> None:
        """Continue where the sampler that gave ``state`` was."""
        self._drawn = state["drawn"]

    def sample(self) -> list[Camera]:
        """The ``views_per_step`` cameras of the next step."""
        cameras = [self.camera(self._drawn + number) for number in range(self._settings.views_per_step)]
        self._drawn += len(cameras)
        return cameras

    def camera(self, number: int) -> Camera:
        """The ``number``-th camera of all."""
        pair, opposite = divmod(number, 2)
        turn, height = (self._offset + (pair + 1) * np.array(_R2)) % 1.0
        azimuth, elevation = 360.0 * turn, math.degrees(math.asin(height))
        if opposite:
            azimuth, elevation = azimuth + 180.0, -elevation
        generator = np.random.default_rng((self._seed, number))
        return Camera(
            azimuth=float((azimuth + 180.0) % 360.0 - 180.0),
            elevation=elevation,
            distance=generator.uniform(*self._settings.distance),
            fov_degrees=generator.uniform(*self._settings.fov_degrees),
        )


def direction_word(camera: Camera) -> str:
    """What a prompt calls the view: overhead and from below beyond 60° of elevation, front and back within 45°."""
    if camera.elevation > 60.0:
        return "overhead view"
    if camera.elevation < -60.0:
        return "view from below"
    azimuth = abs((camera.azimuth + 180.0) % 360.0 - 180.0)
    if azimuth <= 45.0:
        return "front view"
    return "back view" if azimuth >= 135.0 else "side view"


def turntable(
    count: int, elevation: float, radius: float = LARGEST_RADIUS, distance: float = 3.0 * LARGEST_RADIUS
) -> list[Camera]:
    """``count`` fixed cameras around the object, the first in front, at ``elevation`` degrees.

    From ``distance`` they frame a sphere of ``radius`` around the origin with a margin of 4 %; the default holds any
    normalised mesh.
    """
    fov_degrees = 2.0 * math.degrees(math.asin(1.04 * radius / distance))
    return [Camera(360.0 * number / count, elevation, distance, fov_degrees) for number in range(count)]


def six_sides(radius: float = LARGEST_RADIUS) -> list[Camera]:
    """For pictures of an object within ``radius``: four cameras around it, a little above, and one each from high above
    and from below, towards the front.
    """
    return [*turntable(4, 15.0, radius), *turntable(1, 60.0, radius), *turntable(1, -50.0, radius)]


def sphere_cameras(count: int, distance: float) -> FloatArray:
    """Positions float32 [count, 3] spread evenly on a sphere around the origin (Fibonacci lattice)."""
    number = np.arange(count) + 0.5
    z = 1.0 - 2.0 * number / count
    turn = 2.0 * np.pi * _R1 * number
    level = np.sqrt(1.0 - z * z)
    return (distance * np.stack([level * np.cos(turn), level * np.sin(turn), z], axis=-1)).astype(np.float32)
