# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker's process inherits from Blender's."""

from __future__ import annotations

from styletex.styletex_blender.worker.process import scrubbed_environment


def test_the_worker_inherits_no_python_settings_and_no_preloads() -> None:
    environment = {
        "PATH": "/bin",
        "HOME": "/home/a",
        "CUDA_VISIBLE_DEVICES": "0",
        "HF_HOME": "/models",
        "PYTHONPATH": "/blender",
        "PYTHONHOME": "/blender",
        "LD_PRELOAD": "overlay.so",
        "LD_LIBRARY_PATH": "/blender/lib",
        "DYLD_INSERT_LIBRARIES": "x",
        "VIRTUAL_ENV": "/other",
    }
    kept = scrubbed_environment(environment)
    assert {name: kept[name] for name in ("PATH", "HOME", "CUDA_VISIBLE_DEVICES", "HF_HOME")} == {
        "PATH": "/bin",
        "HOME": "/home/a",
        "CUDA_VISIBLE_DEVICES": "0",
        "HF_HOME": "/models",
    }
    assert not {"PYTHONPATH", "PYTHONHOME", "LD_PRELOAD", "LD_LIBRARY_PATH", "VIRTUAL_ENV"} & set(kept)
    assert "DYLD_INSERT_LIBRARIES" not in kept
