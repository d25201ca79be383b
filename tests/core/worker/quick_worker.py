# SPDX-License-Identifier: GPL-3.0-or-later
"""The real worker with an engine that needs no models; the job's prompt says what the engine does.

python -u tests/core/worker/quick_worker.py [idle minutes [seconds to load]]
"""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import numpy as np

from core.job import TEXTURE_FILE, Job, JobError
from core.reporting import Cancelled, Paused, Reporter
from core.worker.worker import Engine, main

PIXELS = (4, 6, 3)


@dataclass(frozen=True)
class Texture:
    """The result of a quick job."""

    base_color: Path
    tiles: tuple[int, ...] = ()


def plain(job: Job, folder: Path, reporter: Reporter) -> None:
    """Twenty short steps that look at cancel and finish, with frames when they are wanted."""
    reporter.stage("optimise", "Optimizing")
    for step in range(1, 21):
        time.sleep(0.02)
        if reporter.should_cancel():
            raise Cancelled
        if reporter.should_finish():
            break
        reporter.progress(step, 20, (20 - step) * 0.02)
        if reporter.wants_frame():
            reporter.frame(np.full(PIXELS, step, np.uint8))


def long(job: Job, folder: Path, reporter: Reporter) -> None:
    """Like ``plain``, for a minute."""
    for _ in range(120):
        plain(job, folder, reporter)
        if reporter.should_finish():
            return


def patient(job: Job, folder: Path, reporter: Reporter) -> None:
    """Steps until it is paused."""
    step = 0
    while not reporter.should_pause():
        step += 1
        time.sleep(0.02)
        reporter.progress(step, 1000, None)
    reporter.checkpoint(step, 1000)
    raise Paused


def eager(job: Job, folder: Path, reporter: Reporter) -> None:
    """Three frames at once, wanted or not; then steps until told to finish."""
    for value in (1, 2, 3):
        reporter.frame(np.full(PIXELS, value, np.uint8))
    reporter.stage("given", "All frames are given")
    while not reporter.should_finish():
        time.sleep(0.02)
        reporter.progress(1, 1, None)


def pollute(job: Job, folder: Path, reporter: Reporter) -> None:
    """Write to standard output in every way there is."""
    print("printed")
    os.write(1, b"written to descriptor 1\n")
    libc = ctypes.CDLL(None)
    libc.puts(b"put by the C library")
    libc.fflush(None)
    subprocess.run([sys.executable, "-c", "print('a child'); import sys; print('stdin', sys.stdin.read())"], check=True)
    plain(job, folder, reporter)


def hold_the_interpreter(job: Job, folder: Path, reporter: Reporter) -> None:
    """A C call that lets no other thread run, for a minute."""
    reporter.stage("hold", "Holding")
    ctypes.PyDLL(None).sleep(60)


def fill_the_disk(job: Job, folder: Path, reporter: Reporter) -> None:
    """Write the texture onto a disk that is full."""
    (folder / TEXTURE_FILE).symlink_to("/dev/full")
    (folder / TEXTURE_FILE).write_bytes(b"x" * 100_000)


def frame_too_large(job: Job, folder: Path, reporter: Reporter) -> None:
    """Write three frames larger than the system allows, and one that is not."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    for _ in range(3):
        reporter.frame(np.zeros((64, 64, 3), np.uint8))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    reporter.frame(np.zeros(PIXELS, np.uint8))


def frame_through_a_link(job: Job, folder: Path, reporter: Reporter) -> None:
    """Find links where the first frames go."""
    (folder / "frames").mkdir()
    for name in ("000001.tga", "000001.tga.partial", "000001.partial"):
        (folder / "frames" / name).symlink_to(folder / "mine")
    reporter.frame(np.ones(PIXELS, np.uint8))


def frames_behind_a_link(job: Job, folder: Path, reporter: Reporter) -> None:
    """Find a link where the folder of the frames goes."""
    (folder / "elsewhere").mkdir()
    (folder / "frames").symlink_to(folder / "elsewhere")
    reporter.frame(np.ones(PIXELS, np.uint8))


def fail(job: Job, folder: Path, reporter: Reporter) -> None:
    """Raise what the prompt's second word names."""
    raise {
        "job_error": JobError("bad_mesh", "The mesh has no faces", "Add some"),
        "memory": MemoryError(),
        "accelerator": RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        "host": RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 99 bytes"),
        "safetensors": RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
        "quota": OSError(errno.EDQUOT, "Disk quota exceeded"),
        "file": FileNotFoundError(errno.ENOENT, "No such file", "style.png"),
        "import": ModuleNotFoundError("No module named 'embreex'"),
        "fault": ZeroDivisionError("division by zero"),
        "wordy": ValueError("x" * 5_000_000),
        "exit": SystemExit("a library gave up"),
        "key": KeyError("StyleTex"),
        "broken": RuntimeError("CUDA error: an illegal memory access was encountered"),
    }[job.prompt.split()[1]]


DEEDS = {
    deed.__name__: deed
    for deed in (
        *(plain, patient, long, eager, pollute, hold_the_interpreter, fill_the_disk),
        *(frame_too_large, frame_through_a_link, frames_behind_a_link),
    )
}


def stylize(job: Job, folder: Path, reporter: Reporter) -> Texture:
    """Do what the prompt says, then leave a texture."""
    DEEDS.get(job.prompt, fail)(job, folder, reporter)
    texture = folder / TEXTURE_FILE
    texture.write_bytes(b"texture")
    return Texture(texture)


def load() -> Engine:
    """The quick engine."""
    print("loading prints something")
    time.sleep(float(sys.argv[2]) if len(sys.argv) > 2 else 0.0)
    return Engine({"versions": {}, "device": "cpu", "device_name": "quick", "memory_bytes": 1}, stylize)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0, load))
