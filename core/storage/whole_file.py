# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that takes its place whole or not at all, and a folder that is no link to somewhere else."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PARTIAL_SUFFIX = ".partial"
"""Added to the name of a file while it is written."""
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


@contextmanager
def whole_file(path: Path, lasting: bool = False) -> Iterator[BinaryIO]:
    """A file to write into, which takes the place of ``path`` when the block ends.

    It is made anew beside ``path``, so nothing is ever written through a link: one that stands at ``path`` is replaced
    itself. When the block raises, what was at ``path`` stays as it was and nothing else is left.

    Args:
        path: where the file goes; what is there is replaced, unless it is a folder.
        lasting: wait until the bytes are on the disk, so that they outlive a power cut too.

    Raises:
        OSError: it cannot be written.
    """
    partial = path.with_name(path.name + PARTIAL_SUFFIX)
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, _NEW_FILE, 0o666), "wb") as file:
        try:
            yield file
            file.flush()
            if lasting:
                os.fsync(file.fileno())
            # Windows renames no open file.
            file.close()
            partial.replace(path)
        except BaseException:
            # What cannot be flushed must not hide why.
            with contextlib.suppress(OSError):
                file.close()
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise


def own_folder(path: Path) -> None:
    """Make the folder ``path`` if it is not there; the one above must be.

    Raises:
        OSError: it cannot be made, or what is there is a link or no folder.
    """
    with contextlib.suppress(FileExistsError):
        path.mkdir()
    if path.is_symlink() or not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "A link or a file stands where a folder should be", str(path))
