# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays from an ``.npz`` file, whose declared sizes and types are looked at before anything is unpacked.

NumPy's own reader takes what a file declares on trust: a file of a few megabytes can ask for any memory.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ..job import JobError
from .refusal import refusing

MOST_BYTES = 1 << 30
"""Of all arrays of a file together: some twelve million triangles."""
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 1
_HEADER_LIMIT: dict[str, Any] = {"max_header_size": 4096}
"""An argument that NumPy's types leave out."""
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
"""By version of the format; 3.0 is for names of fields, which no array here has."""


def read_arrays(
    path: Path, what: str, code: str, wanted: Mapping[str, tuple[type, tuple[int, ...]]], hint: str
) -> dict[str, Any]:
    """The arrays of the names in ``wanted``.

    Args:
        path: the file.
        what: what it holds ("mesh"), for messages.
        code: of the errors.
        wanted: by name the type of the numbers, and the shape of a row; any number of rows will do.
        hint: the way out of a damaged file.

    Raises:
        JobError: with ``code`` when the file cannot be read, is too large, lacks an array, or has one of another shape
            or type; ``out_of_memory``.
    """
    with refusing(code, f"The {what} {path.name}", hint):
        if not path.is_file():
            raise FileNotFoundError("there is no such file" if not path.exists() else "it is no file")
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if missing := next((name for name in wanted if f"{name}.npy" not in names), None):
                raise JobError(code, f"The {what} {path.name} has no array {missing}", hint)
            members = {name: archive.getinfo(f"{name}.npy") for name in wanted}
            if (size := sum(member.file_size for member in members.values())) > MOST_BYTES:
                raise JobError(
                    code,
                    f"The {what} {path.name} declares {size / 1e9:,.1f} GB of numbers; at most"
                    f" {MOST_BYTES / 1e9:.1f} GB are read",
                    "Decimate the mesh, or texture its parts one by one.",
                )
            return {name: _read(archive, members[name], code, path, name, hint, *wanted[name]) for name in wanted}


def _read(
    archive: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    code: str,
    path: Path,
    name: str,
    hint: str,
    dtype: type,
    row: tuple[int, ...],
) -> NDArray[Any]:
    if member.flag_bits & _ENCRYPTED or member.compress_type not in _METHODS:
        raise zipfile.BadZipFile(f"{member.filename} is encrypted, or compressed in another way than NumPy's")
    with archive.open(member) as file:
        version = npy.read_magic(file)
        if version not in _HEADERS:
            raise zipfile.BadZipFile(f"{member.filename} is of the version {version[0]}.{version[1]}")
        shape, by_columns, found = _HEADERS[version](file, **_HEADER_LIMIT)
        if len(shape) != len(row) + 1 or shape[1:] != row or not np.can_cast(found, dtype, "same_kind"):
            raise JobError(
                code,
                f"The array {name} of {path.name} is {found} {list(shape)};"
                f" it must be {np.dtype(dtype)} [n, {', '.join(map(str, row))}]",
                hint,
            )
        count = math.prod(shape) * found.itemsize
        if count > member.file_size:
            raise zipfile.BadZipFile(f"{member.filename} declares {count:,} bytes and has {member.file_size:,}")
        # To the end, where the check sum is compared.
        data = file.read()
    if len(data) != count:
        raise zipfile.BadZipFile(f"{member.filename} has {len(data):,} bytes of numbers instead of {count:,}")
    array = np.frombuffer(data, found).reshape(shape, order="F" if by_columns else "C")
    # The processor's own order of bytes, and writable.
    return array.astype(dtype, order="C")
