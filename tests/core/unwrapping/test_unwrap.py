# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh without UVs gets sound ones, by xatlas and where there is none."""

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import trimesh

from core.geometry.mesh import Mesh, uv_areas
from core.geometry.overlap import find_overlap
from core.reporting import Cancelled
from core.unwrapping import unwrap as module
from core.unwrapping.unwrap import unwrap
from core.unwrapping.uv_process import PLANE_CHARTS, XATLAS


def spiral_ramp():
    """Three turns of a ramp: seen from above each lies over the one below."""
    angle = np.linspace(0, 6 * np.pi, 200)
    outer = np.stack([np.cos(angle), np.sin(angle), angle * 0.05], axis=-1)
    inner = outer * (0.5, 0.5, 1)
    at = np.arange(199)
    quads = [np.stack([at, at + 1, at + 200], -1), np.stack([at + 1, at + 201, at + 200], -1)]
    return trimesh.Trimesh(np.concatenate([outer, inner]), np.concatenate(quads), process=False)


def doubled_faces():
    """A ball whose faces are all there twice, in place."""
    sphere = trimesh.creation.icosphere(1)
    return trimesh.Trimesh(sphere.vertices, np.concatenate([sphere.faces] * 2), process=False)


def loose_triangles():
    return trimesh.Trimesh(np.random.default_rng(0).normal(size=(600, 3)), np.arange(600).reshape(-1, 3), process=False)


MESHES = {
    "box": trimesh.creation.box,
    "ball": lambda: trimesh.creation.icosphere(4),
    "ring": lambda: trimesh.creation.torus(1.0, 0.3),
    "tube": lambda: trimesh.creation.annulus(0.5, 1.0, 2.0),
    "spiral ramp": spiral_ramp,
    "loose triangles": loose_triangles,
}


@pytest.fixture(params=["xatlas", "plane charts"])
def by(request, monkeypatch):
    if request.param == "plane charts":
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    else:
        pytest.importorskip("xatlas")
    return request.param


def unwrapped(mesh):
    positions, triangles = np.asarray(mesh.vertices), np.asarray(mesh.faces)
    uvs = unwrap(positions, triangles).astype(np.float32)
    return Mesh(positions.astype(np.float32), triangles.astype(np.int32), uvs, np.zeros_like(positions[triangles]))


@pytest.mark.parametrize("shape", MESHES)
def test_no_surface_shares_its_texels_and_the_layout_lies_in_the_square(by, shape):
    mesh = unwrapped(MESHES[shape]())
    assert mesh.corner_uvs.min() >= 0 and mesh.corner_uvs.max() <= 1
    assert uv_areas(mesh.corner_uvs).sum() > 0.25
    overlap = find_overlap(mesh)
    assert overlap is None or overlap.shared < 1e-3, by


@pytest.mark.parametrize("shape", ["box", "ball", "ring", "tube", "spiral ramp"])
def test_stretch_is_bounded(by, shape):
    mesh = unwrapped(MESHES[shape]())
    corners = mesh.positions[mesh.triangles].astype(float)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    length = np.linalg.norm(first, axis=-1)
    along = (first * second).sum(-1) / length
    up = np.sqrt((second * second).sum(-1) - along**2)
    inverse = np.linalg.inv(np.stack([np.stack([length, along], -1), np.stack([0 * up, up], -1)], axis=1))
    uvs = mesh.corner_uvs.astype(float)
    jacobian = np.stack([uvs[:, 1] - uvs[:, 0], uvs[:, 2] - uvs[:, 0]], axis=-1) @ inverse
    stretch = np.linalg.svd(jacobian, compute_uv=False)
    # A projection makes nothing longer, and what it makes shorter stays half as long at least.
    assert stretch.min() > 0.49 * stretch.max()
    assert (np.linalg.det(jacobian) > 0).all() or by == "xatlas"


