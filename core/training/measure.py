# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the bundled model in what training never saw.

    python -m core.training.measure swatches|paintings|marks --output DIR

swatches are flat patterns, one of each family (is it recognised on the object?), paintings those of a Debian package,
marks objects with colours of their own (does ODCR keep them out?). ``summary.json``, the pictures and a contact sheet
are left in ``DIR``; the same command goes on where an earlier one stopped.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from ..commands.options import OptionParser
from ..commands.stylize import ConsoleReporter
from ..evaluation.ablation import VARIANTS, variant_cases
from ..evaluation.cases import RunSettings
from ..evaluation.evaluate import TABLE_FILE, StyleReferences, finish_and_measure
from ..evaluation.judge import Judge
from ..evaluation.meshes import evaluation_mesh
from ..evaluation.results import as_table
from ..stylize import LoadedModels
from .benchmark import families, held_out_styles, ranks, sample_gaps, swatches
from .family_judge import FILE, load_family_judge
from .marks import COUNT, measure_marks
from .paintings import PACKAGED_FILE, read_paintings
from .pictures import write_style_images

MESHES = ("suzanne", "chair", "cup", "torus")
SETTINGS = RunSettings("draft", "bundled", 1024, seed=0, content_removal=1.0, tone=None, device="auto")
"""What an artist gets without changing anything."""


def main() -> None:
    """Measure, and print the summary."""
    parser = OptionParser(description="Measure the bundled model in what training never saw")
    parser.add_argument("what", choices=("swatches", "paintings", "marks"))
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--meshes", nargs="+", default=MESHES)
    parser.add_argument("--size", type=int, default=SETTINGS.texture_size, help="of the textures")
    parser.add_argument("--count", type=int, default=COUNT, help="of the marked pictures")
    parser.add_argument("--variant", choices=VARIANTS, default="whole method", help="leave a part of the method out")
    parser.add_argument(
        "--samples", action="store_true", help="compare with what the denoiser paints view by view, too"
    )
    parser.add_argument("--models", type=Path, help="folder of the model, in place of the bundled one")
    parser.add_argument("--work", type=Path, default=Path("build/training"), help="where the judge was trained")
    parser.add_argument("--paintings", type=Path, default=Path("/") / PACKAGED_FILE, help="the package's paintings.rcc")
    arguments = parser.parse_args()
    if not 1 <= arguments.count <= COUNT:
        parser.error(f"--count is {arguments.count}; it must be from 1 to {COUNT}")
    console = Console(stderr=True)
    with Progress(console=console, transient=True) as progress:
        summary = _measure(arguments, ConsoleReporter(progress, console))
    (arguments.output / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({name: value for name, value in summary.items() if not isinstance(value, dict)}, indent=2))


def _measure(arguments: argparse.Namespace, reporter: ConsoleReporter) -> dict[str, Any]:
    meshes = [evaluation_mesh(name) for name in arguments.meshes]
    output, models = arguments.output, LoadedModels(arguments.models)
    settings = replace(SETTINGS, texture_size=arguments.size)
    if arguments.what == "marks":
        # The strokes come from the picture's own pixels, whatever they show, and would hide what the model leaks.
        settings = replace(settings, tone=0.0, detail=0.0)
        return measure_marks(meshes, settings, output, reporter, models, arguments.count)
    styles = held_out_styles()
    if arguments.what == "swatches":
        pictures = {name: (picture, "a flat pattern") for name, picture in swatches(styles).items()}
    else:
        found = read_paintings(arguments.paintings)
        pictures = {title.split(" - ")[0]: (picture, "") for title, picture in found.items()}
    images = write_style_images(pictures, output / "styles")
    style_judge = Judge()
    cases = variant_cases(VARIANTS[arguments.variant], images, meshes, settings, output, models)
    results = finish_and_measure(cases, output, reporter, models, StyleReferences(images, style_judge))
    (output / TABLE_FILE).write_text(as_table(results), encoding="utf-8")
    summary = ranks(results)
    known = arguments.what == "swatches"
    trained = arguments.work / "judge"
    judge = load_family_judge(trained, style_judge) if known and (trained / FILE).is_file() else None
    if known and judge is None:
        reporter.warning(
            "judge", f"{trained} holds no judge of patterns (python -m core.training judge): none is asked"
        )
    if judge is not None:
        summary |= families(cases, styles, judge)
    if arguments.samples:
        summary["samples"] = sample_gaps(cases, models, styles if known else {}, judge, reporter)
    return summary


if __name__ == "__main__":
    main()
