# SPDX-License-Identifier: GPL-3.0-or-later
"""OBJ as other programs write it."""

import time

import numpy as np
import pytest
import trimesh

from core.geometry.mesh import Mesh, flat_normals, uv_areas
from core.geometry.overlap import find_overlap
from core.job import JobError
from core.mesh_files.import_file import import_file
from core.reporting import Cancelled

L_SHAPE = "v 0 0 0\nv 3 0 0\nv 3 1 0\nv 1 1 0\nv 1 3 0\nv 0 3 0\n"
SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0.1 0.1\nvt 0.4 0.1\nvt 0.4 0.4\nvt 0.1 0.4\n"


@pytest.fixture
def read(tmp_path):
    def read(text, unwrap=True):
        path = tmp_path / "mesh.obj"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return import_file(path, unwrap)

    return read


def area(mesh: Mesh) -> float:
    return float(areas(mesh).sum())


def areas(mesh: Mesh):
    corners = mesh.positions[mesh.triangles].astype(float)
    return np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=-1) / 2


@pytest.mark.parametrize("turn", range(6))
@pytest.mark.parametrize("backwards", [False, True])
def test_a_concave_polygon_has_its_own_area(read, turn, backwards):
    order = [(number + turn) % 6 + 1 for number in range(6)][:: -1 if backwards else 1]
    mesh = read(f"{L_SHAPE}f {' '.join(map(str, order))}\n").mesh
    assert area(mesh) == pytest.approx(5)
    # +Z of the file is -Y here.
    np.testing.assert_allclose(flat_normals(mesh), [[0, 1 if backwards else -1, 0]] * 4, atol=1e-6)


@pytest.mark.parametrize("turn", range(4))
def test_a_concave_quad_has_its_own_area(read, turn):
    order = [(number + turn) % 4 + 1 for number in range(4)]
    mesh = read(f"v 0 0 0\nv 2 -1 0\nv 0.5 0 0\nv 2 1 0\nf {' '.join(map(str, order))}\n").mesh
    assert area(mesh) == pytest.approx(0.5)


def test_uvs_of_a_concave_polygon_stay_at_their_corners(read):
    uvs = "".join(f"vt {x / 4} {y / 4}\n" for x, y in ((0, 0), (3, 0), (3, 1), (1, 1), (1, 3), (0, 3)))
    mesh = read(f"{L_SHAPE}{uvs}f 3/3 4/4 5/5 6/6 1/1 2/2\n").mesh
    assert uv_areas(mesh.corner_uvs).sum() == pytest.approx(5 / 16)
    corners = np.add(mesh.positions, (1.5, 0, 1.5))[mesh.triangles][..., [0, 2]]
    np.testing.assert_allclose(mesh.corner_uvs, corners / 4, atol=1e-6)


def test_a_polygon_with_a_hole_that_is_tied_in(read):
    outer = "v 0 0 0\nv 4 0 0\nv 4 4 0\nv 0 4 0\n"
    inner = "v 1 1 0\nv 1 3 0\nv 3 3 0\nv 3 1 0\n"
    assert area(read(f"{outer}{inner}f 1 2 3 4 1 5 6 7 8 5\n").mesh) == pytest.approx(12)


def test_a_round_polygon_and_a_comb_of_a_thousand_corners(read):
    angle = np.linspace(0, 2 * np.pi, 1000, endpoint=False)
    radius = np.where(np.arange(1000) % 2, 1.0, 0.5)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)
    text = "".join(f"v {x:.17g} {y:.17g} 0\n" for x, y in points)
    expected = abs((points[:, 0] * np.roll(points[:, 1], -1) - np.roll(points[:, 0], -1) * points[:, 1]).sum()) / 2
    began = time.monotonic()
    mesh = read(f"{text}f {' '.join(map(str, range(1, 1001)))}\n").mesh
    assert area(mesh) == pytest.approx(expected, rel=1e-5)
    assert time.monotonic() - began < 20


