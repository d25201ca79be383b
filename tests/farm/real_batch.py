# SPDX-License-Identifier: GPL-3.0-or-later
"""What two workers are worth: real textures by a Ray cluster on this machine, against one process, in one run.

    python -m tests.farm.real_batch [--items 12] [--workers 2] [--steps N] [--preset draft]

Each worker, and the one process, computes with one thread at a time: a process has two, which take turns where it has
but one core, and the one process is given one (``--both-cores`` gives it all). The meshes are spheres, each squashed in
its own way; the model is the bundled one. What counts is the time from the first item's beginning to the last one's
end; what starting takes is shown beside it. It needs Ray in its environment, Linux, and as many free cores as workers.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import trimesh

ROOT = Path(__file__).resolve().parents[2]
FEW_STEPS = [sys.executable, str(ROOT / "tests" / "farm" / "few_steps.py")]
STYLE = ROOT / "core" / "samples" / "great_wave.jpg"


@dataclass(frozen=True)
class Outcome:
    """How a run went."""

    seconds: float
    """From the first item's beginning to the last one's end."""
    whole: float
    """With starting and ending."""
    processor: float
    """Processor time of the command and what it started, where that is known."""
    results: dict[str, bytes]
    """Textures and models by name."""


def make_manifest(folder: Path, items: int, preset: str) -> Path:
    """A manifest of so many meshes."""
    shutil.copy2(STYLE, folder / "style.jpg")
    defaults = {"style": "style.jpg", "preset": preset, "device": "cpu", "size": 1024}
    lines: list[dict[str, object]] = [{"defaults": defaults}]
    for number in range(items):
        sphere = trimesh.creation.icosphere(subdivisions=3)
        sphere.apply_scale((1.0, 1.0 + 0.05 * number, 1.0))
        sphere.export(folder / f"mesh{number:02}.obj")
        lines.append({"mesh": f"mesh{number:02}.obj", "prompt": "a pebble"})
    path = folder / "all.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def run(manifest: Path, output: Path, steps: int, workers: int, cores: set[int]) -> Outcome:
    """Texture all on some cores: in one process, or by so many workers where there is more than one.

    Raises:
        RuntimeError: not all came out.
    """
    arguments = ["batch", str(manifest), "--output", str(output)]
    if workers > 1:
        arguments += ["--ray", "local", "--workers", str(workers)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "STYLETEX_STEPS": str(steps)}
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    everything = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        command = [*FEW_STEPS, *arguments]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    finally:
        os.sched_setaffinity(0, everything)
    whole, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RuntimeError(f"The command ended with {done.returncode}: {done.stderr}")
    lines = [json.loads(line) for log in (output / "logs").iterdir() for line in log.read_text().splitlines()]
    of = {kind: [_seconds(line["time"]) for line in lines if line["event"] == kind] for kind in ("item", "made")}
    results = {
        str(path.relative_to(output)): path.read_bytes()
        for path in sorted(output.glob("mesh*/*"))
        if path.suffix in (".png", ".glb")
    }
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Outcome(max(of["made"]) - min(of["item"]), whole, processor, results)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def main() -> int:
    """Do what the command line says; the exit status is 1 when the results differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.farm.real_batch")
    parser.add_argument("--items", type=int, default=12)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--steps", type=int, default=0, help="of each item (0: the preset's)")
    parser.add_argument("--preset", default="draft")
    parser.add_argument("--both-cores", action="store_true", help="let the one process use all cores")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        manifest = make_manifest(Path(name), options.items, options.preset)
        cores = os.sched_getaffinity(0)
        few = cores if options.both_cores else {min(cores)}
        one = run(manifest, Path(name) / "one", options.steps, 1, few)
        took = f"{one.seconds:.1f} s ({one.whole:.1f} s with its start), {one.processor:.1f} s of processor"
        print(f"one process on {len(few)} cores: {took}", flush=True)
        several = run(manifest, Path(name) / "several", options.steps, options.workers, cores)
    same = one.results == several.results and len(one.results) == 3 * options.items
    print(
        f"{options.workers} workers: {several.seconds:.1f} s ({several.whole:.1f} s with its start). "
        f"{one.seconds / several.seconds:.2f} times as fast, {one.whole / several.whole:.2f} with the start. "
        f"Results byte for byte the same: {same}. Load of this machine: {os.getloadavg()[0]:.1f}"
    )
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
