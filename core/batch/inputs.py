# SPDX-License-Identifier: GPL-3.0-or-later
"""What decides an item's result: its settings, and the content of its files, wherever they are."""

from __future__ import annotations

import argparse
import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from .manifest import Item, is_weighted

_NO_INPUTS = ("output", "models")


def files_of(options: argparse.Namespace) -> dict[str, Path]:
    """The files that an item reads, by what they are to it: those of a .gltf under ``mesh/`` and their own names, those
    of a list by its name and their place in it.
    """
    files: dict[str, Path] = {}
    for name, value in vars(options).items():
        if isinstance(value, Path) and name not in _NO_INPUTS:
            files[name] = value
        elif is_weighted(value):
            files |= {f"{name}/{place}": path for place, (path, _) in enumerate(value)}
    return files | {f"mesh/{uri}": files["mesh"].parent / uri for uri in _buffers(files["mesh"])}


def inputs_of(item: Item) -> dict[str, Any]:
    """Settings that were asked for, and SHA-256 of each file (``None`` where it is not there), as JSON holds them.

    StyleTex's own version is no part of it: a newer one leaves what is finished as it is.

    Raises:
        OSError: a file cannot be read.
    """
    files = {name: content_hash(path) for name, path in sorted(files_of(item.options).items())}
    return {"settings": dict(sorted(item.settings.items())), "files": files}


def content_hash(path: Path) -> str | None:
    """SHA-256 of a file, read once for as long as it does not change; ``None`` where it is not there.

    Of a folder, as a model may be one, that of its files' names and digests.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    if path.is_dir():
        files = sorted(found for found in path.rglob("*") if found.is_file())
        names = [[found.relative_to(path).as_posix(), content_hash(found)] for found in files]
        return hashlib.sha256(json.dumps(names).encode()).hexdigest()
    return _hash(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4096)
def _hash(path: Path, size: int, modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _buffers(mesh: Path) -> list[str]:
    """Files beside a .gltf that it takes its numbers from. Of a damaged one none: its reader will say what is wrong."""
    if mesh.suffix.lower() != ".gltf":
        return []
    try:
        buffers = json.loads(mesh.read_bytes()).get("buffers", [])
        uris = [buffer.get("uri") for buffer in buffers]
    except (OSError, ValueError, RecursionError, AttributeError, TypeError):
        return []
    return [unquote(uri) for uri in uris if isinstance(uri, str) and not uri.startswith("data:")]
