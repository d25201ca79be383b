# SPDX-License-Identifier: GPL-3.0-or-later
"""A farm on one machine: a Ray cluster of several nodes whose workers do a stand-in of known length for each item.

    python -m tests.farm.simulate [--items 200] [--seconds 1] [--nodes 2] [--workers-per-node 4] [--kills 5]

prints the throughput of all workers as a share of as many times that of one, which does some of the same items first,
and whether every result is there, once, and as a run without Ray makes it. The stand-ins sleep. It needs Linux, and Ray
in its environment.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = [sys.executable, str(ROOT / "tests" / "core" / "batch" / "stand_in.py")]
STEPS = 10
ALONE = 20
"""Items that the one worker does."""


def make_manifest(folder: Path, items: int) -> Path:
    """A manifest of so many meshes, that share one style."""
    Image.new("RGB", (64, 64), (200, 60, 30)).save(folder / "style.png")
    lines = [{"defaults": {"style": "style.png", "size": 256}}]
    for number in range(items):
        (folder / f"mesh{number:04}.obj").write_text(f"# {number}\nv 0 0 0\n")
        lines.append({"mesh": f"mesh{number:04}.obj"})
    path = folder / "all.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


class Nodes:
    """A cluster of nodes on this machine; leaving the context ends it."""

    def __init__(self, nodes: int, workers: int, seconds: float) -> None:
        os.environ["STAND_IN"] = f"{STEPS} {seconds / STEPS}"
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        from ray.cluster_utils import Cluster

        self.workers = workers
        self.cluster = Cluster()
        self._add(cores=0)
        self.nodes = [self._add(workers) for _ in range(nodes)]

    def __enter__(self) -> Nodes:
        return self

    def __exit__(self, *_: object) -> None:
        self.cluster.shutdown()

    def _add(self, cores: int, tries: int = 4) -> Any:
        """A new node, the first one the head; Ray gives one up that has not begun within 30 seconds, which a busy
        machine needs.
        """
        try:
            return self.cluster.add_node(num_cpus=cores, object_store_memory=100 << 20)
        except Exception:
            if tries == 1:
                raise
            return self._add(cores, tries - 1)

    def kill_one(self, chance: random.Random) -> None:
        """End a node as a power cut would, and put another into its place."""
        self.cluster.remove_node(self.nodes.pop(chance.randrange(len(self.nodes))), allow_graceful=False)
        self.nodes.append(self._add(self.workers))


def command(manifest: Path, output: Path, *more: object, seconds: float = 0.0) -> list[str]:
    """The batch command with the stand-in."""
    given = ("batch", manifest, "--output", output, *more)
    return [*STAND_IN, str(STEPS), str(seconds / STEPS), *map(str, given)]


def events(output: Path) -> list[dict[str, Any]]:
    """All lines of all logs."""
    logs = sorted((output / "logs").glob("*.jsonl"))
    return [json.loads(line) for path in logs for line in path.read_text().splitlines()]


def made(output: Path) -> Counter[str]:
    """How often each item was made, by the logs."""
    return Counter(event["item"] for event in events(output) if event["event"] == "made")


def results(output: Path) -> dict[str, bytes]:
    """Every file of every result, but for where it went on from in the report."""
    found = {str(path.relative_to(output)): path.read_bytes() for path in output.glob("mesh*/*") if path.is_file()}
    for name in found:
        if name.endswith("report.json"):
            found[name] = json.dumps({**json.loads(found[name]), "resumed_at": None}).encode()
    return found


@dataclass(frozen=True)
class Outcome:
    """How a run went."""

    seconds: float
    """From the first item that was given to a worker to the last that was made."""
    startup: float
    """From the start of the command to the first item."""
    rate: float
    """Items a second of all workers, each from its first to its last item while there was something to give out: so no
    part of an item is counted.
    """
    item_seconds: float
    """What an item took its worker, on average."""
    driver_seconds: float
    """Processor time of the command itself, without its start."""
    died: int
    """How often a worker died over an item."""
    said: str
    """What the command said."""


def run(
    manifest: Path, output: Path, nodes: Nodes, workers: int, during: Callable[[subprocess.Popen], None] | None = None
) -> Outcome:
    """Run the command on a cluster; ``during`` is called once it has begun, again and again until it ends."""
    begun, used = time.time(), _processor_seconds()
    started = 0.0
    arguments = command(manifest, output, "--ray", nodes.cluster.address, "--workers", workers)
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(arguments, cwd=ROOT, stderr=said)
        while process.poll() is None:
            time.sleep(0.1)
            if started == 0.0 and made(output):
                started = _processor_seconds(process.pid)
            if during is not None and made(output):
                during(process)
        said.seek(0)
        text = said.read()
    found = events(output)
    times: dict[str, list[float]] = {}
    for event in found:
        times.setdefault(event["event"], []).append(_seconds(event["time"]))
    if process.returncode != 0 or "made" not in times:
        raise RuntimeError(f"the command ended with {process.returncode}: {text}")
    first, last = min(times["item"]), max(times["item"])
    made_by: dict[int, list[float]] = {}
    for event in found:
        if event["event"] == "made" and (moment := _seconds(event["time"])) <= last:
            made_by.setdefault(event["worker"], []).append(moment)
    steady = sum((len(made) - 1) / (max(made) - min(made)) for made in made_by.values() if len(made) > 1)
    taken = [event["seconds"] for event in found if event["event"] == "made"]
    died = len(times.get("worker died", []))
    whole, item_seconds = max(times["made"]) - first, sum(taken) / len(taken)
    return Outcome(whole, first - begun, steady, item_seconds, _processor_seconds() - used - started, died, text)


def _processor_seconds(process: int | None = None) -> float:
    """Of a process that runs, or of all that have ended."""
    if process is None:
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return ended.ru_utime + ended.ru_stime
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _seconds(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.farm.simulate")
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=1.0, help="that an item takes")
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--workers-per-node", type=int, default=4)
    parser.add_argument("--kills", type=int, default=5, help="how many runs lose a node at a random moment")
    options = parser.parse_args()
    workers = options.nodes * options.workers_per_node
    with (
        tempfile.TemporaryDirectory() as name,
        Nodes(options.nodes, options.workers_per_node, options.seconds) as nodes,
    ):
        folder = Path(name)
        manifest = make_manifest(folder, options.items)
        subprocess.run(command(manifest, folder / "alone"), cwd=ROOT, check=True, capture_output=True)
        expected = results(folder / "alone")
        (folder / "few").mkdir()
        one = run(make_manifest(folder / "few", min(ALONE, options.items)), folder / "one", nodes, 1)
        outcome = run(manifest, folder / "all", nodes, workers)
        same = results(folder / "all") == expected
        print(
            f"{options.items} items of {options.seconds} s on {workers} workers: {outcome.startup:.1f} s until the "
            f"first began, then {outcome.seconds:.1f} s. One worker: {one.rate:.4f} items a second, "
            f"{one.item_seconds:.3f} s each; all of them: {outcome.rate:.4f}, {outcome.item_seconds:.3f} s each. "
            f"{outcome.rate / one.rate / workers:.3f} of {workers} times one worker's throughput, and "
            f"{outcome.rate * options.seconds / workers:.3f} of what {workers} would do that do nothing but sleep. The "
            f"command used its processor for {1000.0 * outcome.driver_seconds / options.items:.0f} ms an item. All "
            f"results as without Ray: {same}",
            flush=True,
        )
        chance = random.Random(0)
        for number in range(options.kills):
            output = folder / f"killed{number}"
            moment = chance.randrange(1, options.items - workers)
            killed: list[int] = []

            def kill(_: subprocess.Popen, output: Path = output, moment: int = moment, killed: list = killed) -> None:
                if not killed and len(made(output)) >= moment:
                    killed.append(moment)
                    nodes.kill_one(chance)

            outcome = run(manifest, output, nodes, workers, kill)
            times = made(output)
            same = results(output) == expected
            print(
                f"a node killed after {killed[0]} items: {outcome.seconds:.1f} s, {outcome.died} workers died over an "
                f"item; {len(times)} results, {max(times.values())} time at most; as without Ray: {same}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
