# SPDX-License-Identifier: GPL-3.0-or-later
"""Real paintings to evaluate with, from Debian's package ``gcompris-qt-data``; they are not part of this repository.

The package holds public-domain paintings cut into jigsaw pieces, in a file of Qt's resource format (``rcc``). Piece and
place are read from there, and the pictures put together again.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from ..inputs.pictures import open_as_it_is
from ..job import JobError

PACKAGE = "gcompris-qt-data"
PACKAGED_FILE = Path("usr/share/gcompris-qt/rcc/paintings.rcc")
"""The file in the package, below the root folder."""
_LEFT_OUT = ("Pieta", "Great Wave", "Poppies", "Village Street")
"""A photograph of a sculpture, and what ships as a sample of ours."""
_EDGE = 8
"""Pixels to cut off on each side, where the pieces' outlines are uneven."""
_OPAQUE = 255
_DIRECTORY, _COMPRESSED = 2, 1
_TREE_ENTRY = 22
_PIECE = re.compile(r'"pixmapfile"\s*:\s*"(image/[^"]+\.webp)",\s*"x"\s*:\s*"([\d.]+)",\s*"y"\s*:\s*"([\d.]+)"')
_BOARD_SIZE = re.compile(r'"width":\s*(\d+),\s*"height":\s*(\d+)')
_TITLE = re.compile(r'qsTr\("(.*?)"\)')


def read_paintings(path: Path) -> dict[str, Image.Image]:
    """RGB pictures by their titles ("Mary Cassatt, Summertime - 1894"), in the package's order.

    Those whose pieces leave gaps are left out.

    Raises:
        JobError: ``bad_image`` when ``path`` is not the file of the package.
    """
    try:
        files = dict(_resources(path.read_bytes()))
        root = next(name for name in files if name.endswith("/board/board1_0.qml")).removesuffix("board/board1_0.qml")
    except (OSError, struct.error, zlib.error, UnicodeDecodeError, StopIteration) as error:
        raise JobError(
            "bad_image",
            f"{path} holds no paintings",
            f"Install the Debian package {PACKAGE}, or name its paintings.rcc.",
        ) from error
    boards = {int(match[1]): name for name in files if (match := re.search(r"board(\d+)_0\.qml$", name))}
    paintings = {}
    for _, name in sorted(boards.items()):
        text = files[name].decode("utf-8")
        title = _found(_TITLE, text)[1].rstrip(".")
        picture = _put_together(text, files, root)
        whole = picture.getchannel("A").getextrema()[0] == _OPAQUE
        if whole and not any(part in title for part in _LEFT_OUT):
            paintings[title] = picture.convert("RGB")
    return paintings


def _put_together(text: str, files: dict[str, bytes], root: str) -> Image.Image:
    """The RGBA picture whose pieces ``text`` places by their middles, as shares of the board."""
    size = _found(_BOARD_SIZE, text)
    board = Image.new("RGBA", (int(size[1]), int(size[2])))
    for name, x, y in _PIECE.findall(text):
        piece = open_as_it_is(io.BytesIO(files[root + name])).convert("RGBA")
        corner = (round(float(x) * board.width - piece.width / 2), round(float(y) * board.height - piece.height / 2))
        board.alpha_composite(piece, (max(0, corner[0]), max(0, corner[1])))
    left, top, right, bottom = board.getbbox() or (0, 0, *board.size)
    return board.crop((left + _EDGE, top + _EDGE, right - _EDGE, bottom - _EDGE))


def _found(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.search(text)
    if match is None:
        raise JobError("bad_image", f"A painting's board has no {pattern.pattern}")
    return match


def _resources(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Path and contents of every file in a ``rcc`` file of version 2 or 3."""
    version, tree, contents, names = struct.unpack_from(">4I", data, 4)
    if data[:4] != b"qres" or version not in (2, 3):
        raise struct.error("not a Qt resource file")

    def name(offset: int) -> str:
        length = struct.unpack_from(">H", data, names + offset)[0]
        start = names + offset + 6
        return data[start : start + 2 * length].decode("utf-16-be")

    def walk(number: int, folder: str) -> Iterator[tuple[str, bytes]]:
        entry = tree + _TREE_ENTRY * number
        name_offset, flags = struct.unpack_from(">IH", data, entry)
        path = f"{folder}/{name(name_offset)}" if number else ""
        if flags & _DIRECTORY:
            count, first = struct.unpack_from(">2I", data, entry + 6)
            for child in range(first, first + count):
                yield from walk(child, path)
            return
        start = contents + struct.unpack_from(">I", data, entry + 10)[0]
        length = struct.unpack_from(">I", data, start)[0]
        body = data[start + 4 : start + 4 + length]
        # Compressed contents begin with their length.
        yield path, zlib.decompress(body[4:]) if flags & _COMPRESSED else body

    yield from walk(0, "")