def test_negative_indices_count_back_from_their_line(read):
    first = "o one\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 0.5 0\nvt 0 0.5\nf -3/-3 -2/-2 -1/-1\n"
    second = "o two\nv 9 0 0\nv 8 0 0\nv 9 1 0\nvt 1 1\nvt 0.5 1\nvt 1 0.5\nf -3/-3 -2/-2 -1/-1\n"
    imported = read(first + second)
    corners = (imported.mesh.positions + imported.origin)[imported.mesh.triangles]
    np.testing.assert_allclose(corners[:, 0, 0], [0, 9], atol=1e-6)
    np.testing.assert_allclose(imported.mesh.corner_uvs[:, 0], [[0, 0], [1, 1]], atol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        SQUARE.replace("\n", "\r\n") + "f 1/1 2/2 3/3 4/4\r\n",
        SQUARE.replace("\n", "\r") + "f 1/1 2/2 3/3 4/4\r",
        SQUARE + "f 1/1 2/2 \\\n 3/3 4/4",
        SQUARE + "f  1/1/  2/2/ 3/3/\t4/4/ # a face\n",
        SQUARE.replace("0.1 0.1", "0.1 0.1 0.0") + "f 1/1 2/2 3/3 4/4\n",
        SQUARE.replace("v 0 0 0", "v 0 0 0 1.0 0.5 0.5") + "f 1/1 2/2 3/3 4/4\n",
        "\ufeffmtllib my crate ä.mtl\no my object\ng a b\ns off\nusemtl none\n" + SQUARE + "l 1 2\nf 1/1 2/2 3/3 4/4\n",
        (SQUARE + "o caf\xe9\nf 1/1 2/2 3/3 4/4\n").encode("latin-1"),
        "f 1/1 2/2 3/3 4/4\n" + SQUARE,
        SQUARE + "vn 0 0 1\nf 1/1/1 2/2/1 3/3/1 4/4/1\n",
    ],
)
def test_other_ways_to_write_a_square(read, text):
    mesh = read(text).mesh
    assert area(mesh) == pytest.approx(1)
    assert uv_areas(mesh.corner_uvs).sum() == pytest.approx(0.09)
    np.testing.assert_allclose(mesh.corner_normals, np.broadcast_to([0, -1, 0], (2, 3, 3)), atol=1e-6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("v 0 0 0\nf 1 2 3\n", "refers to vertex 3 of 1"),
        ("v 0 0 0\nf 1 2 -3\n", "face in line 2 that refers to number -3"),
        ("v 0 0 0\nf 0 1 1\n", "face in line 2 that refers to number 0"),
        (SQUARE + "f 1/1 2/2 3/9\n", "refers to UV 9 of 4"),
        (SQUARE + "f 1 2 x\n", "face in line 9 that is none: x"),
        (SQUARE + "f /1 /2 /3\n", "a corner without a vertex"),
        ("v 0 0\nf 1 1 1\n", "fewer than 3 numbers for vertex 1"),
        ("v 0 0 zero\nv 1 0 0\nv 1 1 0\nf 1 2 3\n", "vertex that is no number"),
        ("v 0 0 0\nv inf 0 0\nv 1 1 0\nf 1 2 3\n", "1 face corner with a position that is not finite"),
        ("v 0 0 0\nv 1e300 0 0\nv 1 1e300 0\nf 1 2 3\n", "too large"),
        ("v 0 0 0\ncurv 0 1 1 1\nsurf 0 1 0 1 1\nend\n", "free-form surfaces only"),
        ("v 0 0 0\nv 1 0 0\nl 1 2\n", "has no faces"),
    ],
)
def test_damaged_files(read, text, words):
    with pytest.raises(JobError, match=words) as raised:
        read(text)
    assert raised.value.code == "bad_mesh"


