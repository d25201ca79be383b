# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker without models: it speaks the protocol of ``core/protocol.py`` and fails on request.

    python tests/fake_worker.py [--steps 20] [--step-seconds 0.02] [--frame-every 4] [behaviour …]

Use it in place of ``[python, "-u", "-m", "core", "worker"]``::

    WorkerClient([sys.executable, "-u", str(root / "tests" / "fake_worker.py"), "--die-at", "5"], cwd=root, log_path=…)

With no behaviour it does whole jobs, one after another, until ``quit`` or the end of its standard input: for each
``run`` it reads ``job.json``, sends ``stage`` "load", "optimise" and "bake", a ``progress`` a step, a ``frame`` every
``--frame-every`` steps unless one is still unacknowledged (Targa, 64 x 64, under ``frames/`` of the job
folder; they go from grey to stripes of orange and blue), writes ``base_color.png`` (as large as the job asks, 64 x 64
at least) and ``report.json``, and ends with ``done``. ``cancel``, ``pause`` and ``finish`` work as
in the real worker.

Behaviours (steps count from 1 and are those of every job):
    --checkpoint-at N    write a checkpoint after step N; a job that finds one goes on from there (0: it writes none)
    --die-at N           kill itself with SIGKILL at step N
    --exit-at N          leave with exit status 0 and no terminal event at step N
    --close-output-at N  close standard output at step N and stay alive
    --stall-at N         fall silent at step N: no events, no heartbeats, no answers
    --error-at N         send an ``error`` with the code --error-code (out_of_memory) at step N
    --warning-at N       send a ``warning`` with the code "fake" at step N
    --frame-side N       send frames of N x N pixels
    --tiles N            texture N UDIM tiles in a row, and show them all in the frames
    --flood N            send N ``progress`` events a step
    --elsewhere          remove the job folder in the end, and write the texture to a temporary folder
    --damaged-frames     write frames of half their size
    --pollute            write lines that are no messages among the events
    --strangers          send events of jobs that nobody asked for
    --ignore-cancel      ignore ``cancel``, and the signal that asks the process to end
    --ignore-quit        ignore ``quit`` and the end of standard input
    --announce-version N speak version N of the protocol
    --silent-start       send no hello
    --child              start a child that sleeps for a minute; its pid is in ``versions`` of the hello as "child"

It uses the standard library alone and imports nothing from the project, so that a change of the wire shows.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import queue
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from pathlib import Path
from typing import Any

FRAME_SIDE = 64
ORANGE, BLUE, GREY = (226, 135, 67), (52, 92, 150), (128, 128, 128)


