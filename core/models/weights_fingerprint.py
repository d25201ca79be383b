# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells one set of weights from another without reading gigabytes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from .model_files import located_files
from .model_profile import ModelProfile

_WHOLE = 64 << 20
"""Bytes up to which a file is read whole."""
_PARTS, _PART = 64, 1 << 16
"""Of a larger one, as many parts of so many bytes, spread evenly: training changes all of a file."""


def weights_fingerprint(profile: ModelProfile) -> str:
    """Changes when a file of ``profile`` does, or which of them are on this computer. Asks no network."""
    digest = hashlib.sha256()
    for name, path in located_files(profile):
        digest.update(f"{name}\0".encode())
        if path is not None:
            _add(digest, path)
    return digest.hexdigest()


def _add(digest: hashlib._Hash, path: Path) -> None:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest.update(f"{size}\0".encode())
        if size <= _WHOLE:
            digest.update(hashlib.file_digest(file, "sha256").digest())
            return
        for part in range(_PARTS):
            file.seek(part * (size - _PART) // (_PARTS - 1))
            digest.update(file.read(_PART))
