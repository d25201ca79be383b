# SPDX-License-Identifier: GPL-3.0-or-later
"""A row of objects, each in the style of another picture, as the README shows it.

    python -m core.evaluation.gallery docs/gallery.jpg --work DIR

What is finished in ``DIR`` is not made again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import Progress

from ..commands.options import OptionParser
from ..commands.stylize import ConsoleReporter
from ..geometry.mesh import bounding_radius
from ..inputs.pictures import open_as_it_is
from ..results.preview import render_views, texture_paint
from ..stylize import LoadedModels
from ..views.cameras import Camera, turntable
from ..views.embree import EmbreeRasteriser
from .cases import Case, RunSettings, finish_case, make_cases
from .meshes import evaluation_mesh
from .styles import SAMPLES, style

SHOWN = (("village_street", "suzanne"), ("poppies", "cup"), ("great_wave", "torus"), ("stained_glass", "chair"))
"""Style image and mesh of each."""
SETTINGS = RunSettings("draft", "bundled", 1024, seed=0, content_removal=1.0, tone=None, device="auto")
_SIDE = 440
_PICTURE_SIDE = 130
_HEADLIGHT = 0.35
_TURN, _ELEVATION = 8, 20.0
"""The second of so many cameras around: from the front and a little from the right."""
_QUALITY = 90


def gallery_cases(work: Path, settings: RunSettings = SETTINGS) -> list[Case]:
    """What is shown, to be made in ``work``."""
    return [
        case
        for name, mesh in SHOWN
        for case in make_cases([style(SAMPLES / f"{name}.jpg")], [evaluation_mesh(mesh)], settings, work)
    ]


def gallery(cases: Sequence[Case]) -> Image.Image:
    """The finished cases side by side, each with its style image in the corner."""
    row = Image.new("RGB", (_SIDE * len(cases), _SIDE), "white")
    for number, case in enumerate(cases):
        row.paste(_object(case), (number * _SIDE, 0))
        picture = case.style.picture.convert("RGB")
        picture.thumbnail((_PICTURE_SIDE, _PICTURE_SIDE), Image.Resampling.LANCZOS)
        row.paste(picture, (number * _SIDE + 8, _SIDE - picture.height - 8))
    return row


def _object(case: Case) -> Image.Image:
    mesh = case.mesh.mesh
    with open_as_it_is(case.texture) as file:
        paint = texture_paint(mesh, np.asarray(file.convert("RGB")))
    camera: Camera = turntable(_TURN, _ELEVATION, bounding_radius(mesh))[1]
    return Image.fromarray(
        render_views(EmbreeRasteriser(mesh), paint, [camera], _SIDE, (1.0, 1.0, 1.0), headlight=_HEADLIGHT)[0]
    )


def main() -> None:
    """Make what is missing, and the picture."""
    parser = OptionParser(description="A row of objects in four styles")
    parser.add_argument("picture", type=Path, metavar="FILE.jpg")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="folder for the textures")
    arguments = parser.parse_args()
    console, models = Console(stderr=True), LoadedModels()
    cases = gallery_cases(arguments.work)
    with Progress(console=console, transient=True) as progress:
        reporter = ConsoleReporter(progress, console)
        for case in cases:
            finish_case(case, reporter, models)
    gallery(cases).save(arguments.picture, quality=_QUALITY, optimize=True, progressive=True)


if __name__ == "__main__":
    main()
