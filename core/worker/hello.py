# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker says of itself when it is ready: versions, and where it will compute and why."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any


def describe_machine() -> dict[str, Any]:
    """The payload of ``hello`` but for the process id; see ``core.protocol``.

    The device is the one that ``device = "auto"`` takes for a model that fits into it. Memory is the device's own, or
    the machine's on the CPU and on MPS, where both share it.

    Raises:
        ImportError: PyTorch or diffusers is missing or broken.
    """
    import torch

    from ..devices.devices import choose_device
    from ..results.report import extension_version

    versions = {
        "styletex": extension_version(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "diffusers": version("diffusers"),
    }
    return {"versions": versions, **choose_device("auto").describe()}
