# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the steps of ``farm/Containerfile`` in a bare Debian root, and textures a batch with what they leave.

    python -m tests.farm.container

as root, on Linux, where no container builder is at hand. What is printed is what each step took, and at the end the
summary of the batch.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.fresh_roots import inside, network, roots, runs

ROOT = Path(__file__).resolve().parents[2]
CONTAINERFILE = ROOT / "farm" / "Containerfile"


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions, with their arguments as they stand there."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines.splitlines()) if name]


def main() -> int:
    """Build and try; returns the exit status."""
    settings = network.of_this_machine()
    root = roots.provide(roots.CASES["trixie"], "", settings, renew=False)
    with runs.copy_of(root, "container", keep=False) as copy:
        settings.put_into(copy.written)
        return _build_and_try(copy.written, copy.root, copy.overlay, settings)


def _build_and_try(written: Path, root: Path, overlay: tuple[Path, ...], settings: network.Settings) -> int:
    variables, arguments, place, entry = dict(settings.variables), {}, "/", []
    variables.setdefault("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")

    def run(program: list[str], at: str) -> int:
        whole = inside.command(root, program, at, overlay, settings.folders)
        return subprocess.run(whole, env=variables | arguments, stdin=subprocess.DEVNULL, check=False).returncode

    for name, rest in instructions(CONTAINERFILE.read_text(encoding="utf-8")):
        begun = time.monotonic()
        if name == "ARG":
            key, _, value = rest.partition("=")
            arguments[key] = value
        elif name == "ENV":
            variables |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        elif name == "WORKDIR":
            place = rest
            (written / place.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif name == "COPY":
            *sources, target = rest.split()
            _copy([ROOT / source for source in sources], written / target.lstrip("/"), target.endswith("/"))
        elif name == "RUN":
            if status := run(["sh", "-c", rest], place):
                print(f"{rest}: exit status {status}", file=sys.stderr)
                return status
        elif name == "ENTRYPOINT":
            entry = json.loads(rest)
        print(f"==> {name} {' '.join(rest.split())[:90]}: {time.monotonic() - begun:.0f} s", flush=True)
    data = written / place.lstrip("/")
    for number in range(2):
        size = 1.0 + number
        lines = [f"v {x} {y} {z}" for x in (0, size) for y in (0, 1) for z in (0, 1)]
        faces = ["f 1 2 4 3", "f 5 7 8 6", "f 1 5 6 2", "f 3 4 8 7", "f 1 3 7 5", "f 2 6 8 4"]
        (data / f"box{number}.obj").write_text("\n".join([*lines, *faces]) + "\n")
    shutil.copy2(ROOT / "core" / "samples" / "great_wave.jpg", data)
    what = ["batch", ".", "--style", "great_wave.jpg", "--preset", "draft", "--size", "256", "--output", "textured"]
    begun = time.monotonic()
    status = run([*entry, *what, "--ray", "local", "--workers", "1"], place)
    made = sorted(path.parent.name for path in (data / "textured").glob("*/base_color.png"))
    print(f"==> core {' '.join(what)} --ray local --workers 1: exit status {status}, {made}, "
          f"{time.monotonic() - begun:.0f} s")  # fmt: skip
    return status or int(made != ["box0", "box1"])


def _copy(sources: list[Path], target: Path, into: bool) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for source in sources:
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target / source.name if into else target, dirs_exist_ok=True, ignore=ignored)
        else:
            shutil.copy2(source, target)


if __name__ == "__main__":
    sys.exit(main())
