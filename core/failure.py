# SPDX-License-Identifier: GPL-3.0-or-later
"""Any exception as a ``JobError`` that names the cause and the way out. Imports nothing heavy."""

from __future__ import annotations

import errno
import gc
import sys
import traceback

from .job import JobError

_FULL = {errno.ENOSPC, errno.EFBIG} | ({errno.EDQUOT} if hasattr(errno, "EDQUOT") else set())
_FULL_WORDS = ("no space left on device", "disk quota exceeded", "file too large")
# PyTorch has an exception class for CUDA only; on the CPU and on MPS it raises RuntimeError with these words.
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory")

MESSAGE_LENGTH = 500
"""Characters of an exception's own words that go into a message."""
DETAIL_LENGTH = 20_000
"""Characters of a traceback, from its end, that go into the detail: an event must fit into one line of the wire."""


def as_job_error(error: Exception | SystemExit) -> JobError:
    """The ``JobError`` to report for ``error``: itself, or one with the traceback in ``detail``."""
    if isinstance(error, JobError):
        return error
    detail = "".join(traceback.format_exception(error))[-DETAIL_LENGTH:]
    text = str(error).strip()[:MESSAGE_LENGTH] or type(error).__name__
    if _is_out_of_memory(error):
        return JobError(
            "out_of_memory",
            f"Memory ran out: {text.splitlines()[0]}",
            "Choose a smaller texture or close other programs that use the device, then try again",
            detail,
        )
    if _is_disk_full(error):
        return JobError(
            "disk_full",
            f"The disk is full: {text}",
            "Free some space on the disk of the job folder, then try again",
            detail,
        )
    if isinstance(error, ImportError):
        return JobError(
            "dependencies",
            f"The worker's environment is incomplete: {text}",
            "Install or repair the environment in the add-on's preferences",
            detail,
        )
    return JobError(
        "internal", f"{type(error).__name__}: {text}", "This is a fault of StyleTex; please report it", detail
    )


def is_beyond_repair(error: BaseException) -> bool:
    """Whether CUDA failed such that every further call in this process would (a kernel that read out of bounds)."""
    if not isinstance(error, RuntimeError) or _is_out_of_memory(error):
        return False
    torch = sys.modules.get("torch")
    return (torch is not None and isinstance(error, torch.AcceleratorError)) or "cuda error" in str(error).lower()


def release_memory() -> None:
    """Give memory that work left behind back to the device, if PyTorch was loaded at all."""
    torch = sys.modules.get("torch")
    if torch is None:
        return
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _is_out_of_memory(error: BaseException) -> bool:
    torch = sys.modules.get("torch")
    if isinstance(error, MemoryError) or (torch is not None and isinstance(error, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _MEMORY_WORDS)


def _is_disk_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    # safetensors' own exception carries the system's words, not its number.
    return any(words in str(error).lower() for words in _FULL_WORDS)
