# SPDX-License-Identifier: GPL-3.0-or-later
"""UVs for a mesh that has none: by xatlas, and where that is not there, takes too long or fails by ``plane_charts``.

Both run in a process of their own, since xatlas can neither be stopped while it works (it keeps Ctrl-C waiting for
minutes) nor be kept from crashing: some meshes, among them a finely divided ball, end the process that it runs in.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray

from ..job import JobError
from ..reporting import Cancelled, Reporter
from .uv_process import PLANE_CHARTS, XATLAS, XATLAS_SECONDS

STAGE, LABEL = "unwrap", "Unwrapping"
XATLAS_TRIANGLES, XATLAS_ROUGH_EDGES = 100_000, 20_000
"""With more triangles than this xatlas takes over half a minute; with more edges that are sharper than
``_ROUGH_DEGREES``, as a noisy scan has, it makes tens of thousands of charts and takes a quarter of an hour."""
_ROUGH_DEGREES = 30.0
_POLL_SECONDS = 0.02
_PACKAGE_PARENT = Path(__file__).resolve().parents[2]


def unwrap(positions: NDArray[Any], triangles: NDArray[Any], reporter: Reporter | None = None) -> NDArray[np.float64]:
    """Lay a mesh out.

    Args:
        positions: [V, 3].
        triangles: [T, 3].
        reporter: told that it goes on, and asked whether to stop; at once, whatever is being done.

    Returns:
        UVs [T, 3, 2] in [0, 1] without overlap.

    Raises:
        JobError: ``bad_mesh`` when the mesh cannot be laid out at all.
        Cancelled: ``reporter`` said so.
    """
    if reporter is not None:
        reporter.stage(STAGE, LABEL)
    _, first, welded = np.unique(positions, axis=0, return_index=True, return_inverse=True)
    # To a common place and size: of meshes that are very small xatlas makes UVs that are not numbers.
    used = positions[triangles].reshape(-1, 3)
    low, size = used.min(axis=0), float(np.ptp(used, axis=0).max()) or 1.0
    vertices, faces = (positions[first] - low) / size, welded.reshape(-1)[triangles]
    if find_spec("xatlas") is not None and _suits_xatlas(vertices, faces):
        try:
            return _in_process(XATLAS, vertices, faces, reporter, XATLAS_SECONDS)
        except _Failed:
            pass  # Whatever xatlas stumbled over, the other way does without it.
    try:
        return _in_process(PLANE_CHARTS, vertices, faces, reporter, None)
    except _Failed as failure:
        raise JobError(
            "bad_mesh",
            "The mesh cannot be unwrapped",
            "Unwrap it in Blender and export it with its UVs.",
            str(failure),
        ) from failure


def _suits_xatlas(vertices: NDArray[Any], faces: NDArray[Any]) -> bool:
    if len(faces) > XATLAS_TRIANGLES:
        return False
    angles = trimesh.Trimesh(vertices, faces, process=False).face_adjacency_angles
    return int((angles > np.radians(_ROUGH_DEGREES)).sum()) <= XATLAS_ROUGH_EDGES


class _Failed(Exception):
    """The process made no UVs; its last words."""


def _in_process(
    method: str, vertices: NDArray[Any], faces: NDArray[Any], reporter: Reporter | None, seconds: float | None
) -> NDArray[np.float64]:
    """UVs [T, 3, 2] by ``method``.

    Raises:
        _Failed: there are none after ``seconds``, or the process ended without.
        Cancelled: ``reporter`` said so.
    """
    with tempfile.TemporaryDirectory(prefix="styletex-unwrap-") as folder:
        given, made, words = (Path(folder) / name for name in ("mesh.npz", "uvs.npy", "errors.txt"))
        np.savez(given, vertices=vertices, faces=faces)
        paths = [str(_PACKAGE_PARENT), *filter(None, [os.environ.get("PYTHONPATH")])]
        with words.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", f"{__package__}.uv_process", method, str(given), str(made)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            )
        try:
            ended = _wait(process, reporter, seconds)
        finally:
            process.kill()
            process.communicate()
        if not ended or process.returncode:
            raise _Failed(words.read_text(errors="replace") or f"exit status {process.returncode}")
        uvs = np.load(made, allow_pickle=False)
    if uvs.shape != (len(faces), 3, 2) or not np.isfinite(uvs).all():
        raise _Failed(f"{method} made UVs that do not fit, or are no numbers")
    return uvs


def _wait(process: subprocess.Popen[bytes], reporter: Reporter | None, seconds: float | None) -> bool:
    """Whether the process ended within ``seconds``.

    Raises:
        Cancelled: ``reporter`` said so.
    """
    started = time.monotonic()
    while process.poll() is None:
        if reporter is not None and reporter.should_cancel():
            raise Cancelled
        if seconds is not None and time.monotonic() - started > seconds:
            return False
        time.sleep(_POLL_SECONDS)
    return True
