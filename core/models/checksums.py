# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a model's files are still what they were: a flipped bit in weights shows in no other way.

    python -m core.models.checksums FOLDER

writes the digests of the files in a model's folder anew, in the format of ``sha256sum``. Standard library only.

The bundled model's files are read once in a process, before they are loaded first: that takes a tenth of a second, and
a disk that loses bits leaves size and time as they were. Those of a download are read once after they came, and
whenever somebody asks the doctor.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ..job import JobError

SUMS_FILE = "SHA256SUMS"
"""In a model's folder."""
_COVERED = (".json", ".safetensors", ".txt")
_DIGESTS = {64: "sha256", 40: "sha1"}
"""By the length of the name of a file in the hub's cache, which is its digest: of large files, and of those in git."""

_sound: set[tuple[str, int, int]] = set()
"""What was read in this process and was right: path, size, and time of the last change."""


def write_sums(folder: Path) -> None:
    """Write the digests of all files of the model in ``folder``."""
    lines = (f"{_digest(path, 'sha256')}  {path.relative_to(folder).as_posix()}\n" for path in _files(folder))
    (folder / SUMS_FILE).write_text("".join(lines), encoding="utf-8", newline="\n")


def read_sums(folder: Path) -> dict[str, str]:
    """By file name within ``folder``, with forward slashes, its SHA-256; nothing when there are no sums.

    Raises:
        JobError: ``model_missing`` when they cannot be read.
    """
    file = folder / SUMS_FILE
    try:
        pairs = [line.split("  ", 1) for line in file.read_text(encoding="utf-8").splitlines()]
        return {name: digest for digest, name in pairs}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise JobError("model_missing", f"{file} is damaged", "Install the add-on again.", str(error)) from error


def damaged_in(folder: Path) -> list[str]:
    """Files of the model in ``folder`` that are not what its sums say, or not there; all are read."""
    return [name for name, digest in read_sums(folder).items() if not _is_right(folder / name, digest)]


def damaged_of_cache(files: Iterable[Path]) -> list[Path]:
    """Those of ``files``, in the hub's cache, that are not what the names of their blobs say; all are read.

    A cache without links (on Windows, say) has no such names; its files were compared when they came.
    """
    return [path for path in files if (digest := path.resolve().name) and not _is_right(path, digest)]


def require_sound(folder: Path, names: Iterable[str], hint: str) -> None:
    """Make sure, once in a process, that files of the model in ``folder`` are what its sums say, if it has sums.

    Args:
        folder: of the model.
        names: of the files, with forward slashes; those that are missing are left to others.
        hint: the way out.

    Raises:
        JobError: ``model_missing`` naming the file that is damaged.
    """
    sums = read_sums(folder)
    for name in names:
        path, digest = folder / name, sums.get(name, "")
        if digest and path.is_file() and not _is_sound(path, digest):
            raise _damaged(path, hint)


def require_sound_cache(files: Iterable[Path], stamps: Path, hint: str) -> None:
    """Make sure, once after they came, that files in the hub's cache are what the names of their blobs say.

    They are gigabytes; so those that were right are remembered from process to process.

    Args:
        files: which.
        stamps: where that is remembered; where it cannot be written, they are read again in the next process.
        hint: the way out.

    Raises:
        JobError: ``model_missing`` naming the file that is damaged.
    """
    known = _read_stamps(stamps)
    _sound.update(known)
    for path in files:
        if not _is_sound(path, path.resolve().name):
            raise _damaged(path, hint)
    if new := _sound - known:
        with suppress(OSError):
            stamps.write_text(json.dumps(sorted(known | new)), encoding="utf-8")


def _read_stamps(file: Path) -> set[tuple[str, int, int]]:
    try:
        return {(str(path), int(size), int(changed)) for path, size, changed in json.loads(file.read_text("utf-8"))}
    except (OSError, ValueError, TypeError, RecursionError):
        return set()


def _damaged(path: Path, hint: str) -> JobError:
    return JobError("model_missing", f"The model's file {path} is damaged: it is not what was made or downloaded", hint)


def _is_sound(path: Path, digest: str) -> bool:
    status = path.stat()
    key = (str(path.resolve()), status.st_size, status.st_mtime_ns)
    if key not in _sound:
        if not _is_right(path, digest):
            return False
        _sound.add(key)
    return True


def _is_right(path: Path, digest: str) -> bool:
    kind = _DIGESTS.get(len(digest)) if not set(digest) - set("0123456789abcdef") else None
    if kind is None:
        return True
    try:
        return _digest(path, kind) == digest
    except OSError:
        return False


def _digest(path: Path, kind: str) -> str:
    with path.open("rb") as file:
        if kind == "sha256":
            return hashlib.file_digest(file, "sha256").hexdigest()
        # Git's name of a file's content.
        blob = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
        while part := file.read(1 << 20):
            blob.update(part)
        return blob.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in _COVERED)


if __name__ == "__main__":
    write_sums(Path(sys.argv[1]))