def test_far_from_the_origin_is_as_at_it(tmp_path):
    ball = trimesh.creation.icosphere(3)
    meshes = []
    for shift in ((0, 0, 0), (500000.5, 120, -4649776.25)):
        lines = [f"v {x:.12g} {y:.12g} {z:.12g}" for x, y, z in (ball.vertices + shift)]
        lines += [f"f {a} {b} {c}" for a, b, c in ball.faces + 1]
        path = tmp_path / "ball.obj"
        path.write_text("\n".join(lines))
        imported = import_file(path)
        np.testing.assert_allclose(imported.origin, (shift[0], -shift[2], shift[1]), atol=1e-6)
        meshes.append(imported.mesh)
    near, far = meshes
    assert (len(far.triangles), far.dropped_triangles) == (1280, 0)
    # Twelve digits of the file are 1e-5 there.
    np.testing.assert_allclose(far.positions, near.positions, atol=2e-5)


def cube_lines(bare=()):
    """A cube of quads whose sides have squares of the texture; those numbered in ``bare`` have no UVs."""
    box = trimesh.creation.box()
    quads = [(1, 3, 7, 5), (2, 6, 8, 4), (1, 5, 6, 2), (3, 4, 8, 7), (1, 2, 4, 3), (5, 7, 8, 6)]
    lines = [f"v {x} {y} {z}" for x, y, z in box.vertices]
    for side in range(6):
        u, v = side % 3 / 4, side // 3 / 4
        lines += [f"vt {u + x} {v + y}" for x, y in ((0, 0), (0.24, 0), (0.24, 0.24), (0, 0.24))]
    for side, quad in enumerate(quads):
        corners = (
            f"{corner}" if side in bare else f"{corner}/{4 * side + n}" for n, corner in enumerate(quad, start=1)
        )
        lines.append(f"f {' '.join(corners)}")
    return "\n".join(lines)


def test_faces_without_uvs_get_some_beside_the_artists(read):
    whole, partly = read(cube_lines()), read(cube_lines(bare=(4, 5)))
    mesh = partly.mesh
    np.testing.assert_array_equal(mesh.corner_uvs[:8], whole.mesh.corner_uvs[:8])
    assert (whole.unwrapped_triangles, partly.unwrapped_triangles) == (0, 4)
    assert "4 of 12 triangles (33 %) have no UVs" in partly.notices[0]
    assert find_overlap(mesh) is None
    assert mesh.corner_uvs.min() >= 0 and mesh.corner_uvs.max() <= 1
    # As many texels to a length as the others have.
    density = uv_areas(mesh.corner_uvs) / areas(mesh)
    np.testing.assert_allclose(density[8:], density[:8].mean(), rtol=0.1)
    assert partly.report()["unwrapped_triangles"] == 4


def test_faces_without_uvs_are_refused_where_there_is_no_room(read):
    filled = cube_lines(bare=(5,)).replace("vt 0.0 0.0", "vt -0.01 -0.01")
    full = SQUARE.replace("0.1", "0").replace("0.4", "1") + "f 1/1 2/2 3/3 4/4\nv 9 9 9\nf 1 2 5\n"
    assert "12 triangles" in read(filled).notices[0]
    with pytest.raises(
        JobError, match="1 of the 3 triangles of the mesh have no UVs, and those of the others leave no"
    ):
        read(full)


def test_a_present_colour_needs_uvs_everywhere(read):
    with pytest.raises(JobError, match="has no UVs on 4 of its 12 triangles for its present base colour"):
        read(cube_lines(bare=(4, 5)), unwrap=False)
    read(cube_lines(), unwrap=False)


def test_reading_stops_when_told(tmp_path):
    path = tmp_path / "mesh.obj"
    path.write_text("v 0 0 0\n" * 100_000 + "f 1 2 3\n")

    class Impatient:
        def stage(self, name, label):
            pass

        def should_cancel(self):
            return True

    with pytest.raises(Cancelled):
        import_file(path, reporter=Impatient())
