# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core bench``: its options, and running it. Imports nothing heavy before it runs."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from ..job import DEVICES, PRESETS, PROFILES, JobError
from .costs import Cost, as_table, measure
from .ways import WAYS, against

_DESCRIPTION = """\
Texture one mesh in several ways by turns, each in a process of its own, and print what each cost: seconds by phase, the
most memory, and the whole time in proportion to the first way. Whatever else the machine does falls on all alike.
"""


def add_parser(subparsers: Any) -> None:
    """Add the ``bench`` command to ``subparsers`` (of ``ArgumentParser.add_subparsers``)."""
    parser = subparsers.add_parser("bench", help="measure time and memory", description=_DESCRIPTION)
    parser.add_argument(
        "what",
        nargs="?",
        choices=("jobs", "blender", "card", "scale"),
        default="jobs",
        help="jobs, or what the add-on costs the Blender that the environment variable BLENDER names, or what the"
        " graphics card does with whole jobs, or how cost grows with triangles, texels and objects (jobs)",
    )
    parser.add_argument(
        "--ways", nargs="+", choices=WAYS, default=list(WAYS)[:2], metavar="WAY", help=f"of {', '.join(WAYS)}"
    )
    parser.add_argument("--against", type=Path, metavar="DIR", help="another checkout and this one, in place of ways")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each way has its turn (3)")
    parser.add_argument("--mesh", type=Path, metavar="MESH", help="an .obj, .glb, .gltf or .ply file (a torus)")
    parser.add_argument("--preset", choices=PRESETS, default="draft", help="how long to optimise (draft)")
    parser.add_argument("--profile", choices=PROFILES, default="bundled", help="which model (bundled)")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder with the model's files")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="of card: in place of the card (auto)")
    parser.add_argument(
        "--jobs", nargs="+", metavar="MODEL:PRESET", help="of card: only these, such as bundled:draft (all)"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the page of figures here too")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what the command line says; the table goes to standard output.

    Raises:
        JobError: ``bad_setting`` when there are no rounds; whatever a job failed with.
    """
    if arguments.what == "blender":
        return _run_blender(arguments)
    if arguments.what == "card":
        return _run_card(arguments)
    if arguments.rounds < 1:
        raise JobError("bad_setting", f"--rounds is {arguments.rounds}; it must be at least 1")
    if arguments.what == "scale":
        return _run_scale(arguments)
    from rich.console import Console
    from rich.progress import Progress

    from ..evaluation.shapes import SHAPES
    from ..evaluation.styles import sample_paths

    if arguments.against is not None and not (arguments.against / "core").is_dir():
        raise JobError("bad_setting", f"--against is {arguments.against}, which is no checkout: it has no folder core")
    ways = WAYS if arguments.against is None else against(arguments.against.resolve())
    costs: dict[str, list[Cost]] = {way: [] for way in (arguments.ways if arguments.against is None else ways)}
    turns = [way for _ in range(arguments.rounds) for way in costs]
    with tempfile.TemporaryDirectory() as name, Progress(console=Console(stderr=True), transient=True) as progress:
        folder = Path(name)
        mesh = arguments.mesh
        if mesh is None:
            mesh = folder / "torus.ply"
            SHAPES["torus"]().export(mesh)
        # The jobs run in the folder of this program.
        options = [str(mesh.resolve()), f"--style={sample_paths()[0]}", f"--prompt={mesh.stem}"]
        options += [f"--preset={arguments.preset}", f"--profile={arguments.profile}"]
        if arguments.models is not None:
            options.append(f"--models={arguments.models.resolve()}")
        task = progress.add_task("", total=len(turns))
        for way in turns:
            progress.update(task, description=way)
            # Of their own, since another version's results are none to replace.
            output = folder / f"results {list(costs).index(way)}"
            costs[way].append(measure(ways[way], options, output))
            progress.advance(task)
    table = as_table(costs)
    print(table, end="")
    if arguments.output is not None:
        arguments.output.write_text(table, encoding="utf-8")
    return 0


def _run_blender(arguments: argparse.Namespace) -> int:
    """Measure the add-on in Blender; 1 when a bound is missed."""
    from .blender import FRAME_SIDES, as_page, export_seconds, measure, misses

    program = os.environ.get("BLENDER", "")
    if not program:
        raise JobError("bad_request", "There is no Blender to measure", "Name one in the environment variable BLENDER")
    runs, export = [measure(program, side) for side in FRAME_SIDES], export_seconds(program)
    page = as_page(runs, export)
    print(page, end="")
    if arguments.output is not None:
        arguments.output.write_text(page, encoding="utf-8")
    missed = misses(runs, export)
    for line in missed:
        print(line, file=sys.stderr)
    return 1 if missed else 0


def _run_scale(arguments: argparse.Namespace) -> int:
    """Measure how cost grows."""
    from ..diffusion.loaded_models import LoadedModels
    from .scale import scale

    with tempfile.TemporaryDirectory() as name:
        page = scale(LoadedModels(arguments.models), Path(name), arguments.rounds)
    print(page, end="")
    if arguments.output is not None:
        arguments.output.write_text(page, encoding="utf-8")
    return 0


def _run_card(arguments: argparse.Namespace) -> int:
    """Measure whole jobs on the graphics card; the figures go beside the page as JSON."""
    from .card import JOBS, as_json, as_page, measure_jobs, measure_shares, run_tests

    jobs = JOBS
    if arguments.jobs is not None:
        jobs = [(model, preset) for model, _, preset in (name.partition(":") for name in arguments.jobs)]
        for model, preset in jobs:
            if model not in PROFILES or preset not in PRESETS:
                raise JobError("bad_setting", f"--jobs has {model}:{preset}; it must be a model and a preset")
    with tempfile.TemporaryDirectory() as name:
        costs = measure_jobs(jobs, arguments.device, Path(name))
        shares = measure_shares(jobs, arguments.device, Path(name))
    page = as_page(costs, shares, arguments.device, run_tests())
    print(page, end="")
    if arguments.output is not None:
        arguments.output.write_text(page, encoding="utf-8")
        arguments.output.with_suffix(".json").write_text(as_json(costs, shares), encoding="utf-8")
    return 0
