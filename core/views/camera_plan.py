# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cameras look at a mesh during a whole run, decided from its geometry alone.

Most of them see the whole object, as the diffusion model wants it, from where they show what was seen least. Insides,
deep folds and parts that are thin from afar get close-ups. Since the geometry does not change, the plan is a function
of mesh, settings and seed: a run that goes on at step N finds the same cameras there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..geometry.mesh import Mesh, flat_normals
from ..geometry.surface_points import surface_points
from .cameras import Camera, ViewSampler, ViewSampling, sphere_cameras
from .embree import EmbreeRasteriser
from .published_cameras import PublishedSampling, published_camera
from .visibility import look

_POINTS = 2048
"""Points of the surface on which the plan keeps count."""
_WHOLE_CANDIDATES = 3
"""Pairs of opposite directions of an even sequence, of which the best one is taken."""
_WHOLE_DIRECTIONS = 64
"""Directions from which it is found out beforehand what views of the whole object show."""

_TEXTURE_SIDE = 4.0
"""Side of the texture in sides of a view, as in the paper: 2048 texels for 512 pixels."""
_LEAST_DETAIL = 0.01
"""Every point is to have had a pixel for each of its texels in at least this share of the views."""
_LEAST_DETAIL_IN_FOCUS = 0.2
"""The same for the points of a part that the views are for."""
_CLOSE_UPS_IN_FOCUS = 0.5
"""Share of the views that are close-ups at least, where they are for a part."""

_CLOSE_UP_TARGETS = 16
"""Points tried for one close-up; those where no camera can stand are given up."""
_CLOSE_UP_CHOICES = 6
"""Of these, points with room for a camera that are compared."""
_CLOSE_UP_DIRECTIONS = 6
"""Directions tried for each of them."""
_SEEN_NEED = 1 / 32
"""Need of a point for a close-up after each view of its front, relative to before: the unseen come first."""
_JITTER = 0.6
"""Length of the random vector added to the normal: keeps directions within 37° of it."""
_CLEARANCE = 0.9
"""Share of the free way that a camera may go back."""
_LEAST_DISTANCE = 0.02
"""Narrower gaps, in units of the normalised mesh, are not looked into."""
_WIDEST_FOV = 75.0
"""Degrees, where there is no room to step back."""
_WALL_RAYS = 32
"""Rays by which a camera finds out whether it is inside something solid."""


class CameraPlan:
    """The cameras of each step of a run, decided when they are first asked for; not for several threads at once."""

    def __init__(
        self,
        mesh: Mesh,
        embree: EmbreeRasteriser,
        views: ViewSampling | PublishedSampling,
        resolution: int,
        seed: int,
        focus: Mesh | None = None,
    ) -> None:
        """Plan views of ``resolution`` by ``resolution`` pixels of ``mesh``, normalised; ``embree`` is of it too.

        ``focus`` is the part of it that the views are for, as triangles of its own; ``None`` for all of it. The
        published sampling looks at the whole all the same.
        """
        self._per_step = views.views_per_step
        self._cameras: list[Camera] = []
        if isinstance(views, PublishedSampling):
            self._coming = (published_camera(views, seed, number) for number in itertools.count())
        else:
            self._coming = _planned_cameras(_Planner(mesh, embree, views, resolution, seed, focus))

    def __getitem__(self, step: int) -> list[Camera]:
        """The cameras of ``step``, 0-based; those of the steps before it are decided too."""
        start, stop = step * self._per_step, (step + 1) * self._per_step
        self._cameras += itertools.islice(self._coming, max(0, stop - len(self._cameras)))
        return self._cameras[start:stop]


def _planned_cameras(planner: _Planner) -> Iterator[Camera]:
    while True:
        yield from planner.next_pair()


