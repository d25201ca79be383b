# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the parts of a step take, measured from outside so that the code that is measured is the product's."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ..views.cameras import Camera
from ..views.rasteriser import Raster, Rasteriser


class Stopwatch:
    """Adds up seconds by name; on the CPU, where a call is over when it returns."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        """What was measured so far."""
        self._started: dict[str, float] = {}

    def forward(self, name: str, module: nn.Module) -> None:
        """Measure every forward pass of ``module``."""
        module.register_forward_pre_hook(self._start(name))
        module.register_forward_hook(self._stop(name))

    def backward(self, name: str, module: nn.Module) -> None:
        """Measure every backward pass through ``module``, from its output to its inputs."""
        module.register_full_backward_pre_hook(self._start(name))
        module.register_full_backward_hook(self._stop(name))

    def rasteriser(self, name: str, rasteriser: Rasteriser) -> Rasteriser:
        """The same rasteriser, measured."""
        return _TimedRasteriser(self, name, rasteriser)

    def _start(self, name: str) -> Any:
        def start(*_: Any) -> None:
            self._started[name] = time.perf_counter()

        return start

    def _stop(self, name: str) -> Any:
        def stop(*_: Any) -> None:
            self.seconds[name] += time.perf_counter() - self._started.pop(name)

        return stop


class _TimedRasteriser:
    def __init__(self, stopwatch: Stopwatch, name: str, rasteriser: Rasteriser) -> None:
        self._stopwatch, self._name, self._rasteriser = stopwatch, name, rasteriser

    def rasterise(self, camera: Camera, height: int, width: int) -> Raster:
        return self._timed(lambda: self._rasteriser.rasterise(camera, height, width))

    def look_through(
        self, camera: Camera, rows: NDArray[np.float64], columns: NDArray[np.float64], height: int, width: int
    ) -> Raster:
        return self._timed(lambda: self._rasteriser.look_through(camera, rows, columns, height, width))

    def _timed(self, look: Callable[[], Raster]) -> Raster:
        started = time.perf_counter()
        raster = look()
        self._stopwatch.seconds[self._name] += time.perf_counter() - started
        return raster
