# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels: frames that arrive while a job runs, and the image that is left when it is done."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from ...core.job import JobError, tile_file

_TEXTURES = "//textures"
_TARGA_HEADER = 18
"""Bytes before the pixels."""


def take_frame_file(event: dict[str, Any]) -> Path:
    """Take over the file of a ``frame`` event: an uncompressed Targa file, which Blender reads as it is.

    Raises:
        OSError: the file is gone or cannot be moved.
        ValueError: it has another size than the event says.
    """
    source = Path(event["path"])
    height, width, channels = event["shape"]
    if (size := source.stat().st_size) != _TARGA_HEADER + height * width * channels:
        raise ValueError(f"{source} has {size} bytes")
    path = Path(bpy.app.tempdir) / "styletex_preview.tga"
    shutil.move(source, path)
    return path


def check_destination(destination: str) -> None:
    """Whether a finished image can be put there.

    Raises:
        JobError: ``bad_setting`` for "beside" while the .blend file has no place yet.
    """
    if destination == "beside" and not bpy.data.filepath:
        raise JobError(
            "bad_setting",
            "The texture cannot be saved beside the .blend file before that is saved",
            "Save the .blend file first, or keep the image in the file",
        )


def try_destination(destination: str) -> None:
    """Whether a finished image can be put there, found out by doing it with an empty file.

    Raises:
        JobError: ``bad_setting`` when it cannot.
    """
    check_destination(destination)
    if destination != "beside":
        return
    folder = Path(bpy.path.abspath(_TEXTURES))
    made = not folder.exists()
    try:
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise JobError(
            "bad_setting",
            f"The texture cannot be saved in {folder}: {error.strerror}",
            "Make room for that folder, or keep the image in the file",
        ) from error
    finally:
        if made:
            # It may be there no more, or not be empty any more.
            with contextlib.suppress(OSError):
                folder.rmdir()


def load_texture(path: Path, name: str, destination: str, tiles: Sequence[int] = ()) -> bpy.types.Image:
    """The finished texture as a Blender image, with exactly the pixels of the PNG at ``path``.

    No other image of the file has its path, and no file is there: Unpack Resources would take the one for the other.

    Args:
        path: the worker's PNG, which may go away afterwards; with tiles, that of the first one.
        name: what the image is called.
        destination: "packed" into the .blend file, or "beside" it in ``textures/``, where nothing is overwritten.
        tiles: UDIM numbers, for a tiled image from the PNGs beside ``path``.

    Raises:
        OSError: the image cannot be written; nothing is left of it.
        RuntimeError: Blender cannot load or pack it; nothing is left of it.
    """
    sources = {f".{number}": path.with_name(tile_file(number)) for number in tiles} or {"": path}
    folder = Path(bpy.path.abspath(_TEXTURES)) if bpy.data.filepath else None
    stem = _free_stem(re.sub(r"[^\w .-]", "_", name).strip(" .") or "StyleTex", list(sources), folder)
    pattern = f"{_TEXTURES}/{stem}.<UDIM>.png" if tiles else f"{_TEXTURES}/{stem}.png"
    written: list[Path] = []
    before = {image.session_uid for image in bpy.data.images}
    try:
        if destination == "beside" and folder is not None:
            for number, source in sources.items():
                written.append(_copy_whole(source, folder / f"{stem}{number}.png"))
            image = _load(written[0], tiles)
            image.filepath = pattern
        else:
            image = _load(next(iter(sources.values())), tiles)
            image.pack()
            image.filepath_raw = pattern
            for packed in image.packed_files:
                packed.filepath = pattern.replace("<UDIM>", str(packed.tile_number))
        if not all(image.size) or not (written or image.packed_files):
            raise RuntimeError(f"Blender cannot read the picture {path.name}")
        image.name = name
    except BaseException:
        for image in [found for found in bpy.data.images if found.session_uid not in before]:
            bpy.data.images.remove(image)
        for made in written:
            made.unlink(missing_ok=True)
        raise
    return image


def missing_file(image: bpy.types.Image) -> Path | None:
    """The file that an image was read from, where that is gone and the image is neither packed nor painted on."""
    if image.packed_files or image.is_dirty or image.source not in {"FILE", "TILED"}:
        return None
    path = bpy.path.abspath(image.filepath, library=image.library)
    numbers = [str(tile.number) for tile in image.tiles] if image.source == "TILED" else [""]
    files = [Path(path.replace("<UDIM>", number)) for number in numbers]
    return next((file for file in files if not file.is_file()), None)


def _load(path: Path, tiles: Sequence[int]) -> bpy.types.Image:
    """Blender finds tiles by their names."""
    image = bpy.data.images.load(str(path))
    if tiles:
        image.source = "TILED"
    return image


def _copy_whole(source: Path, to: Path) -> Path:
    """Copy a file under another name first, so that no half one is ever found."""
    to.parent.mkdir(exist_ok=True)
    partial = to.with_name(f"{to.name}.part")
    try:
        shutil.copyfile(source, partial)
        partial.rename(to)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return to


def _free_stem(stem: str, numbers: Sequence[str], folder: Path | None) -> str:
    """``stem``, or it with a number behind it, such that no image and no file has the names that come of it.

    Names are compared without their folders and without case: Unpack Resources puts everything into ``textures/``.
    """
    taken = {_file_name(path) for image in bpy.data.images for path in _paths(image)}
    if folder is not None:
        # A folder that may not be listed cannot be unpacked into either.
        with contextlib.suppress(OSError):
            taken |= {entry.name.casefold() for entry in folder.iterdir()}
    candidate, count = stem, 1
    while any(f"{candidate}{number}.png".casefold() in taken for number in (*numbers, ".<UDIM>")):
        count += 1
        candidate = f"{stem} {count}"
    return candidate


def _paths(image: bpy.types.Image) -> list[str]:
    return [image.filepath_raw, *(packed.filepath for packed in image.packed_files)]


def _file_name(path: str) -> str:
    return re.split(r"[/\\]", path)[-1].casefold()