def test_charts_keep_a_distance(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    cube = trimesh.creation.box()
    uvs, normals = unwrapped(cube).corner_uvs, cube.face_normals.round()
    sides = [uvs[(normals == normal).all(axis=1)].reshape(-1, 2) for normal in np.unique(normals, axis=0)]
    assert len(sides) == 6
    for number, side in enumerate(sides):
        for other in sides[:number]:
            apart = np.maximum(side.min(axis=0) - other.max(axis=0), other.min(axis=0) - side.max(axis=0))
            assert apart.max() > 1 / 512


def test_faces_that_lie_in_each_other_get_room_of_their_own(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert find_overlap(unwrapped(doubled_faces())) is None


def test_triangles_without_area_get_no_room(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    needle = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0.5, 0, 0]], [[0, 1, 2], [0, 3, 1]], process=False)
    areas = uv_areas(unwrapped(needle).corner_uvs)
    assert areas[0] > 0.3 and areas[1] == 0


def test_xatlas_is_taken_where_it_is(monkeypatch):
    if importlib.util.find_spec("xatlas") is None:
        pytest.skip("there is no xatlas here")
    asked = methods_asked_for(monkeypatch)
    unwrapped(trimesh.creation.box())
    assert asked == [XATLAS]


def methods_asked_for(monkeypatch) -> list[str]:
    """Which methods are started from now on."""
    asked, started = [], module._in_process

    def start(method, *arguments):
        asked.append(method)
        return started(method, *arguments)

    monkeypatch.setattr(module, "_in_process", start)
    return asked


def noisy_scan(subdivisions):
    ball = trimesh.creation.icosphere(subdivisions)
    noise = np.random.default_rng(0).normal(scale=0.03, size=(len(ball.vertices), 1))
    return trimesh.Trimesh(ball.vertices * (1 + noise), ball.faces, process=False)


class Listener:
    """Notes the stages, and cancels a while after the unwrapping began."""

    def __init__(self, patience=np.inf):
        self.stages, self.patience, self.began = [], patience, None

    def stage(self, name, label):
        self.stages.append(label)
        self.began = time.monotonic()

    def should_cancel(self):
        return self.began is not None and time.monotonic() - self.began > self.patience


@pytest.mark.slow
def test_a_noisy_scan_is_laid_out_in_seconds_by_flat_charts(monkeypatch):
    asked = methods_asked_for(monkeypatch)
    began = time.monotonic()
    mesh = unwrapped(noisy_scan(6))
    assert asked == [PLANE_CHARTS]
    assert time.monotonic() - began < 60
    assert len(mesh.corner_uvs) == 81920
    overlap = find_overlap(mesh)
    assert overlap is None or overlap.shared < 1e-3


def test_unwrapping_has_a_label_of_its_own_and_stops_at_once():
    scan, listener = noisy_scan(6), Listener(patience=0.5)
    began = time.monotonic()
    with pytest.raises(Cancelled):
        unwrap(np.asarray(scan.vertices), np.asarray(scan.faces), listener)
    assert listener.stages == ["Unwrapping"]
    assert time.monotonic() - began < 2.0


def test_xatlas_stops_at_once_too():
    pytest.importorskip("xatlas")
    ball = trimesh.creation.icosphere(5)
    began = time.monotonic()
    with pytest.raises(Cancelled):
        unwrap(np.asarray(ball.vertices), np.asarray(ball.faces), Listener(patience=0.5))
    assert time.monotonic() - began < 2.0


def test_where_xatlas_crashes_or_is_slow_there_are_flat_charts(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: True)
    monkeypatch.setattr(module, "XATLAS_SECONDS", 0.0)
    asked = methods_asked_for(monkeypatch)
    assert find_overlap(unwrapped(trimesh.creation.box())) is None
    assert asked == [XATLAS, PLANE_CHARTS]


def test_the_process_does_not_outlive_who_started_it(tmp_path):
    scan = noisy_scan(6)
    np.savez(tmp_path / "mesh.npz", vertices=scan.vertices, faces=scan.faces)
    command = [sys.executable, "-m", "core.unwrapping.uv_process", PLANE_CHARTS, "mesh.npz", "uvs.npy"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdin=subprocess.PIPE)
    process.stdin.close()
    assert process.wait(5) == 1
    assert not (tmp_path / "uvs.npy").exists()
