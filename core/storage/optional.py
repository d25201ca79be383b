# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that a job can do without: when it fails, that is a warning, and the job goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..failure import as_job_error
from ..reporting import Cancelled, Reporter


@contextmanager
def optional(reporter: Reporter, code: str, failed: str) -> Iterator[None]:
    """Tell ``reporter`` when the block fails: a warning ``code`` with the sentence ``failed`` and the cause.

    Raises:
        Cancelled: the block did; that is no failure.
    """
    try:
        yield
    except Cancelled:
        raise
    except Exception as error:
        reporter.warning(code, f"{failed}: {cause(error)}")


def cause(error: Exception) -> str:
    """What went wrong, for people: the system's words ("No space left on device"), or those of the exception."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return as_job_error(error).message
