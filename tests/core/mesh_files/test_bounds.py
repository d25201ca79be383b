# SPDX-License-Identifier: GPL-3.0-or-later
"""A small file takes little memory and time, whatever it says, and leads to no other file."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import numpy as np
import pytest

from core.job import JobError
from core.mesh_files.import_file import import_file
from core.mesh_files.polygons import triangulate
from core.mesh_files.raw_mesh import Unreadable
from core.reporting import Cancelled
from tests.conftest import ROOT
from tests.core.mesh_files.gltf_file import SQUARE, SQUARE_UVS, GltfFile, square

MOST_MEGABYTES = 300


def megabytes_for(path) -> tuple[float, str]:
    """What reading it takes beyond what the process has, and what is said."""
    script = (
        "import resource, sys; from core.job import JobError; from core.mesh_files.import_file import import_file\n"
        "from pathlib import Path\nbefore = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: print(len(import_file(Path(sys.argv[1])).mesh.triangles), 'triangles')\n"
        "except JobError as error: print(error.message)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, path], cwd=ROOT, capture_output=True, text=True, check=True)
    said, taken = done.stdout.splitlines()
    return float(taken), said


@pytest.mark.parametrize(
    "uri", ["../elsewhere.bin", "/etc/passwd", "%2e%2e/elsewhere.bin", "sub/../../elsewhere.bin", "..\\elsewhere.bin"]
)
def test_data_outside_the_folder_are_not_read(tmp_path, uri):
    file, folder = square(), tmp_path / "model"
    folder.mkdir()
    (tmp_path / "elsewhere.bin").write_bytes(file.data)
    path = file.write(folder / "mesh.gltf")
    file.json["buffers"][0]["uri"] = uri
    path.write_text(json.dumps(file.json))
    with pytest.raises(JobError, match="outside its own folder; only files beside it are read") as raised:
        import_file(path)
    assert "as .glb" in raised.value.hint


@pytest.mark.parametrize("uri", ["sub/mesh.bin", "sub/../sub/mesh.bin", "./sub//mesh.bin"])
def test_data_in_a_folder_below_are(tmp_path, uri):
    file = square()
    path = file.write(tmp_path / "mesh.gltf")
    (tmp_path / "sub").mkdir()
    (tmp_path / "mesh.bin").rename(tmp_path / "sub" / "mesh.bin")
    file.json["buffers"][0]["uri"] = uri
    path.write_text(json.dumps(file.json))
    assert len(import_file(path).mesh.triangles) == 2


def test_what_no_data_stand_behind_takes_no_memory(tmp_path):
    file = square()
    for accessor in file.json["accessors"][:2]:
        del accessor["bufferView"]
        accessor["count"] = 59_999_999
    taken, said = megabytes_for(file.write(tmp_path / "mesh.glb"))
    assert "has 59,999,999 values, without data for them" in said.replace("says that it has", "has")
    assert taken < MOST_MEGABYTES


def test_many_primitives_of_one_array_of_vertices(tmp_path):
    count = 100_000
    spots = np.random.default_rng(0).random((count, 3), np.float32)
    file = GltfFile()
    first = file.mesh({"POSITION": spots, "TEXCOORD_0": spots[:, :2]}, np.array([0, 1, 2], np.uint32))
    file.scene(*[first] * 100)
    taken, said = megabytes_for(file.write(tmp_path / "mesh.glb"))
    assert said == "100 triangles" and taken < MOST_MEGABYTES


def test_many_instances_of_a_triangle_are_put_in_place_together(tmp_path):
    file = square(TEXCOORD_0=SQUARE_UVS * np.float32(0.01))
    file.json["nodes"][0]["extensions"] = {"EXT_mesh_gpu_instancing": {"attributes": {
        "TRANSLATION": file.accessor(np.random.default_rng(0).random((50_000, 3), np.float32) * np.float32(1000)),
    }}}  # fmt: skip
    began = time.monotonic()
    mesh = import_file(file.write(tmp_path / "mesh.glb")).mesh
    assert len(mesh.triangles) == 100_000 and time.monotonic() - began < 30.0


def test_a_thousand_million_instances_of_nothing(tmp_path):
    file = square()
    nothing = file.mesh({"POSITION": SQUARE, "TEXCOORD_0": SQUARE_UVS}, np.array([0, 1], np.uint16))
    file.json["meshes"].append({"primitives": [nothing]})
    number = len(file.json["accessors"])
    file.json["accessors"].append({"componentType": 5126, "type": "VEC3", "count": 1_000_000_000})
    places = {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": number}}}
    file.json["nodes"].append({"mesh": 1, "extensions": places})
    file.json["scenes"][0]["nodes"] = [0, 1]
    assert len(import_file(file.write(tmp_path / "mesh.glb")).mesh.triangles) == 2


def test_one_long_word_among_many_takes_no_memory_for_each(tmp_path):
    rows = "".join(f"v {number} {number % 7} 0\n" for number in range(50_000))
    path = tmp_path / "mesh.obj"
    path.write_text(f"{rows}v {'0' * 100_000}1 0 0\nvt 0 0\nvt 1 0\nvt 0 1\nf 1/1 2/2 9/3\n")
    taken, said = megabytes_for(path)
    assert said == "1 triangles" and taken < MOST_MEGABYTES


def test_uvs_that_lie_far_apart_are_refused_before_room_is_looked_for(tmp_path):
    path = tmp_path / "mesh.obj"
    path.write_text("v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1e9 0\nvt 0 1e9\nf 1/1 2/2 3/3\nf 1 3 4\n")
    with pytest.raises(JobError, match=r"reach across 1000000000 repeats"):
        import_file(path)


def test_many_slivers_across_the_texture_are_refused(tmp_path):
    count = 1000
    height = np.arange(count + 1) * 1e-7
    rows = [f"v 0 {row} 0\nv 1 {row} 0\nvt 0 {y:.9f}\nvt 99 {99 + y:.9f}\n" for row, y in enumerate(height)]
    faces = [f"f {2 * row + 1}/{2 * row + 1} {2 * row + 2}/{2 * row + 2} {2 * row + 3}/{2 * row + 3}\n"
             for row in range(count)]  # fmt: skip
    path = tmp_path / "mesh.obj"
    path.write_text("".join(rows + faces))
    with pytest.raises(JobError, match="repeats of the texture together, which is too many"):
        import_file(path)


def star(corners: int) -> np.ndarray:
    around, far = np.linspace(0, 2 * np.pi, corners, endpoint=False), 1.0 + 0.5 * (np.arange(corners) % 2)
    return np.stack([far * np.cos(around), far * np.sin(around), np.zeros(corners)], axis=-1)


def test_a_concave_face_of_thousands_of_corners_is_cut_in_seconds_and_right():
    spots = star(2000)
    began = time.monotonic()
    cut, _ = triangulate(spots, np.arange(2000), np.array([2000]))
    assert time.monotonic() - began < 20.0
    corners = spots[cut]
    found = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=-1).sum() / 2
    x, y = spots[:, 0], spots[:, 1]
    assert found == pytest.approx(abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2, rel=1e-9)


def test_a_larger_one_is_refused_and_the_way_out_named():
    with pytest.raises(Unreadable, match="a concave face of 10,002 corners") as raised:
        triangulate(star(10_002), np.arange(10_002), np.array([10_002]))
    assert "Triangulate Faces" in raised.value.hint


def test_a_face_that_crosses_itself_everywhere_ends_in_seconds_and_can_be_stopped():
    spots = np.random.default_rng(0).normal(size=(2000, 3))
    began = time.monotonic()
    cut, _ = triangulate(spots, np.arange(2000), np.array([2000]))
    assert len(cut) == 1998 and time.monotonic() - began < 20.0

    def stop():
        raise Cancelled

    with pytest.raises(Cancelled):
        triangulate(spots, np.arange(2000), np.array([2000]), stop)


def test_what_a_reader_stumbles_over_is_a_damaged_file_in_one_short_line(tmp_path):
    file = square()
    file.json["meshes"][0]["primitives"][0]["attributes"] = ["a" * 5000]
    with pytest.raises(JobError, match=r"mesh\.glb cannot be read|mesh\.glb has") as raised:
        import_file(file.write(tmp_path / "mesh.glb"))
    assert raised.value.code == "bad_mesh" and len(raised.value.message) < 600 and "\n" not in raised.value.message


def test_a_file_of_many_gigabytes_is_refused_unread(tmp_path):
    path = tmp_path / "mesh.ply"
    with path.open("wb") as file:
        file.truncate(5_000_000_000)
    with pytest.raises(JobError, match=r"has 5\.0 GB; at most 4 GB are read"):
        import_file(path)
