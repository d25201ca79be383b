# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker says of itself when it is ready: versions, and where it will compute and why."""

from __future__ import annotations

import platform
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

MANIFEST = Path(__file__).resolve().parents[2] / "blender_manifest.toml"


def describe_machine() -> dict[str, Any]:
    """The payload of ``hello`` but for the process id; see ``core.protocol``.

    The device is the one that ``device = "auto"`` takes for a model that fits into it. Memory is the device's own, or
    the machine's on the CPU and on MPS, where both share it.

    Raises:
        ImportError: PyTorch or diffusers is missing or broken.
    """
    import torch

    from ..devices.devices import choose_device

    versions = {
        "styletex": extension_version(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "diffusers": version("diffusers"),
    }
    return {"versions": versions, **choose_device("auto").describe()}


def extension_version() -> str:
    """The version in the extension's manifest."""
    return str(tomllib.loads(MANIFEST.read_text(encoding="utf-8"))["version"])
