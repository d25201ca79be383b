# SPDX-License-Identifier: GPL-3.0-or-later
"""Wavefront OBJ (Alias, 1995), its polygons.

Read line by line, since a negative index counts back from the line it stands in.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .polygons import triangulate
from .raw_mesh import RawMesh, Unreadable, refuse_too_many

_TICK_LINES = 1 << 15
_VALUES = {b"v": ("vertex", 3), b"vt": ("UV", 2), b"vn": ("normal", 3)}
"""What stands in a line, and how many numbers of it count."""
_FREE_FORM = {b"curv", b"curv2", b"surf"}


def read_obj(path: Path, tick: Callable[[], None]) -> RawMesh:
    """Read the faces of all objects of a file, Y up.

    Args:
        path: the file.
        tick: called now and then; may raise, to stop.

    Raises:
        Unreadable: a line is no OBJ, a face refers to what is not there, or there are free-form surfaces and no face.
    """
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    for joint in (b"\\\r\n", b"\\\n"):
        data = data.replace(joint, b" ")
    # Arrays, since lists of numbers take many times the file's size.
    values = {kind: array("d") for kind in _VALUES}
    vertices, uvs, normals = values.values()
    # For each corner of each face its position, UV and normal, from 0; -1 where there is none.
    corners, counts = array("q"), array("q")
    notices: set[str] = set()
    for number, line in enumerate(data.splitlines(), start=1):
        if number % _TICK_LINES == 0:
            tick()
        words = line.partition(b"#")[0].split()
        if not words:
            continue
        kind = words[0]
        if kind in values:
            what, width = _VALUES[kind]
            values[kind].extend(_numbers(words[1:], width, what, len(values[kind]) // width + 1))
        elif kind in (b"f", b"fo") and len(words) > 3:
            sizes = (len(vertices) // 3, len(uvs) // 2, len(normals) // 3)
            for word in words[1:]:
                corners.extend(_corner(word, sizes, number))
            counts.append(len(words) - 1)
        elif kind in _FREE_FORM:
            notices.add("Its free-form curves and surfaces are left out; convert them to a mesh to have them textured")
    if not counts and notices:
        raise Unreadable("has free-form surfaces only, no faces", "Convert it to a mesh in the program that made it.")
    polygons = np.array(counts, np.int64)
    refuse_too_many(int((polygons - 2).sum()))
    position, uv, normal = np.array(corners, np.int64).reshape(-1, 3).T
    positions, coordinates, directions = (
        np.array(found, np.float64).reshape(-1, width)
        for found, (_, width) in zip((vertices, uvs, normals), _VALUES.values(), strict=True)
    )
    _refuse_beyond(position, len(positions), "vertex")
    _refuse_beyond(uv, len(coordinates), "UV")
    tick()
    cut, _ = triangulate(positions, position, polygons, tick)
    return RawMesh(
        positions,
        triangles=position[cut],
        corner_uvs=_at_corners(coordinates, uv[cut]),
        bare=(uv[cut] < 0).any(axis=1),
        corner_normals=_at_corners(directions, np.where(normal < len(directions), normal, -1)[cut]),
        notices=sorted(notices),
    )


def _corner(word: bytes, sizes: tuple[int, int, int], line: int) -> tuple[int, int, int]:
    """``word`` is "1", "1/2", "1//3" or "1/2/3"; ``sizes`` are the numbers of positions, UVs and normals so far."""
    fields = [*word.split(b"/"), b"", b""]
    found = []
    for field, size in zip(fields[:3], sizes, strict=True):
        try:
            index = int(field) if field else 0
        except ValueError:
            raise Unreadable(f"has a face in line {line} that is none: {word.decode(errors='replace')}") from None
        found.append(index - 1 if index >= 0 else size + index)
        if (field and index == 0) or found[-1] < -1 or (index < 0 and found[-1] < 0):
            raise Unreadable(f"has a face in line {line} that refers to number {index}, which does not exist")
    if found[0] < 0:
        raise Unreadable(f"has a face in line {line} that has a corner without a vertex")
    return found[0], found[1], found[2]


def _numbers(words: list[bytes], width: int, what: str, number: int) -> list[float]:
    """The first ``width`` of ``words``; what follows them is a weight or a colour."""
    if what == "UV" and len(words) == 1:
        words = [*words, b"0"]
    if len(words) < width:
        raise Unreadable(f"has fewer than {width} numbers for {what} {number}")
    try:
        return [float(word) for word in words[:width]]
    except ValueError as error:
        raise Unreadable(f"has a {what} that is no number: {error}") from error


def _refuse_beyond(index: NDArray[np.int64], size: int, what: str) -> None:
    if len(index) and index.max() >= size:
        raise Unreadable(f"has a face that refers to {what} {index.max() + 1} of {size}")


def _at_corners(values: NDArray[np.float64], index: NDArray[np.int64]) -> NDArray[np.float64]:
    """``values`` [N, W] at ``index`` [T, 3]; 0 in all of a triangle that has an index of -1."""
    found = np.zeros((*index.shape, values.shape[1]))
    whole = (index >= 0).all(axis=1)
    found[whole] = values[index[whole]]
    return found
