# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core evaluate``: its options, and running it. Imports nothing heavy before it runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..job import DEVICES, EXIT_STATUS, PRESETS, PROFILES, TEXTURE_SIZES, JobError

_DESCRIPTION = """\
Texture every mesh in every style, look at the results from all sides and measure them: distance to the own and to the
other style images (a distance of our own and an independent judge), leakage of content, visibility of UV seams,
baked light, coverage. Writes results.json, results.md and contact_sheet.png. The same command goes on where an earlier
one stopped.
"""


def add_parser(subparsers: Any) -> None:
    """Add the ``evaluate`` command to ``subparsers`` (of ``ArgumentParser.add_subparsers``)."""
    parser = subparsers.add_parser("evaluate", help="measure textures of several styles", description=_DESCRIPTION)
    parser.add_argument(
        "--styles", type=Path, nargs="+", metavar="IMAGE", help="two or more pictures (those in core/samples)"
    )
    parser.add_argument("--contents", nargs="+", metavar="TEXT", help="what each picture shows, in their order")
    parser.add_argument(
        "--meshes",
        nargs="+",
        default=["suzanne", "chair"],
        metavar="MESH",
        help='mesh files, "chair", "pole", "sheet", "room", "islands", "torus", "tiny", "cup", or "suzanne", which'
        " needs the Python module bpy (suzanne chair)",
    )
    parser.add_argument("--prompts", nargs="+", metavar="TEXT", help="what each mesh is, in their order")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the results")
    parser.add_argument("--preset", choices=PRESETS, default="draft", help="how long to optimise (draft)")
    parser.add_argument("--profile", choices=PROFILES, default="bundled", help="which model (bundled)")
    parser.add_argument(
        "--size", type=int, choices=TEXTURE_SIZES, default=1024, help="side of the textures in texels (1024)"
    )
    parser.add_argument("--seed", type=int, default=0, help="makes a run repeatable (0)")
    parser.add_argument("--content-removal", type=float, default=1.0, metavar="S", help="strength from 0 to 1 (1)")
    parser.add_argument("--tone", type=float, metavar="W", help="weight of the style's colours and strokes, 0 or more")
    parser.add_argument("--no-shading", action="store_true", help="show the model the base colour without light")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="where to compute (auto)")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder with the model's files")
    parser.add_argument("--no-judge", action="store_true", help="leave out the independent judge")
    parser.add_argument(
        "--ablate",
        nargs="*",
        metavar="VARIANT",
        help='leave one part of the method out at a time instead, and compare ("no ODCR", "statistics alone", …;'
        " all of them)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what the command line says; the table goes to standard output.

    Raises:
        JobError: something a person can act on.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from ..commands.stylize import ConsoleReporter
    from ..models.places.use import require_folder
    from ..stylize import LoadedModels
    from .ablation import ablate
    from .cases import RunSettings
    from .evaluate import evaluate
    from .judge import Judge
    from .styles import sample_paths, style

    require_folder(arguments.models)
    paths: list[Path] = arguments.styles or sample_paths()
    contents = _one_each("contents", arguments.contents, "styles", len(paths))
    prompts = _one_each("prompts", arguments.prompts, "meshes", len(arguments.meshes))
    settings = RunSettings(
        preset=arguments.preset,
        profile=arguments.profile,
        texture_size=arguments.size,
        seed=arguments.seed,
        content_removal=arguments.content_removal,
        tone=arguments.tone,
        device=arguments.device,
        shading=not arguments.no_shading,
    )
    styles = [style(path, content) for path, content in zip(paths, contents, strict=True)]
    meshes = [_mesh(name, prompt) for name, prompt in zip(arguments.meshes, prompts, strict=True)]
    variants = None if arguments.ablate is None else _variants(arguments.ablate)
    judge = None if arguments.no_judge else Judge()
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    try:
        with Progress(*columns, console=console, transient=True) as progress:
            reporter = ConsoleReporter(progress, console)
            what = (arguments.output, reporter, LoadedModels(arguments.models), judge)
            if variants is None:
                table = evaluate(styles, meshes, settings, *what)
            else:
                table = ablate(styles, meshes, settings, variants, *what)
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on from here.", file=sys.stderr)
        return EXIT_STATUS["cancelled"]
    print(table, end="")
    return 0


def _mesh(name: str, prompt: str | None) -> Any:
    from dataclasses import replace

    from .meshes import evaluation_mesh

    mesh = evaluation_mesh(name)
    return mesh if prompt is None else replace(mesh, prompt=prompt)


def _variants(names: list[str]) -> list[str]:
    """The variants that were named, or all."""
    from .ablation import VARIANTS

    if unknown := [name for name in names if name not in VARIANTS]:
        raise JobError("bad_request", f"There is no variant {unknown[0]!r}; the variants are {', '.join(VARIANTS)}")
    return names or list(VARIANTS)


def _one_each(option: str, texts: list[str] | None, of: str, count: int) -> list[str] | list[None]:
    if texts is None:
        return [None] * count
    if len(texts) != count:
        raise JobError("bad_request", f"There are {len(texts)} --{option} for {count} {of}", "Give one for each.")
    return texts
