# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that ``unwrap`` starts: ``python -m core.unwrapping.uv_process METHOD MESH UVS``.

It does not outlive who started it: it leaves when its standard input ends, and where xatlas keeps it from noticing, the
alarm ends it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

XATLAS, PLANE_CHARTS = "xatlas", "plane-charts"
XATLAS_SECONDS = 120
"""How long xatlas may take."""


def main(method: str, mesh: Path, uvs: Path) -> None:
    """Write UVs [T, 3, 2] to ``uvs`` (.npy) for ``vertices`` [V, 3] and ``faces`` [T, 3] of ``mesh`` (.npz)."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    if method == XATLAS and hasattr(signal, "alarm"):
        signal.alarm(XATLAS_SECONDS)
    with np.load(mesh, allow_pickle=False) as arrays:
        vertices, faces = arrays["vertices"], arrays["faces"]
    np.save(uvs, by_xatlas(vertices, faces) if method == XATLAS else by_plane_charts(vertices, faces))


def by_xatlas(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float64]:
    """UVs [T, 3, 2] by xatlas, which is not there on every system."""
    import xatlas

    _, index, uvs = xatlas.parametrize(vertices.astype(np.float32), faces.astype(np.uint32))
    return uvs[index].astype(np.float64)


def by_plane_charts(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float64]:
    """UVs [T, 3, 2] by ``plane_charts``; the same module is not loaded where xatlas does it."""
    from .plane_charts import plane_charts

    return plane_charts(vertices, faces)


def _leave_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
