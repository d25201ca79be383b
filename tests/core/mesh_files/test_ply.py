# SPDX-License-Identifier: GPL-3.0-or-later
"""PLY as text and binary, with UVs at vertices and at corners."""

import struct

import numpy as np
import pytest

from core.geometry.mesh import flat_normals, uv_areas
from core.job import JobError
from core.mesh_files.import_file import import_file

POSITIONS = [(0, 0, 0), (3, 0, 0), (3, 1, 0), (1, 1, 0), (1, 3, 0), (0, 3, 0)]
KINDS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


def ply(kind="ascii", uv_names=("s", "t"), faces=((2, 3, 4, 5, 0, 1),), corner_uvs=False, end="\n", shift=(0, 0, 0)):
    """An L of area 5, its UVs a quarter of its coordinates."""
    columns = "".join(f"property double {name}{end}" for name in ("x", "y", "z", *uv_names))
    list_ = f"property list uchar float texcoord{end}" if corner_uvs else ""
    header = (
        f"ply{end}format {kind} 1.0{end}comment by hand{end}element vertex 6{end}{columns}"
        f"element face {len(faces)}{end}property list uchar int vertex_indices{end}{list_}"
        f"element edge 1{end}property int vertex1{end}property int vertex2{end}end_header{end}"
    ).encode()
    rows = [("d", (*np.add(position, shift), *np.divide(position[:2], 4)[: len(uv_names)])) for position in POSITIONS]
    body = b""
    for _, values in rows:
        body += packed(kind, "d", values)
    for face in faces:
        body += packed(kind, "B", [len(face)]) + packed(kind, "i", face)
        if corner_uvs:
            uvs = np.divide([POSITIONS[corner][:2] for corner in face], 4).reshape(-1)
            body += packed(kind, "B", [len(uvs)]) + packed(kind, "f", uvs)
    return header + body + packed(kind, "i", [0, 1])


def packed(kind, type_, values):
    if kind == "ascii":
        return " ".join(map(repr, map(float if type_ in "fd" else int, values))).encode() + b"\n"
    return struct.pack(f"{KINDS[kind]}{len(values)}{type_}", *values)


@pytest.fixture
def read(tmp_path):
    def read(data):
        path = tmp_path / "mesh.ply"
        path.write_bytes(data)
        return import_file(path)

    return read


def check(mesh):
    corners = mesh.positions[mesh.triangles].astype(float)
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2].sum() / 2
    assert area == pytest.approx(5)
    np.testing.assert_allclose(flat_normals(mesh), np.broadcast_to([0, 0, 1], (len(mesh.triangles), 3)), atol=1e-6)


def check_uvs(mesh):
    check(mesh)
    np.testing.assert_allclose(mesh.corner_uvs, (mesh.positions + 1.5)[mesh.triangles][..., :2] / 4, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("names", [("s", "t"), ("u", "v"), ("texture_u", "texture_v"), ("texture_s", "texture_t")])
def test_uvs_at_vertices(read, kind, names):
    check_uvs(read(ply(kind, names)).mesh)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "faces", [((2, 3, 4, 5, 0, 1),), ((0, 1, 2, 3), (0, 3, 5), (3, 4, 5)), ((0, 1, 2, 3), (0, 3, 4, 5))]
)
def test_uvs_at_corners_and_faces_of_several_lengths(read, kind, faces):
    check_uvs(read(ply(kind, (), faces, corner_uvs=True)).mesh)


def test_windows_line_ends(read):
    check_uvs(read(ply("binary_little_endian", end="\r\n")).mesh)
    check_uvs(read(ply("ascii", end="\r\n")).mesh)


def test_without_uvs_it_is_unwrapped(read):
    imported = read(ply(uv_names=()))
    check(imported.mesh)
    assert imported.unwrapped_triangles == 4
    assert uv_areas(imported.mesh.corner_uvs).sum() > 0.2


def test_far_from_the_origin_is_as_at_it(read):
    imported = read(ply("binary_big_endian", shift=(500000.5, 120, -4649776.25)))
    np.testing.assert_array_equal(imported.origin, (500002, 121.5, -4649776.25))
    check_uvs(imported.mesh)


def test_triangle_strips(read):
    header = (
        b"ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
        b"element tristrips 1\nproperty list int int vertex_indices\nend_header\n0 0 0\n1 0 0\n0 1 0\n1 1 0\n"
    )
    mesh = read(header + b"8 0 1 2 3 -1 1 3 2\n").mesh
    assert len(mesh.triangles) == 3
    np.testing.assert_allclose(flat_normals(mesh), [[0, 0, 1]] * 3, atol=1e-6)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"ply", "is not a PLY file, or is cut off"),
        (b"solid", "is not a PLY file"),
        (
            ply().replace(b"element vertex 6", b"element vertex 600000000000"),
            "says it has 600,000,000,000 times 'vertex'",
        ),
        (ply("binary_little_endian").replace(b"element face 1", b"element face 4000000000"), "is too short for it"),
        (ply("binary_little_endian")[:-60], "is cut off"),
        (ply().replace(b"property double x", b"property quad x"), "line in its header that is none: property quad x"),
        (ply().replace(b"property double x", b"property double w"), "without x, y and z"),
        (ply(faces=((0, 1, 6),)), "refers to vertex 6 of 6"),
        (ply(faces=((0, 1, -1),)), "refers to vertex -1 of 6"),
        (ply(faces=()), "has no faces"),
        (ply().replace(b"3.0 1.0 0.0", b"3.0 one 0.0"), "is no number"),
        (ply().replace(b"element face 1", b"element plane 1"), "cloud of points without faces"),
        (ply().replace(b"format ascii", b"format unknown"), "line in its header that is none"),
        (ply().replace(b"3.0 1.0 0.0", b"nan 1.0 0.0"), "position that is not finite"),
    ],
)
def test_damaged_files(read, data, words):
    with pytest.raises(JobError, match=words) as raised:
        read(data)
    assert raised.value.code == "bad_mesh"


@pytest.mark.parametrize("kind", KINDS)
def test_every_cut_is_a_job_error(read, kind):
    data = ply(kind, faces=((0, 1, 2, 3), (0, 3, 5), (3, 4, 5)))
    # The last element is not needed.
    for length in range(0, len(data) - 40, 11):
        with pytest.raises(JobError):
            read(data[:length])
