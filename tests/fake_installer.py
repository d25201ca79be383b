# SPDX-License-Identifier: GPL-3.0-or-later
"""The installer without an installation: prints the real one's events, and fails in the ways that tests ask for.

python fake_installer.py [--stage-seconds S] [--end-at STAGE --ending ENDING] COMMAND --target DIR …
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

STAGES = (
    ("tool", "Get the installer uv", 0),
    ("python", "Find a Python", 3),
    ("environment", "Make an environment", 4),
    ("packages", "Install the packages", 6),
    ("torch", "Install PyTorch, the largest download", 30),
    ("check", "Check that they work together", 90),
)
CHILD = "import time; time.sleep(600)"


def say(kind: str, **values) -> None:
    print(json.dumps({"type": kind, **values}), flush=True)


def end(ending: str) -> None:
    """Come to an end that is none."""
    if ending == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif ending == "exit":
        print("Traceback: something nobody thought of", file=sys.stderr, flush=True)
        sys.exit(7)
    elif ending == "silent":
        sys.exit(0)
    elif ending == "hang":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    elif ending == "child":
        child = subprocess.Popen([sys.executable, "-c", CHILD])
        say("note", text=f"child {child.pid}")
        time.sleep(600)
    elif ending == "garbage":
        for line in (
            b"\xff\xfe not text\n",
            b"[1, 2]\n",
            b'{"type": "progress"}\n',
            b'{"type": "unheard of"}\n',
            b"\n",
        ):
            sys.stdout.buffer.write(line)
        sys.stdout.buffer.write(b"x" * (1 << 17) + b"\n")
        sys.stdout.buffer.flush()
    else:
        say("error", code=ending, message=f"The fake met {ending}", hint="Free space, then install again")
        sys.exit(2)


def install(options: argparse.Namespace) -> None:
    for number, (name, title, percent) in enumerate(STAGES, 1):
        say("stage", stage=name, number=number, of=len(STAGES), title=title, text=f"{number} of {len(STAGES)}")
        say("progress", stage=name, percent=float(percent))
        if name == options.end_at and not options.large_download:
            end(options.ending)
        parts = 20 if name == "torch" else 1
        for part in range(1, parts + 1):
            time.sleep(options.stage_seconds / parts)
            if name == "torch":
                here = {"bytes": part * 10_000_000, "total_bytes": 200_000_000, "bytes_per_second": 11_200_000}
                left = (parts - part) * 2
                say("progress", stage=name, percent=30.0 + 3 * part, **here, seconds_left=left)
                say("log", text=f"a line of a tool, {part}")
    environment = options.target / "env-00000000-1"
    python = environment / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    if not python.exists():
        python.symlink_to(sys.executable)
    (options.target / "current.txt").write_text(environment.name)
    record = {"lock": options.lock, "device": options.device, "torch": "2.13.0+cpu", "python": "3.11.2"}
    (environment / "styletex-environment.json").write_text(json.dumps({**record, "size_bytes": 1_234_000_000}))
    say("progress", stage="check", percent=100.0)
    say("done", text="The environment is ready", environment=str(environment), seconds=581.2, size_bytes=1_234_000_000)


def doctor(options: argparse.Namespace) -> None:
    say("finding", name="disk space", ok=True, text="69,000 MB are free", mend="")
    say("finding", name="files", ok=False, text="files are missing in numpy", mend=f"Repair: {SHELL}")
    say("done", text="1 of 2 checks found something wrong")
    sys.exit(1)


SHELL = "python3 -m vendor_install install --rebuild"
parser = argparse.ArgumentParser()
parser.add_argument("--stage-seconds", type=float, default=0.02)
parser.add_argument("--end-at", default="")
parser.add_argument("--ending", default="")
parser.add_argument("--lock", default="")
parser.add_argument("command")
parser.add_argument("--target", type=Path)
parser.add_argument("--device", default="auto")
parser.add_argument("--large-download", action="store_true")
options, _ = parser.parse_known_args()
if options.command == "install":
    install(options)
elif options.command == "doctor":
    doctor(options)
else:
    import shutil

    shutil.rmtree(options.target)
    say("done", text="Removed")
