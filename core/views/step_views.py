# SPDX-License-Identifier: GPL-3.0-or-later
"""The views of one optimisation step: what each pixel sees, as tensors, and the render that the field makes of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..geometry.overlap import Overlap
from .camera_plan import CameraPlan
from .cameras import Camera, direction_word
from .control_images import depth_image, normal_image
from .pixel_samples import centre_samples, smooth_samples
from .rasteriser import Raster, Rasteriser


@dataclass(frozen=True)
class Views:
    """B views of one step, H by W pixels each, and h by w where the diffusion model looks."""

    positions: Tensor
    """[N, 3] points whose colours the pixels of all views show, world space: the points that they see, or where
    surfaces share texels (``overlap``) the points that own those."""
    pixels: Tensor
    """int64 [N] where each of them is in an image of B * H * W pixels; a pixel at an edge has several."""
    weights: Tensor
    """[N] share of its pixel's area that each of them stands for."""
    normals: Tensor
    """[N, 3] unit normals of the points, interpolated, on the viewer's side."""
    towards_viewer: Tensor
    """[B, 3] unit vectors from the origin to the cameras."""
    shape: tuple[int, int, int]
    """B, H, W."""
    control_images: dict[str, Tensor]
    """[B, 3, h, w] in [0, 1] by kind of ControlNet."""
    directions: tuple[str, ...]
    """The word for each view's direction."""

    def to(self, device: torch.device) -> Views:
        """The same on ``device``."""
        return self._each(lambda values: on_device(values, device))

    def pinned(self) -> Views:
        """The same in memory from which a graphics card reads by itself."""
        return self._each(Tensor.pin_memory)

    def _each(self, change: Callable[[Tensor], Tensor]) -> Views:
        return Views(
            change(self.positions),
            change(self.pixels),
            change(self.weights),
            change(self.normals),
            change(self.towards_viewer),
            self.shape,
            {kind: change(image) for kind, image in self.control_images.items()},
            self.directions,
        )

    def render(self, colours: Tensor, backgrounds: Tensor) -> Tensor:
        """The field's colours over plain backgrounds, blended by area at edges.

        Args:
            colours: [N, 3] of ``positions``, in [0, 1].
            backgrounds: [B, 3], one colour for each view.

        Returns:
            [B, 3, H, W], with gradient to ``colours``.
        """
        count, height, width = self.shape
        covered = self.weights.new_zeros(count * height * width).index_add_(0, self.pixels, self.weights)
        image = backgrounds.repeat_interleave(height * width, dim=0) * (1.0 - covered)[:, None]
        image = image.index_add(0, self.pixels, colours * self.weights[:, None])
        return image.reshape(count, height, width, 3).permute(0, 3, 1, 2)


def on_device(values: Tensor, device: torch.device) -> Tensor:
    """``values`` of the processor on ``device``, without waiting for a graphics card."""
    return values.to(device, non_blocking=device.type == "cuda")


def step_views(
    rasteriser: Rasteriser,
    plan: CameraPlan | Sequence[Sequence[Camera]],
    steps: Iterable[int],
    resolution: int,
    supersampling: int,
    overlap: Overlap | None = None,
    threads: int = 1,
) -> Generator[Views]:
    """The views of one step after the other, on the CPU.

    Closed before its end it waits for the views that are being made.

    Args:
        rasteriser: of the mesh.
        plan: the cameras of each step.
        steps: numbers of the steps, from 0.
        resolution: side of the images that the diffusion model sees, in pixels.
        supersampling: renders have so many times that side; odd.
        overlap: of the rasteriser's mesh; ``None`` where no surfaces share texels.
        threads: which make the views of so many steps at the same time; the same views.
    """
    with ThreadPoolExecutor(threads, "views") as pool:
        coming: deque[Future[Views]] = deque()
        try:
            for step in steps:
                # A step's cameras follow from those of the steps before it.
                cameras = plan[step]
                coming.append(pool.submit(_views, rasteriser, cameras, resolution, supersampling, overlap))
                if len(coming) == threads:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _views(
    rasteriser: Rasteriser, cameras: Sequence[Camera], resolution: int, supersampling: int, overlap: Overlap | None
) -> Views:
    side = resolution * supersampling
    rasters = [rasteriser.rasterise(camera, side, side) for camera in cameras]
    if supersampling > 1:
        samples = [centre_samples(raster, overlap) for raster in rasters]
    else:
        samples = [
            smooth_samples(rasteriser, camera, raster, overlap) for camera, raster in zip(cameras, rasters, strict=True)
        ]
    pixels = np.concatenate([number * side * side + sample.pixel for number, sample in enumerate(samples)])
    weights = np.concatenate([sample.weight for sample in samples])
    centres = [_centre_pixels(raster, supersampling) for raster in rasters]
    normals = [normal_image(raster, camera) for raster, camera in zip(centres, cameras, strict=True)]
    return Views(
        positions=torch.from_numpy(np.concatenate([sample.position for sample in samples])),
        pixels=torch.from_numpy(pixels),
        weights=torch.from_numpy(weights),
        normals=torch.from_numpy(np.concatenate([sample.normal for sample in samples])),
        towards_viewer=torch.from_numpy(np.stack([camera.rotation[2] for camera in cameras])),
        shape=(len(cameras), side, side),
        control_images={
            "normal": _images(normals),
            "depth": _images([depth_image(raster) for raster in centres]),
        },
        directions=tuple(direction_word(camera) for camera in cameras),
    )


def average_down(images: Tensor, factor: int) -> Tensor:
    """[B, 3, H, W] to [B, 3, H / factor, W / factor] by area."""
    return functional.avg_pool2d(images, factor) if factor > 1 else images


def _centre_pixels(raster: Raster, factor: int) -> Raster:
    """The raster at 1 / ``factor`` of the resolution: with an odd factor its pixel centres are among the old ones."""
    every = slice(factor // 2, None, factor)
    return Raster(**{name: values[every, every] for name, values in vars(raster).items()})


def _images(images: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
