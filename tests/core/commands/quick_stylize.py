# SPDX-License-Identifier: GPL-3.0-or-later
"""The real ``core stylize`` with a few small steps and no model; faults can be planted in it.

python tests/core/commands/quick_stylize.py STEPS SECONDS FAULT ARGUMENT...

Standard error says which stage and which step begins; a step takes at least ``SECONDS``. ``FAULT`` is "none", or one
of:
    hang:STAGE      a call of the C library that takes a minute begins with the stage
    last:STAGE      an object's end takes a minute there, where Python drops what is raised
    broken:STAGE    what is raised there comes out as something else, as of a half-loaded module
    lose_output     the output folder is removed before the second step
    no_checkpoint   no checkpoint can be saved
    no_locks        the file system cannot lock files
"""

from __future__ import annotations

import ctypes
import dataclasses
import errno
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from core import stylize
from core.command_line import main
from core.commands import interruptions
from core.detail.settings import DetailSettings
from core.optimisation import optimise
from core.optimisation.checkpoint import Checkpoint
from core.optimisation.presets import OptimisationSettings
from core.style.statistics import StatisticsSettings
from core.texture_field.field import HashGridSettings

real_settings, real_rate, real_stage = (
    stylize.job_settings,
    optimise._set_learning_rate,
    interruptions.InterruptibleReporter.stage,
)
steps, seconds, (fault, _, detail) = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3].partition(":")
arguments = sys.argv[4:]


def small_settings(*given) -> OptimisationSettings:
    settings = real_settings(*given)
    return dataclasses.replace(
        settings,
        steps=steps,
        resolution=64,
        supersampling=1,
        views=dataclasses.replace(settings.views, views_per_step=2),
        hash_grid=HashGridSettings(levels=4, log2_entries=12),
        distillation_weight=0.0,
        statistics=StatisticsSettings(
            style_resolution=32, step_shares=(1.0,), surface_patches=(100,), samples=(1,), style_patches=100
        ),
        detail=DetailSettings(strength=0.0),
        warm_start=None,
        checkpoint_seconds=0.0,
    )


def slow_rate(optimiser, settings, step) -> None:
    print(f"step {step}", file=sys.stderr, flush=True)
    time.sleep(seconds)
    if fault == "lose_output" and step == 1:
        shutil.rmtree(arguments[arguments.index("--output") + 1])
    real_rate(optimiser, settings, step)


def hanging_stage(self, name: str, label: str) -> None:
    real_stage(self, name, label)
    print(f"stage {name}", file=sys.stderr, flush=True)
    if fault == "hang" and name == detail:
        ctypes.CDLL(None).sleep(60)
    if fault == "last" and name == detail:
        Lasting()
        ctypes.CDLL(None).sleep(60)
    if fault == "broken" and name == detail:
        try:
            time.sleep(60)
        except KeyboardInterrupt as error:
            raise ImportError("cannot import name") from error


class Lasting:
    def __del__(self) -> None:
        time.sleep(60)


def no_checkpoint(self, *_) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


stylize.job_settings = small_settings
optimise._set_learning_rate = slow_rate
interruptions.InterruptibleReporter.stage = hanging_stage
if fault == "no_checkpoint":
    Checkpoint.save = no_checkpoint
if fault == "no_locks":
    import fcntl

    def no_lock(*_) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    fcntl.flock = no_lock

if __name__ == "__main__":
    sys.exit(main(arguments))
