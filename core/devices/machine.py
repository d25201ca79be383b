# SPDX-License-Identifier: GPL-3.0-or-later
"""The processor's name and the machine's memory."""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
from pathlib import Path


def processor_name() -> str:
    """The processor's name as its maker writes it, or the architecture where the system does not tell."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    if sys.platform == "darwin":
        question = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        answer = subprocess.run(question, capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            return answer.stdout.strip()
    return platform.processor() or platform.machine()


def machine_memory_bytes() -> int:
    """Physical memory of this machine in bytes."""
    if sys.platform != "win32":
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    kilobytes = ctypes.c_ulonglong()
    if not ctypes.windll.kernel32.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes)):
        raise ctypes.WinError()
    return kilobytes.value * 1024
