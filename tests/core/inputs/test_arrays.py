# SPDX-License-Identifier: GPL-3.0-or-later
"""A ``mesh.npz`` of any content is read or refused in words, before it can take the memory that it asks for."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.geometry.mesh import load_npz
from core.job import JobError

ROOT = Path(__file__).resolve().parents[3]
QUAD = {
    "positions": np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32),
    "triangles": np.array([[0, 1, 2], [0, 2, 3]], np.int32),
    "corner_uvs": np.array([[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]], np.float32),
    "corner_normals": np.tile(np.array([0, 0, 1], np.float32), (2, 3, 1)),
}


def refused(path: Path) -> str:
    with pytest.raises(JobError) as caught:
        load_npz(path)
    assert caught.value.code == "bad_mesh" and caught.value.hint
    return caught.value.message


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def write(path: Path, method: int = zipfile.ZIP_STORED, **changes: bytes) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, array in QUAD.items():
            archive.writestr(f"{name}.npy", changes.get(name, npy(array)))
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("turn", [lambda a: a, np.asfortranarray, lambda a: a.astype(a.dtype.newbyteorder(">"))])
def test_what_numpy_writes_is_read(tmp_path, save, turn):
    save(tmp_path / "mesh.npz", **{name: turn(array) for name, array in QUAD.items()})
    mesh = load_npz(tmp_path / "mesh.npz")
    for name, array in QUAD.items():
        np.testing.assert_array_equal(getattr(mesh, name), array)
        assert getattr(mesh, name).flags.writeable and getattr(mesh, name).dtype.isnative


def test_a_single_array_with_the_name_of_an_archive_is_refused(tmp_path):
    (tmp_path / "mesh.npz").write_bytes(npy(QUAD["positions"]))
    assert "cannot be read" in refused(tmp_path / "mesh.npz")


def test_objects_are_never_unpickled(tmp_path):
    pickled = npy(np.array([{"a": 1}], dtype=object))
    assert "object" in refused(write(tmp_path / "mesh.npz", positions=pickled))


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_compressions_are_refused(tmp_path, method):
    assert "compressed in another way" in refused(write(tmp_path / "mesh.npz", method))


def test_a_header_that_declares_more_than_there_is_is_refused(tmp_path):
    long = npy(np.zeros((4, 3), np.float32)).replace(b"(4, 3)", b"(9999999999, 3)")
    data = long[:128] + long[-48:]
    assert "cannot be read" in refused(write(tmp_path / "mesh.npz", positions=data))


def test_a_header_of_many_brackets_is_refused(tmp_path):
    deep = b"(" * 2000 + b")" * 2000
    data = b"\x93NUMPY\x01\x00" + len(deep).to_bytes(2, "little") + deep
    assert "cannot be read" in refused(write(tmp_path / "mesh.npz", positions=data))


def test_a_folder_and_a_pipe_are_refused(tmp_path):
    (tmp_path / "mesh.npz").mkdir()
    assert "it is no file" in refused(tmp_path / "mesh.npz")


MEASURE = """
import resource, sys
from pathlib import Path
from core.geometry.mesh import load_npz
from core.job import JobError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    load_npz(Path(sys.argv[1]))
except JobError as error:
    print(error.message)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource usage")
def test_a_small_file_that_asks_for_gigabytes_takes_none(tmp_path):
    path = tmp_path / "mesh.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("positions", "triangles", "corner_uvs"):
            archive.writestr(f"{name}.npy", npy(QUAD[name]))
        rows = 40_000_000
        whole = npy(np.zeros((1, 3, 3), np.float32)).replace(b"(1, 3, 3)", b"(%d, 3, 3)" % rows)
        archive.writestr("corner_normals.npy", whole[:128] + bytes(10_000_000))
        # The archive says that it goes on like that.
        archive.filelist[-1].file_size = 128 + rows * 36
    command = [sys.executable, "-c", MEASURE, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    message, kilobytes = done.stdout.splitlines()
    assert "declares 1.4 GB of numbers; at most 1.1 GB are read" in message
    assert int(kilobytes) < 50_000 * (1000 if sys.platform == "darwin" else 1)
