# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that waits leaves the graphics card to others long before it leaves itself."""

import io
import os
from pathlib import Path

from core.diffusion.loaded_models import LoadedModels
from core.worker import worker as workers
from core.worker.worker import Engine, Worker


def test_it_rests_once_and_then_leaves(monkeypatch):
    monkeypatch.setattr(workers, "REST_SECONDS", 0.05)
    rests = []

    def stylize(job, folder, reporter):
        raise AssertionError("there is no job")

    # Never closed: a worker whose commands end leaves at once, and takes this process along.
    commands, _ = os.pipe()
    heard = os.fdopen(commands, "rb", buffering=0, closefd=False)
    engine = Engine({}, stylize, lambda: rests.append(1))
    assert Worker(heard, io.BytesIO(), lambda: engine, idle_minutes=0.3 / 60.0).serve() == 0
    assert rests == [1]


def test_networks_that_rested_are_the_same_ones_at_the_next_job(model_folder: Path):
    import torch

    models = LoadedModels(model_folder)
    first = models.get("bundled", torch.device("cpu"))
    models.rest()
    again = models.get("bundled", torch.device("cpu"))
    assert again is first and again.unet.conv_in.weight.device.type == "cpu"
