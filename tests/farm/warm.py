# SPDX-License-Identifier: GPL-3.0-or-later
"""How soon a warm worker answers: an actor of a Ray cluster against the worker that Blender starts, in one run.

    python -m tests.farm.warm [--rounds 5] [--steps 2]

Both have loaded the bundled model by a first job. Then each does the same small job by turns, and what is printed is
the median time from asking for it to its result: with the actor the object store and the way back are in it. It needs
Ray in its environment, and Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from core.batch.exported import exported_items
from core.batch.inputs import content_hash, files_of, inputs_of
from core.batch.on_ray import Farm
from core.batch.ray_worker import Answer, Request
from core.job import MESH_FILE, Job, write_job
from core.mesh_files.import_file import import_file
from tests.farm.few_steps import STYLIZER
from tests.farm.real_batch import FEW_STEPS, ROOT, STYLE, make_manifest


class Actor:
    """A worker on a Ray cluster of this machine."""

    def __init__(self) -> None:
        self.farm = Farm("local", 1, STYLIZER)
        self.worker = self.farm.new_worker()

    def make(self, jobs: Path) -> float:
        """Seconds until the one job in a folder is done, from reading its files to its result's bytes."""
        begun = time.monotonic()
        (item,) = exported_items(jobs, None)
        files = {
            name: (content_hash(path) or "", path.name, self.farm.put(path.read_bytes()))
            for name, path in files_of(item.options).items()
        }
        options = {name: value for name, value in vars(item.options).items() if name not in files}
        answer = self.farm.get(self.worker.make.remote(Request(item.name, options, files, inputs_of(item))))
        if not isinstance(answer, Answer) or answer.error is not None:
            raise RuntimeError(f"The actor said {answer}")
        return time.monotonic() - begun

    def close(self) -> None:
        """Let it go."""
        self.farm.close()


class Worker:
    """The process that Blender starts."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [*FEW_STEPS, "worker"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.jobs = 0

    def make(self, jobs: Path) -> float:
        """Seconds until the one job in a folder is done."""
        (folder,) = jobs.iterdir()
        self.jobs += 1
        begun = time.monotonic()
        self._say(type="run", job=f"job{self.jobs}", seq=self.jobs, folder=str(folder))
        while (event := self._hear())["type"] not in ("done", "error", "cancelled"):
            if event["type"] == "frame":
                self._say(type="acknowledge_frame", job=event["job"], seq=0, number=event["number"])
        if event["type"] != "done":
            raise RuntimeError(f"The worker said {event}")
        return time.monotonic() - begun

    def close(self) -> None:
        """Let it go."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()

    def _say(self, **message: Any) -> None:
        if self.process.stdin is not None:
            self.process.stdin.write(json.dumps({"v": 1, **message}).encode() + b"\n")
            self.process.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        line = self.process.stdout.readline() if self.process.stdout is not None else b""
        if not line:
            raise RuntimeError("The worker has ended")
        return json.loads(line)


def make_job(jobs: Path, seed: int) -> Path:
    """A folder with one job in it: a pebble."""
    folder = jobs / "pebble"
    folder.mkdir(parents=True)
    make_manifest(jobs.parent, 1, "draft")
    mesh = import_file(jobs.parent / "mesh00.obj").mesh
    np.savez(folder / MESH_FILE, **vars(mesh))
    (folder / "style.jpg").write_bytes(STYLE.read_bytes())
    write_job(Job("Pebble", "a pebble", "style.jpg", preset="draft", texture_size=256, device="cpu", seed=seed), folder)
    return jobs


def main() -> int:
    """Do what the command line says; the exit status is 1 when the actor is slower by more than a twentieth."""
    parser = argparse.ArgumentParser(prog="python -m tests.farm.warm")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2, help="of the job (0: the preset's)")
    options = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "STYLETEX_STEPS": str(options.steps)}
    took: dict[str, list[float]] = {"a warm actor": [], "a warm worker": []}
    with tempfile.TemporaryDirectory() as name:
        makers = {"a warm actor": Actor(), "a warm worker": Worker()}
        for turn in range(options.rounds + 1):
            for who, maker in makers.items():
                seconds = maker.make(make_job(Path(name) / f"{who} {turn}" / "jobs", turn))
                if turn == 0:
                    print(f"{who}, when it was cold: {seconds:.2f} s", flush=True)
                else:
                    took[who].append(seconds)
        for maker in makers.values():
            maker.close()
    actor, worker = (median(seconds) for seconds in took.values())
    for who, seconds in took.items():
        print(f"{who}: {median(seconds):.2f} s to its result ({min(seconds):.2f} to {max(seconds):.2f})")
    print(f"the actor takes {actor / worker:.3f} of the worker's time; load of this machine: {os.getloadavg()[0]:.1f}")
    return 0 if actor <= 1.05 * worker else 1


if __name__ == "__main__":
    raise SystemExit(main())
