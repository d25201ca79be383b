# SPDX-License-Identifier: GPL-3.0-or-later
"""A Windows job object: the processes in it end when its last handle is closed, which this process's death does too."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from ctypes import wintypes

assert sys.platform == "win32"

_EXTENDED_LIMIT_INFORMATION = 9
_KILL_ON_JOB_CLOSE = 0x2000


class _BasicLimits(ctypes.Structure):
    _fields_ = [
        ("PerProcessUserTimeLimit", wintypes.LARGE_INTEGER),
        ("PerJobUserTimeLimit", wintypes.LARGE_INTEGER),
        ("LimitFlags", wintypes.DWORD),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", wintypes.DWORD),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", wintypes.DWORD),
        ("SchedulingClass", wintypes.DWORD),
    ]


class _ExtendedLimits(ctypes.Structure):
    _fields_ = [
        ("BasicLimitInformation", _BasicLimits),
        ("IoInfo", ctypes.c_ulonglong * 6),
        ("ProcessMemoryLimit", ctypes.c_size_t),
        ("JobMemoryLimit", ctypes.c_size_t),
        ("PeakProcessMemoryUsed", ctypes.c_size_t),
        ("PeakJobMemoryUsed", ctypes.c_size_t),
    ]


_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel.CreateJobObjectW.restype = wintypes.HANDLE
_kernel.CreateJobObjectW.argtypes = [ctypes.c_void_p, wintypes.LPCWSTR]
_kernel.SetInformationJobObject.argtypes = [wintypes.HANDLE, ctypes.c_int, ctypes.c_void_p, wintypes.DWORD]
_kernel.AssignProcessToJobObject.argtypes = [wintypes.HANDLE, wintypes.HANDLE]
_kernel.TerminateJobObject.argtypes = [wintypes.HANDLE, wintypes.UINT]
_kernel.CloseHandle.argtypes = [wintypes.HANDLE]


class KillOnCloseJob:
    """Holds a process and everything that it starts."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Put ``process`` into a new job object.

        Raises:
            OSError: Windows refused; ``process`` is ended then.
        """
        limits = _ExtendedLimits()
        limits.BasicLimitInformation.LimitFlags = _KILL_ON_JOB_CLOSE
        self._handle = _kernel.CreateJobObjectW(None, None)
        if (
            not self._handle
            or not _kernel.SetInformationJobObject(
                self._handle, _EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), ctypes.sizeof(limits)
            )
            # Popen has the handle under this private name alone.
            or not _kernel.AssignProcessToJobObject(self._handle, int(process._handle))  # pyright: ignore[reportAttributeAccessIssue]
        ):
            error = ctypes.WinError(ctypes.get_last_error())
            process.kill()
            process.wait()
            if self._handle:
                self.close()
            raise error

    def terminate(self) -> None:
        """End every process in the job."""
        _kernel.TerminateJobObject(self._handle, 1)

    def close(self) -> None:
        """Close the handle; what is left in the job ends."""
        _kernel.CloseHandle(self._handle)
