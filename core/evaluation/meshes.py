# SPDX-License-Identifier: GPL-3.0-or-later
"""The meshes to evaluate on: files, a chair of our own with sharp edges and thin parts, and Blender's Suzanne."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import trimesh

from ..geometry.mesh import Mesh, normalise
from ..job import JobError
from ..mesh_files.import_file import import_file
from .shapes import SHAPES, together

_BLENDER_SCRIPTS = Path(__file__).parents[2] / "styletex_blender" / "demo"
_BLENDER_SECONDS = 300


@dataclass(frozen=True)
class EvaluationMesh:
    """One mesh with what it is called."""

    name: str
    """For tables and folders."""
    prompt: str
    """What it is."""
    mesh: Mesh
    """Normalised."""


def evaluation_mesh(name: str) -> EvaluationMesh:
    """The mesh called ``name``: "chair", a key of ``shapes.SHAPES``, "suzanne" (made by the Python module bpy), or the
    path of a mesh file.

    Raises:
        JobError: ``bad_mesh`` when the file cannot be used; ``dependencies`` when Suzanne needs bpy and it is missing.
    """
    if name == "chair":
        return EvaluationMesh("chair", "a chair", chair())
    if name == "suzanne":
        return EvaluationMesh("suzanne", "a monkey", suzanne())
    if name in SHAPES:
        return EvaluationMesh(name, "a box" if name == "tiny" else f"a {name}", _as_from_file(SHAPES[name]()))
    path = Path(name)
    prompt = "a monkey" if path.stem == "suzanne" else f"a {path.stem.replace('_', ' ')}"
    return EvaluationMesh(path.stem, prompt, normalise(import_file(path).mesh))


def chair() -> Mesh:
    """A wooden chair of boxes and rods, front towards -Y: sharp edges everywhere, legs and slats thin."""
    parts = [_box((0.90, 0.84, 0.07), (0.0, 0.0, 0.0))]
    for x in (-0.38, 0.38):
        parts += [
            _box((0.08, 0.08, 0.86), (x, -0.36, -0.46)),
            _box((0.08, 0.08, 1.86), (x, 0.38, 0.04)),
            _rod(0.70, (x, 0.01, -0.60), axis=1),
            _rod(0.66, (x, 0.0, 0.36), axis=1),
            _box((0.06, 0.06, 0.34), (x, -0.33, 0.20)),
        ]
    parts += [_rod(0.72, (0.0, y, -0.45), axis=0) for y in (-0.36, 0.38)]
    parts += [_box((0.70, 0.03, 0.14), (0.0, 0.38, z)) for z in (0.30, 0.54, 0.80)]
    return _as_from_file(together(parts))


def suzanne() -> Mesh:
    """Blender's monkey head, subdivided twice and unwrapped, as the demo textures it.

    Raises:
        JobError: ``dependencies`` when the Python module bpy is missing or fails.
    """
    hint = (
        "Run styletex_blender/demo/scene.py in Blender (blender -b -P scene.py -- --output suzanne.glb) and name"
        " that file."
    )
    if importlib.util.find_spec("bpy") is None:
        raise JobError("dependencies", "Suzanne is made by Blender's Python module bpy, which is not installed", hint)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "suzanne.glb"
        scripts = [str(_BLENDER_SCRIPTS / name) for name in ("run_in_module.py", "scene.py")]
        done = subprocess.run(
            [sys.executable, *scripts, "--", "--output", str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_BLENDER_SECONDS,
            check=False,
        )
        if done.returncode or not path.is_file():
            raise JobError("dependencies", "Blender's Python module bpy could not make Suzanne", hint, done.stdout)
        return normalise(import_file(path).mesh)


def _as_from_file(shape: trimesh.Trimesh) -> Mesh:
    """Unwrapped and normalised, as if somebody had it in a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shape.ply"
        shape.export(path)
        return normalise(import_file(path).mesh)


def _box(extents: tuple[float, float, float], centre: tuple[float, float, float]) -> trimesh.Trimesh:
    return trimesh.creation.box(extents, trimesh.transformations.translation_matrix(centre))


def _rod(length: float, centre: tuple[float, float, float], axis: int) -> trimesh.Trimesh:
    direction = [0.0, 0.0, 0.0]
    direction[axis] = 1.0
    turn = trimesh.geometry.align_vectors((0.0, 0.0, 1.0), direction)
    rod = trimesh.creation.cylinder(0.03, length, sections=8, transform=turn)
    return rod.apply_translation(centre)
