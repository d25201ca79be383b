# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker says of itself when it is ready: versions, device and memory."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

MANIFEST = Path(__file__).resolve().parent.parent / "blender_manifest.toml"


def describe_machine() -> dict[str, Any]:
    """The payload of ``hello`` but for the process id: ``versions``, ``device``, ``device_name``, ``memory_bytes``.

    The device is the one that ``device = "auto"`` takes. Memory is the device's own, or the machine's on the CPU and on
    MPS, where both share it.

    Raises:
        ImportError: PyTorch or diffusers is missing or broken.
    """
    import torch

    versions = {
        "styletex": extension_version(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "diffusers": version("diffusers"),
    }
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        return {
            "versions": versions,
            "device": "cuda",
            "device_name": properties.name,
            "memory_bytes": properties.total_memory,
        }
    return {
        "versions": versions,
        "device": "mps" if torch.backends.mps.is_available() else "cpu",
        "device_name": processor_name(),
        "memory_bytes": machine_memory_bytes(),
    }


def extension_version() -> str:
    """The version in the extension's manifest."""
    return str(tomllib.loads(MANIFEST.read_text(encoding="utf-8"))["version"])


def processor_name() -> str:
    """The processor's name as its maker writes it, or the architecture where the system does not tell."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def machine_memory_bytes() -> int:
    """Physical memory of this machine in bytes."""
    if sys.platform != "win32":
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    kilobytes = ctypes.c_ulonglong()
    if not ctypes.windll.kernel32.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes)):
        raise ctypes.WinError()
    return kilobytes.value * 1024
