# SPDX-License-Identifier: GPL-3.0-or-later
"""The finished textures of a job: one, or one for each UDIM tile, written as they are baked."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from ..detail.detail import Detail
from ..geometry.mesh import Mesh
from ..geometry.texels import TexelMap, texel_bands
from ..geometry.tiles import Tiles
from ..job import TEXTURE_FILE, tile_file
from ..reporting import Cancelled, Reporter
from ..storage.optional import cause
from ..storage.whole_file import whole_file
from ..views.rasteriser import Raster
from .bake import bake
from .coverage import Coverage
from .preview import Paint, texture_paint

_LARGEST_PAINT = 1024
"""Side to which the textures of tiles are averaged down for ``Paint``: of 8192 texels, few would fit into memory."""


@dataclass(frozen=True)
class Onto:
    """A texture that the baked one goes into."""

    mesh: Mesh
    """The whole object."""
    rows: int
    """Of the texture."""
    lay: Callable[[NDArray[np.uint8]], tuple[NDArray[np.uint8], NDArray[np.uint8]]]
    """From what was baked, uint8 [rows, size, 3], to the texture [rows, size, 3 or 4] and to it over white."""


def bake_textures(
    field: nn.Module,
    mesh: Mesh,
    tiles: Tiles | None,
    size: int,
    coverage: Coverage | None,
    detail: Detail | None,
    folder: Path,
    reporter: Reporter,
    onto: Onto | None = None,
) -> tuple[list[Path], Paint]:
    """Bake the textures of ``size`` by ``size`` texels into a folder.

    Where they cannot be written there (the disk is full, the folder is gone), all of them go to a new folder among the
    system's temporary ones, and a warning names it: they may have taken hours.

    Args:
        field: see ``bake``.
        mesh: with its own UVs.
        tiles: of the mesh; ``None`` for one texture.
        size: side of each texture.
        coverage: of ``tiles.layout``, or without tiles of the mesh; ``None`` fills nothing.
        detail: see ``bake``.
        folder: gets ``base_color.png``, or ``base_color.1001.png`` and so on.
        reporter: asked between bands of texels whether to go on.
        onto: the texture that what is baked goes into, where ``mesh`` is a part of an object; without tiles alone.

    Returns:
        The files, and what paints them on the mesh.

    Raises:
        Cancelled: ``reporter`` said so.
        OSError: they cannot be written, there neither.
    """
    shelf = _Shelf(folder, reporter)
    if tiles is None:
        rows, whole = (0, mesh) if onto is None else (onto.rows, onto.mesh)
        texture = bake(field, _watched(texel_bands(mesh, size, rows), reporter), coverage, detail=detail)
        shown = texture
        if onto is not None:
            texture, shown = onto.lay(texture)
        shelf.put(texture, TEXTURE_FILE)
        return shelf.paths, texture_paint(whole, shown)
    paints = []
    for index, number in enumerate(tiles.numbers):
        bands = _watched(texel_bands(tiles.part(mesh, index), size), reporter)
        texture = bake(field, bands, coverage, tiles.in_layout(index), detail)
        shelf.put(texture, tile_file(number))
        side = min(size, _LARGEST_PAINT)
        small = Image.fromarray(texture).resize((side, side), Image.Resampling.BOX)
        paints.append(texture_paint(mesh, np.asarray(small)))
    return shelf.paths, _tiled_paint(tiles, paints)


def _watched(bands: Iterable[TexelMap], reporter: Reporter) -> Iterator[TexelMap]:
    for band in bands:
        if reporter.should_cancel():
            raise Cancelled
        yield band


class _Shelf:
    """Where textures are put, all of them into one folder."""

    def __init__(self, folder: Path, reporter: Reporter) -> None:
        self._folder, self._reporter = folder, reporter
        self._elsewhere = False
        self.paths: list[Path] = []

    def put(self, texture: NDArray[np.uint8], name: str) -> None:
        picture = Image.fromarray(texture)
        try:
            write_picture(picture, self._folder / name)
        except OSError as error:
            if self._elsewhere:
                raise
            self._move(error)
            write_picture(picture, self._folder / name)
        self.paths.append(self._folder / name)

    def _move(self, error: OSError) -> None:
        folder, self._elsewhere = Path(tempfile.mkdtemp(prefix="styletex-")), True
        for path in self.paths:
            shutil.copyfile(path, folder / path.name)
        self._reporter.warning(
            "elsewhere", f"The texture could not be written to {self._folder} ({cause(error)}); it is kept in {folder}"
        )
        self._folder, self.paths = folder, [folder / path.name for path in self.paths]


def write_picture(picture: Image.Image, path: Path) -> None:
    """Write ``picture`` to ``path`` as PNG.

    Raises:
        OSError: it cannot be written.
    """
    with whole_file(path, lasting=True) as file:
        picture.save(file, format="PNG")


def _tiled_paint(tiles: Tiles, paints: list[Paint]) -> Paint:
    """Each triangle by its tile's own paint."""

    def paint(raster: Raster) -> NDArray[np.float32]:
        image = np.zeros((*raster.mask.shape, 3), dtype=np.float32)
        for index, own in enumerate(paints):
            here = raster.mask & (tiles.tile[raster.triangle] == index)
            image[here] = own(replace(raster, mask=here))
        return image[raster.mask]

    return paint
