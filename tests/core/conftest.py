# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the optimizer share: an untrained model, a job folder, and a reporter that remembers."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

torch.set_num_threads(1)


class RecordingReporter:
    """Remembers what it is told.

    After as many steps as ``cancel_at``, ``pause_at`` or ``finish_at`` says it asks for that; after ``die_at`` it
    raises, as if the process had been killed. In the stage ``cancel_in`` it cancels.
    """

    def __init__(
        self,
        cancel_at: int | None = None,
        finish_at: int | None = None,
        die_at: int | None = None,
        cancel_in: str | None = None,
        pause_at: int | None = None,
    ):
        self.stages: list[str] = []
        self.steps: list[tuple[int, int, float | None]] = []
        self.frames: list[np.ndarray] = []
        self.warnings: list[tuple[str, str]] = []
        self.saved: list[tuple[int, int]] = []
        self._cancel_at, self._finish_at, self._die_at, self._cancel_in = cancel_at, finish_at, die_at, cancel_in
        self._pause_at = pause_at

    def stage(self, name, label):
        self.stages.append(name)

    def progress(self, step, steps, seconds_left):
        self.steps.append((step, steps, seconds_left))
        if len(self.steps) == self._die_at:
            raise ConnectionError

    def checkpoint(self, step, steps):
        self.saved.append((step, steps))

    def frame(self, image, extent=1):
        self.frames.append(image)

    def warning(self, code, message):
        self.warnings.append((code, message))

    def wants_frame(self):
        return True

    def should_cancel(self):
        at_step = self._cancel_at is not None and "optimise" in self.stages and len(self.steps) >= self._cancel_at
        return at_step or (self._cancel_in is not None and self._cancel_in in self.stages)

    def should_pause(self):
        return self._pause_at is not None and len(self.steps) >= self._pause_at

    def should_finish(self):
        return self._finish_at is not None and len(self.steps) >= self._finish_at


@pytest.fixture(scope="session")
def new_reporter() -> type[RecordingReporter]:
    """Makes reporters."""
    return RecordingReporter


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory) -> Path:
    """The bundled model's layout with seeded, untrained networks, for smaller pictures so that tests are quick."""
    from core.training import architecture

    folder = tmp_path_factory.mktemp("model")
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(io.StringIO()):
        patch.setattr(architecture, "RESOLUTION", 64)
        patch.setattr(architecture, "LATENT_SIDE", 16)
        architecture.write_bundle(architecture.build_bundle(folder, seed=0), folder)
    return folder


@pytest.fixture(scope="session")
def networks(model_folder):
    """The untrained model, loaded by the profile."""
    from core.diffusion.networks import load_networks
    from core.models.profiles import profile

    return load_networks(profile("bundled", model_folder), torch.device("cpu"))


@pytest.fixture(scope="session")
def style_picture() -> Image.Image:
    """A picture with two colours and an edge, larger than wide."""
    values = np.zeros((48, 40, 3), np.uint8)
    values[:, :20] = (200, 60, 30)
    values[:, 20:] = (30, 90, 160)
    values[::6] //= 2
    return Image.fromarray(values)


@pytest.fixture(scope="session")
def make_mesh():
    """Turns a trimesh primitive into a normalised, unwrapped mesh, by way of a file as a user would."""
    import tempfile

    from core.geometry.mesh import normalise
    from core.mesh_files.import_file import import_file

    def make(primitive):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "mesh.ply"
            primitive.export(path)
            return normalise(import_file(path).mesh)

    return make