class _Planner:
    """Chooses pair after pair and counts what was seen."""

    def __init__(
        self,
        mesh: Mesh,
        embree: EmbreeRasteriser,
        views: ViewSampling,
        resolution: int,
        seed: int,
        focus: Mesh | None = None,
    ) -> None:
        self._embree, self._views, self._resolution, self._seed = embree, views, resolution, seed
        self._points = surface_points(mesh, _POINTS)
        self._face_normals = flat_normals(mesh)
        self._texel = math.sqrt(self._points.area) / (_TEXTURE_SIDE * resolution)
        self._sampler = ViewSampler(views, seed)
        self._pairs = self._close_pairs = 0
        self._looks = np.zeros(_POINTS)
        """How many views have shown each point at a good angle, from either side."""
        self._fronts = np.zeros(_POINTS)
        """The same from the front alone."""
        self._detail = np.zeros(_POINTS)
        """The same from the front, each view counting as the share of the texels that had a pixel of their own."""
        self._outward = 1.0
        """-1 for a solid that is turned inside out."""
        self._least_detail, self._close_ups = _LEAST_DETAIL, views.close_ups
        front, back = self._what_whole_views_show()
        # In a room seen from outside the furniture is unseen; in a solid whose normals point inwards hardly anything.
        if front.sum() < 0.05 * back.sum() and (front + back == 0.0).mean() < 0.05:
            self._outward, front = -1.0, back
        if focus is not None:
            self._points = surface_points(focus, _POINTS)
            self._least_detail = _LEAST_DETAIL_IN_FOCUS
            self._close_ups = max(views.close_ups, _CLOSE_UPS_IN_FOCUS)
            front, _ = self._what_whole_views_show()
        self._hidden = front < self._least_detail
        """Which points whole views show in too little detail."""

    def next_pair(self) -> list[Camera]:
        """The next two cameras."""
        self._pairs += 1
        close = None
        if self._close_pairs + 1 <= self._close_ups * self._pairs:
            close = self._close_pair()
        if close is not None:
            self._close_pairs += 1
            return close
        return self._whole_pair()

    def _what_whole_views_show(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """[N] how much of the detail around each point views of the whole show in the mean, from its front and back."""
        distance, fov = (float(np.mean(values)) for values in (self._views.distance, self._views.fov_degrees))
        front, back = np.zeros(_POINTS), np.zeros(_POINTS)
        for eye in sphere_cameras(_WHOLE_DIRECTIONS, distance):
            camera = Camera.looking_at(np.zeros(3, np.float32), eye, fov)
            cosine = self._look(camera)
            detail = self._detail_of(camera) / _WHOLE_DIRECTIONS
            front += np.where(cosine > 0.0, detail, 0.0)
            back += np.where(cosine < 0.0, detail, 0.0)
        return front, back

    def _whole_pair(self) -> list[Camera]:
        """Of the next directions of the even sequence, those that show most of what was seen least."""
        need = 1.0 / (1.0 + self._looks) ** 2
        best, best_gain, best_cosines = [], -1.0, []
        for candidate in range(_WHOLE_CANDIDATES):
            number = 2 * (_WHOLE_CANDIDATES * self._pairs + candidate)
            pair = [self._sampler.camera(number), self._sampler.camera(number + 1)]
            cosines = [self._look(camera) for camera in pair]
            gain = float(sum((need * (cosine != 0.0)).sum() for cosine in cosines))
            if gain > best_gain:
                best, best_gain, best_cosines = pair, gain, cosines
        for camera, cosine in zip(best, best_cosines, strict=True):
            self._count(camera, cosine)
        return best

    def _close_pair(self) -> list[Camera] | None:
        """Close-ups of two points that are due, the second facing away from the first where there is one."""
        first = self._close_up(0, np.ones(_POINTS, dtype=np.bool_))
        if first is None:
            return None
        facing_away = self._points.normal @ first.rotation[2] * self._outward < 0.0
        second = self._close_up(1, facing_away) or self._close_up(1, ~facing_away)
        return [first, second or first]

    def _close_up(self, number: int, among: NDArray[np.bool_]) -> Camera | None:
        """Of close-ups of points that had least detail, the one that shows most of what was seen least."""
        generator = np.random.default_rng((self._seed, self._pairs, number))
        due = self._hidden & (self._detail < self._least_detail * 2 * self._pairs)
        order = generator.permutation(np.flatnonzero(due & among))
        order = order[np.argsort(self._detail[order], kind="stable")]
        fov = generator.uniform(*self._views.fov_degrees)
        need = due * _SEEN_NEED**self._fronts
        choices: list[tuple[float, Camera, NDArray[np.float32]]] = []
        targets = 0
        for target in order[:_CLOSE_UP_TARGETS]:
            cameras = self._places(target, fov, generator)
            if not cameras:
                self._hidden[target] = False
                continue
            for camera in cameras:
                cosine = self._look(camera)
                choices.append((float((need * (cosine > 0.0) * self._detail_of(camera)).sum()), camera, cosine))
            targets += 1
            if targets == _CLOSE_UP_CHOICES:
                break
        if not choices:
            return None
        _, best, cosine = max(choices, key=lambda choice: choice[0])
        self._count(best, cosine)
        return best

    def _places(self, target: int, fov: float, generator: np.random.Generator) -> list[Camera]:
        """Cameras in front of a point, as far away as makes a pixel of a texel or as there is room, in the open."""
        point = self._points.position[target]
        jitter = generator.normal(size=(_CLOSE_UP_DIRECTIONS, 3))
        jitter *= _JITTER * generator.random((_CLOSE_UP_DIRECTIONS, 1)) / np.linalg.norm(jitter, axis=1, keepdims=True)
        directions = self._points.normal[target] * self._outward + jitter
        directions = (directions / np.linalg.norm(directions, axis=1, keepdims=True)).astype(np.float32)
        free = self._embree.free_distance(np.tile(point, (_CLOSE_UP_DIRECTIONS, 1)), directions)
        window = self._texel * self._resolution
        wanted = window / (2.0 * math.tan(math.radians(fov) / 2.0))
        cameras = []
        for direction, distance in zip(directions, np.minimum(wanted, _CLEARANCE * free), strict=True):
            eye = point + direction * distance
            if distance >= _LEAST_DISTANCE and not self._inside_something(eye):
                wide = math.degrees(2.0 * math.atan2(window / 2.0, float(distance)))
                cameras.append(Camera.looking_at(point, eye, max(fov, min(wide, _WIDEST_FOV))))
        return cameras

    def _inside_something(self, eye: NDArray[np.float32]) -> bool:
        """Whether most of what is around ``eye`` turns its back to it."""
        directions = sphere_cameras(_WALL_RAYS, 1.0)
        triangle, _, _ = self._embree.cast(np.tile(eye, (_WALL_RAYS, 1)), directions)
        backs = (self._face_normals[triangle] * directions).sum(-1) * self._outward > 0.0
        return (backs & (triangle >= 0)).mean() > 0.5

    def _look(self, camera: Camera) -> NDArray[np.float32]:
        return look(camera, self._embree, self._points.position, self._points.normal) * np.float32(self._outward)

    def _detail_of(self, camera: Camera) -> NDArray[np.float32]:
        """[N]: the share of the texels around each point that have a pixel of their own, were they in sight."""
        distance = np.linalg.norm(self._points.position - camera.position, axis=-1)
        pixel = 2.0 * math.tan(math.radians(camera.fov_degrees) / 2.0) * distance / self._resolution
        return np.minimum(1.0, self._texel / pixel) ** 2

    def _count(self, camera: Camera, cosine: NDArray[np.float32]) -> None:
        self._looks += cosine != 0.0
        self._fronts += cosine > 0.0
        self._detail += np.where(cosine > 0.0, self._detail_of(camera), 0.0)