class Wire:
    """Writes events to standard output, from any thread."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.silent = False
        self._sequence = 0
        self._lock = threading.Lock()

    def send(self, kind: str, job: str = "", **payload: Any) -> None:
        """Write one event, unless the worker has fallen silent."""
        with self._lock:
            if self.silent:
                return
            message = {"v": self.version, "job": job, "seq": self._sequence, "type": kind, **payload}
            self._sequence += 1
            self.raw(json.dumps(message).encode() + b"\n")

    def raw(self, data: bytes) -> None:
        """Write bytes as they are."""
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


class FakeWorker:
    """Does jobs in the calling thread; commands arrive on another."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.wire = Wire(options.announce_version)
        self.runs: queue.SimpleQueue[tuple[str, Path] | None] = queue.SimpleQueue()
        self.cancelled: set[str] = set()
        self.finishing: set[str] = set()
        self.pausing: set[str] = set()
        self.acknowledged = threading.Event()
        self.acknowledged.set()
        self.frames = 0

    def serve(self) -> None:
        """Answer commands until asked to leave."""
        if self.options.ignore_cancel:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if not self.options.silent_start:
            self.hello()
        threading.Thread(target=self.read_commands, daemon=True).start()
        threading.Thread(target=self.beat, daemon=True).start()
        while (request := self.runs.get()) is not None:
            self.run(*request)

    def hello(self) -> None:
        """Say who this is."""
        versions = {"styletex": "fake", "python": platform.python_version(), "torch": "fake", "diffusers": "fake"}
        if self.options.child:
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdin=subprocess.DEVNULL)
            versions["child"] = str(child.pid)
        device = {"device": "cpu", "device_name": "fake", "memory_bytes": 8 << 30, "precision": "float32"}
        reason = "fake (8 GiB), full precision: PyTorch finds no graphics card that it can use"
        self.wire.send("hello", versions=versions, **device, device_reason=reason, pid=os.getpid())

    def beat(self) -> None:
        """Heartbeats, for ever."""
        while True:
            time.sleep(1.0)
            self.wire.send("heartbeat")

    def read_commands(self) -> None:
        """Take commands until standard input ends."""
        for line in sys.stdin.buffer:
            message = json.loads(line)
            kind, job = message["type"], message["job"]
            if kind == "run":
                self.runs.put((job, Path(message["folder"])))
            elif kind == "cancel" and not self.options.ignore_cancel:
                self.cancelled.add(job)
            elif kind == "pause":
                self.pausing.add(job)
            elif kind == "finish":
                self.finishing.add(job)
            elif kind == "acknowledge_frame" and message["number"] == self.frames:
                self.acknowledged.set()
            elif kind == "quit" and not self.options.ignore_quit:
                os._exit(0)
        if not self.options.ignore_quit:
            os._exit(0)

    def run(self, job: str, folder: Path) -> None:
        """One job, from ``stage`` to its terminal event."""
        options = self.options
        settings = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        started = time.monotonic()
        self.acknowledged.set()
        self.wire.send("stage", job, name="load", label="Loading models")
        self.wire.send("stage", job, name="optimise", label="Optimizing")
        checkpoint = folder / "checkpoint.safetensors"
        done = int(checkpoint.read_text()) if checkpoint.exists() else 0
        for step in range(done + 1, options.steps + 1):
            time.sleep(options.step_seconds)
            if job in self.cancelled:
                checkpoint.unlink(missing_ok=True)
                self.wire.send("cancelled", job)
                return
            if job in self.pausing:
                self.save(job, checkpoint, step - 1)
                self.wire.send("paused", job)
                return
            if job in self.finishing:
                break
            if step == options.checkpoint_at:
                self.save(job, checkpoint, step)
            if self.misbehave(job, step):
                return
            left = (options.steps - step) * options.step_seconds
            for _ in range(options.flood):
                self.wire.send("progress", job, step=step, steps=options.steps, seconds_left=left)
            if step % options.frame_every == 0 and self.acknowledged.is_set():
                self.send_frame(job, folder, step / options.steps)
        self.wire.send("stage", job, name="bake", label="Baking the texture")
        checkpoint.unlink(missing_ok=True)
        side = max(64, int(settings["texture_size"]))
        if self.options.elsewhere:
            shutil.rmtree(folder)
            folder = Path(tempfile.mkdtemp(prefix="styletex-"))
        texture, report = folder / "base_color.png", folder / "report.json"
        tiles = [1001 + tile for tile in range(options.tiles)]
        for tile in tiles:
            write_png(folder / f"base_color.{tile}.png", side, pixels(side, (tile - 1000) / len(tiles)))
        if tiles:
            texture = folder / "base_color.1001.png"
        else:
            write_png(texture, side, pixels(side, 1.0))
        told = {
            "object_name": settings["object_name"],
            "seed": settings["seed"],
            "finished_early": job in self.finishing,
        }
        report.write_text(json.dumps(told))
        seconds = time.monotonic() - started
        self.wire.send(
            "done",
            job,
            texture=str(texture),
            tiles=tiles,
            report=str(report),
            seconds=seconds,
            finished_early=job in self.finishing,
        )

    def save(self, job: str, checkpoint: Path, step: int) -> None:
        """Write a checkpoint, and say so."""
        checkpoint.write_text(str(step))
        self.wire.send("checkpoint", job, step=step, steps=self.options.steps)

    def misbehave(self, job: str, step: int) -> bool:
        """Do what was asked for at this step; true when the job has ended."""
        options = self.options
        if options.pollute:
            self.wire.raw(b'a library printed this\n\xff\xfe\x00 not text\n[1, 2]\n{"v": 1}\n\n')
        if options.strangers:
            self.wire.send("progress", "stranger", step=999, steps=999, seconds_left=None)
            self.wire.send("done", "stranger", texture="", report="", seconds=0.0, finished_early=False)
        if step == options.warning_at:
            self.wire.send("warning", job, code="fake", message="A fake warning")
        if step == options.stall_at:
            self.wire.silent = True
            time.sleep(3600.0)
        if step == options.die_at:
            print("about to die", file=sys.stderr, flush=True)
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
            time.sleep(60.0)
        if step == options.exit_at:
            os._exit(0)
        if step == options.close_output_at:
            self.wire.silent = True
            os.close(sys.stdout.fileno())
            time.sleep(60.0)
        if step == options.error_at:
            self.wire.send("error", job, code=options.error_code, message="A fake failure", hint="Try again", detail="")
            return True
        return False

    def send_frame(self, job: str, folder: Path, progress: float) -> None:
        """Write a frame under a temporary name, rename it, and say so."""
        self.frames += 1
        path = folder / "frames" / f"{self.frames:06d}.tga"
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_suffix(".partial")
        side = self.options.frame_side
        data = targa(side, pixels(side, progress))
        temporary.write_bytes(data[: len(data) // 2] if self.options.damaged_frames else data)
        temporary.replace(path)
        self.acknowledged.clear()
        self.wire.send(
            "frame",
            job,
            number=self.frames,
            path=str(path),
            shape=[side, side, 3],
            colour_space="sRGB",
            extent=max(1, self.options.tiles),
        )


def targa(side: int, rows: bytes) -> bytes:
    """An uncompressed Targa file, its first row at the top."""
    blue_first = bytearray(rows)
    blue_first[0::3], blue_first[2::3] = rows[2::3], rows[0::3]
    return struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, side, side, 24, 0x20) + blue_first


def pixels(side: int, progress: float) -> bytes:
    """Raw uint8 [side, side, 3]: grey at progress 0, eight upright stripes of orange and blue at 1."""
    row = bytearray()
    for column in range(side):
        stripe = ORANGE if column * 8 // side % 2 == 0 else BLUE
        row += bytes(round(grey + progress * (tone - grey)) for grey, tone in zip(GREY, stripe, strict=True))
    return bytes(row) * side


def write_png(path: Path, side: int, data: bytes) -> None:
    """Write raw uint8 [side, side, 3] as a PNG."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\x00" + data[start : start + side * 3] for start in range(0, len(data), side * 3))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def main() -> None:
    """Read the behaviour from the command line and serve."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--step-seconds", type=float, default=0.02)
    parser.add_argument("--frame-every", type=int, default=4)
    parser.add_argument("--frame-side", type=int, default=FRAME_SIDE)
    parser.add_argument("--flood", type=int, default=1)
    parser.add_argument("--tiles", type=int, default=0)
    parser.add_argument("--announce-version", type=int, default=1)
    parser.add_argument("--error-code", default="out_of_memory")
    for name in ("checkpoint", "die", "exit", "close-output", "stall", "error", "warning"):
        parser.add_argument(f"--{name}-at", type=int, default=0)
    for name in (
        "pollute",
        "strangers",
        "ignore-cancel",
        "ignore-quit",
        "silent-start",
        "child",
        "damaged-frames",
        "elsewhere",
    ):
        parser.add_argument(f"--{name}", action="store_true")
    FakeWorker(parser.parse_args()).serve()


if __name__ == "__main__":
    main()
