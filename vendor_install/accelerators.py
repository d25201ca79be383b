# SPDX-License-Identifier: GPL-3.0-or-later
"""From the device that the user wants to PyTorch's build for it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

DEVICES = ("auto", "cpu", "cuda", "rocm", "mps")
"""What can be asked for."""
_BUILDS = {"cpu": "cpu", "cuda": "cu130", "rocm": "rocm7.2"}
"""PyTorch's index for each device where the machine does not tell a better one (uv's ``auto``)."""
NAMES = {"cpu": "the processor", "cuda": "NVIDIA cards", "rocm": "AMD cards", "mps": "Macs"}
"""Each device for people."""
DOWNLOAD_MEGABYTES = {"cpu": 200, "cuda": 2800, "rocm": 5000, "mps": 110}
"""About what PyTorch's builds have, with the libraries that they need."""
PYTORCH_INDEX = "https://download.pytorch.org/whl"
"""One index for each build below it."""


def likely_device(device: str) -> str:
    """``device``, or what "auto" will most likely be here, by the drivers that are installed."""
    if device != "auto":
        return device
    if sys.platform == "darwin":
        return "mps"
    if shutil.which("nvidia-smi") or Path("/proc/driver/nvidia/version").exists():
        return "cuda"
    return "rocm" if Path("/dev/kfd").exists() else "cpu"


def torch_backend(device: str) -> str | None:
    """The value of uv's ``--torch-backend``; ``None`` for the build of the default index, which is the one for Macs."""
    if sys.platform == "darwin":
        return None
    here = likely_device("auto")
    # The driver decides which build of a kind works, and uv asks it.
    return "auto" if device in ("auto", here) and here != "cpu" else build(device)


def build(device: str) -> str | None:
    """The name of PyTorch's index for ``device``, or ``None`` for the default index."""
    return None if sys.platform == "darwin" else _BUILDS.get(likely_device(device))
