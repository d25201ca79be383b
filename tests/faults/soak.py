# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs with random faults, for as long as one likes: what stays behind, and does the worker grow?"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import trimesh
from PIL import Image

from core.job import CHECKPOINT_FILE, MESH_FILE, Job, write_job
from core.mesh_files.import_file import import_file
from core.protocol import TERMINAL_EVENTS
from tests.conftest import ROOT
from tests.processes import is_running

SOAK_WORKER = Path(__file__).with_name("soak_worker.py")
FAULTS = ("none", "none", "none", "cancel", "finish", "kill", "stop", "bad picture", "bad mesh", "no picture")
"""Drawn at random for each job."""
EXPECTED = {
    "none": {"done"},
    "cancel": {"cancelled", "done"},
    "finish": {"done"},
    "kill": {"error", "done"},
    "stop": {"done"},
    "bad picture": {"error"},
    "bad mesh": {"error"},
    "no picture": {"error"},
}
"""How a job with each may end; what comes late finds it done."""
JOB_SECONDS = 120.0
WARM_JOBS = 5
"""That end with a texture, of one worker: the largest memory until then is what it needs."""
_MOST_TOLD = 20
GROWTH = 0.10
"""Of its memory that is taken for none."""


def soak(minutes: float, seed: int = 0) -> int:
    """Do jobs for so long; prints what was found, and returns an exit status."""
    lots, until = random.Random(seed), time.monotonic() + 60.0 * minutes
    with tempfile.TemporaryDirectory() as place:
        folder, temporary = Path(place), Path(place) / "temporary"
        temporary.mkdir()
        os.environ["TMPDIR"] = str(temporary)
        run = _Soak(folder, lots)
        try:
            while time.monotonic() < until:
                run.one_job()
        finally:
            run.close()
        time.sleep(1.0)
        complaints = run.complaints + [f"process {pid} still runs" for pid in run.pids if is_running(pid)]
        complaints += [f"{path} is left" for path in temporary.rglob("*") if path.is_file()]
        complaints += [f"{path} is left" for path in (folder / "jobs").iterdir()]
    ends = ", ".join(f"{fault} → {end}: {count}" for (fault, end), count in sorted(run.ends.items()))
    print(f"{sum(run.ends.values())} jobs, {len(run.pids)} workers. {ends}")
    grown = "not measured, none made as many" if run.growth is None else f"{run.growth:+.1%}"
    print(f"Largest memory of a worker after its first {WARM_JOBS} textures, over that until then: {grown}")
    for complaint in complaints[:_MOST_TOLD]:
        print(f"FAULT: {complaint}")
    if len(complaints) > _MOST_TOLD:
        print(f"… and {len(complaints) - _MOST_TOLD} more")
    return 1 if complaints else 0


class _Soak:
    """One worker at a time, and what was seen of all."""

    def __init__(self, folder: Path, lots: random.Random) -> None:
        self._folder, self._lots = folder, lots
        self._number = self._jobs_of_worker = 0
        self._first_memory = 0
        self._client = None
        self.pids: list[int] = []
        self.ends: Counter[tuple[str, str]] = Counter()
        self.complaints: list[str] = []
        self.growth: float | None = None
        (folder / "jobs").mkdir()
        box = folder / "box.obj"
        trimesh.creation.box(extents=(1, 2, 3)).export(box)
        self._mesh = import_file(box).mesh

    def one_job(self) -> None:
        """One job with one fault."""
        fault, number = self._lots.choice(FAULTS), self._number
        self._number += 1
        folder = self._folder / "jobs" / str(number)
        folder.mkdir()
        self._fill(folder, fault)
        client = self._worker()
        client.run(str(number), folder)
        end = self._see_it_through(client, str(number), fault)
        self.ends[fault, end] += 1
        if end not in EXPECTED[fault]:
            self.complaints.append(f"job {number} with the fault {fault!r} ended as {end}")
        if end in ("cancelled", "error") and fault != "kill" and (folder / CHECKPOINT_FILE).exists():
            self.complaints.append(f"job {number} ({fault}) left a checkpoint that nobody needs")
        shutil.rmtree(folder)
        self._look_at_memory(end)

    def close(self) -> None:
        """End the worker."""
        if self._client is not None:
            self._client.close()

    def _worker(self):
        from styletex.styletex_blender.worker.client import WorkerClient

        if self._client is None or not self._client.alive:
            self.close()
            command = [sys.executable, "-u", str(SOAK_WORKER), "12", "0.03", "none"]
            self._client = WorkerClient(command, ROOT, self._folder / "log" / "worker.log")
            self._jobs_of_worker = self._first_memory = 0
        return self._client

    def _fill(self, folder: Path, fault: str) -> None:
        np.savez(folder / MESH_FILE, **vars(self._mesh))
        if fault == "bad mesh":
            path = folder / MESH_FILE
            data = path.read_bytes()
            path.write_bytes(data[: self._lots.randrange(len(data))])
        if fault != "no picture":
            Image.effect_mandelbrot((64, 64), (-2.0, -1.5, 1.0, 1.5), 60).convert("RGB").save(folder / "style.png")
        if fault == "bad picture":
            (folder / "style.png").write_bytes(self._lots.randbytes(300))
        write_job(Job("Box", "a box", "style.png", preset="draft", texture_size=256), folder)

    def _see_it_through(self, client, job: str, fault: str) -> str:
        """The type of the event that ends the job."""
        strike = time.monotonic() + self._lots.uniform(0.0, 2.0)
        struck = fault not in ("cancel", "finish", "kill", "stop")
        deadline = time.monotonic() + JOB_SECONDS
        stepped = False
        while time.monotonic() < deadline:
            for event in client.events():
                stepped |= event["type"] == "progress"
                if event["type"] == "frame":
                    client.acknowledge_frame(event["job"], event["number"])
                if event["type"] in TERMINAL_EVENTS and event["job"] == job:
                    return event["type"]
            if client.pid is not None and client.pid not in self.pids:
                self.pids.append(client.pid)
            if not struck and stepped and time.monotonic() > strike:
                struck = True
                self._strike(client, job, fault)
            time.sleep(0.02)
        return "nothing in time"

    def _strike(self, client, job: str, fault: str) -> None:
        if fault in ("cancel", "finish"):
            getattr(client, fault)(job)
        elif fault == "kill":
            os.kill(client.pid, signal.SIGKILL)
        else:
            os.kill(client.pid, signal.SIGSTOP)
            time.sleep(1.0)
            os.kill(client.pid, signal.SIGCONT)

    def _look_at_memory(self, end: str) -> None:
        if self._client is None or not self._client.alive or self._client.pid is None:
            return
        pages = int(Path(f"/proc/{self._client.pid}/statm").read_text(encoding="ascii").split()[1])
        # Jobs that fail early load little.
        self._jobs_of_worker += end == "done"
        if self._jobs_of_worker <= WARM_JOBS:
            self._first_memory = max(self._first_memory, pages)
            return
        growth = pages / self._first_memory - 1.0
        self.growth = growth if self.growth is None else max(self.growth, growth)
        if growth > GROWTH:
            self.complaints.append(f"the worker has grown by {growth:.0%} after {self._jobs_of_worker} jobs")
