# SPDX-License-Identifier: GPL-3.0-or-later
"""What weights of two style images do: ``python -m core.evaluation.blend --work DIR``.

Textures one mesh by ordinary commands, with all of the one picture, half of each and all of the other, and prints the
independent judge's distances to both. What is finished in ``DIR`` is not made again.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..commands.options import OptionParser
from ..geometry.mesh import normalise
from ..inputs.pictures import open_as_it_is
from ..job import TEXTURE_FILE
from ..mesh_files.import_file import import_file
from .judge import Judge
from .shapes import SHAPES
from .styles import SAMPLES
from .views import picture_view, textured_views

SHARES = (1.0, 0.5, 0.0)
"""Weights of the first picture; those of the second are what is missing to 1."""
_ROOT = Path(__file__).parents[2]
_SIDE = 512


def distances(pictures: tuple[Path, Path], shares: Sequence[float], folder: Path) -> list[tuple[float, float]]:
    """For each share of the first picture, the judge's distances of the texture to both.

    Args:
        pictures: the two style images.
        shares: weights of the first.
        folder: for mesh and results.

    Raises:
        subprocess.CalledProcessError: a job failed; it has said why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "torus.ply"
    SHAPES["torus"]().export(path)
    mesh, judge, found = normalise(import_file(path).mesh), Judge(), []
    signatures = [judge.signature([picture_view(open_as_it_is(picture).convert("RGB"), _SIDE)]) for picture in pictures]
    for share in shares:
        output = folder / f"{share:g}"
        if not (output / TEXTURE_FILE).is_file():
            styles = [f"--style={pictures[0]}:{share:g}", f"--style={pictures[1]}:{1.0 - share:g}"]
            command = [
                sys.executable,
                "-m",
                "core",
                "stylize",
                str(path),
                *styles,
                "--preset=draft",
                f"--output={output}",
            ]
            subprocess.run([*command, "--prompt=a torus"], cwd=_ROOT, check=True, stdout=subprocess.DEVNULL)
        texture = np.asarray(open_as_it_is(output / TEXTURE_FILE).convert("RGB"))
        own = judge.signature(textured_views(mesh, texture))
        first, second = (judge.distance(own, signature) for signature in signatures)
        found.append((first, second))
    return found


def as_table(pictures: tuple[Path, Path], shares: Sequence[float], found: Sequence[tuple[float, float]]) -> str:
    """A Markdown table, one row a blend."""
    one, two = (picture.stem.replace("_", " ") for picture in pictures)
    lines = [f"| {one} | {two} | judge: {one} | judge: {two} |", "|---:|---:|---:|---:|"]
    for share, (first, second) in zip(shares, found, strict=True):
        lines.append(f"| {share:g} | {1.0 - share:g} | {first:.3f} | {second:.3f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table."""
    parser = OptionParser(description="Measure blends of two style images")
    parser.add_argument("--work", type=Path, required=True, help="folder for results, which are used again")
    parser.add_argument("--styles", nargs=2, type=Path, metavar="IMAGE", help="the pictures (two samples)")
    arguments = parser.parse_args()
    one, two = arguments.styles or (SAMPLES / "great_wave.jpg", SAMPLES / "stained_glass.jpg")
    pictures = (one.resolve(), two.resolve())
    print(as_table(pictures, SHARES, distances(pictures, SHARES, arguments.work.resolve())), end="")


if __name__ == "__main__":
    main()
