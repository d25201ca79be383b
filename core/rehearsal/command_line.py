# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core rehearse``: its options, and running it. Imports nothing heavy before it runs."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..job import PRESETS, PROFILES

if TYPE_CHECKING:
    from ..models.profiles import ModelProfile
    from ..optimisation.presets import OptimisationSettings
    from .rehearse import Rehearsal

_DESCRIPTION = """\
Build every network of a model at its real size with random weights and do one whole optimisation step on the
processor, without a download and without a graphics card. Prints the gradient that reached the texture, the memory and
the time it took and the operations it needed. Stable Diffusion 1.5 takes some minutes.
"""


def add_parser(subparsers: Any) -> None:
    """Add the ``rehearse`` command to ``subparsers`` (of ``ArgumentParser.add_subparsers``)."""
    parser = subparsers.add_parser("rehearse", help="try one step at real size", description=_DESCRIPTION)
    parser.add_argument("--profile", choices=PROFILES, default="sd15", help="which model (sd15)")
    parser.add_argument("--preset", choices=PRESETS, default="paper", help="whose step (paper)")
    parser.add_argument("--resolution", type=int, metavar="SIDE", help="of the views, in pixels (the model's own)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, view and noise level (0)")
    parser.add_argument(
        "--count-only", action="store_true", help="only count the operations of all presets, as a table"
    )
    parser.add_argument("--cards", action="store_true", help="only say what cards of the usual sizes do, as a table")
    parser.add_argument(
        "--write",
        type=Path,
        metavar="DIR",
        help="do no step, but write the networks as files, 5.6 GB for sd15; `stylize --models DIR` takes them",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what the command line says; the result goes to standard output.

    Raises:
        JobError: ``non_finite`` when a gradient is not finite.
    """
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    from ..commands.stylize import ConsoleReporter

    if arguments.count_only:
        print(_table(arguments.profile, arguments.resolution), end="")
        return 0
    if arguments.cards:
        from .cards import as_table

        print(as_table(), end="")
        return 0
    if arguments.write is not None:
        from ..models.profiles import profile
        from .stand_in import write_stand_in

        write_stand_in(profile(arguments.profile, arguments.write), arguments.write, arguments.seed)
        return 0
    console = Console(stderr=True)
    with Progress(TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True) as progress:
        reporter = ConsoleReporter(progress, console)
        reporter.stage("imports", "Starting PyTorch")

        from ..models.profiles import profile
        from .rehearse import rehearse

        model = profile(arguments.profile)
        settings = _settings(model, arguments.preset, arguments.resolution)
        result = rehearse(model, settings, arguments.seed, reporter)
    print(describe(result), end="")
    return 0


def describe(result: Rehearsal) -> str:
    """The rehearsal in words, one fact a line."""
    flops = result.flops
    memory = "not known on this system"
    if result.peak_memory is not None:
        memory = f"{result.peak_memory / 2**30:.2f} GiB (largest resident set)"
    rows = [
        *((f"parameters, {name}", f"{count / 1e6:.1f} M") for name, count in result.parameters.items()),
        ("parameters, all", f"{sum(result.parameters.values()) / 1e6:.1f} M"),
        ("timestep, interval", f"{result.interval.timestep}, {result.interval.delta}"),
        *((f"measure, {name}", f"{value:.4g}") for name, value in result.measures.items()),
        ("gradient at the texture", f"{result.gradient_norm:.4g} (norm), finite"),
        ("peak memory", memory),
        *((f"seconds, {name}", f"{seconds:.1f}") for name, seconds in result.seconds.items()),
        ("operations, UNet", f"{flops.unet / 1e12:.3f} TFLOP"),
        ("operations, ControlNets", f"{flops.control_nets / 1e12:.3f} TFLOP"),
        ("operations, VAE", f"{flops.vae / 1e12:.3f} TFLOP"),
        ("operations, step", f"{flops.total / 1e12:.3f} TFLOP"),
    ]
    width = max(len(name) for name, _ in rows)
    return "".join(f"{name:{width}}  {value}\n" for name, value in rows)


def _settings(model: ModelProfile, preset: str, resolution: int | None) -> OptimisationSettings:
    from ..optimisation.presets import optimisation_settings

    settings = optimisation_settings(model, preset)
    return settings if resolution is None else replace(settings, resolution=resolution)


def _table(name: str, resolution: int | None) -> str:
    """Operations of every preset of the profile called ``name``, as a Markdown table, and the memory it is planned
    with on a graphics card: a step's networks and what it holds besides, in half precision, with all views at once and
    with one after the other.
    """
    from ..devices.device_choice import memory_bytes
    from ..devices.memory_need import memory_need
    from ..models.profiles import profile
    from .flops import count_mean_step
    from .random_networks import networks_without_numbers

    model = profile(name)
    networks = networks_without_numbers(model)
    lines = ["| preset | steps | TFLOP a step | PFLOP a run | GiB | least GiB |", f"| --- |{' ---: |' * 5}"]
    for preset in PRESETS:
        settings = _settings(model, preset, resolution)
        flops = count_mean_step(networks, settings).total
        plans = memory_need(model, settings.views.views_per_step, settings.resolution).plans
        most, least = (memory_bytes(plan.values, "float16") / 2**30 for plan in (plans[0], plans[-1]))
        row = f"{flops / 1e12:.3g} | {flops * settings.steps / 1e15:.3g} | {most:.1f} | {least:.1f}"
        lines.append(f"| {preset} | {settings.steps} | {row} |")
    return "\n".join(lines) + "\n"
