# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a library raises over a file, as a message about that file."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from ..failure import DETAIL_LENGTH, MESSAGE_LENGTH
from ..job import JobError
from ..reporting import Cancelled


@contextmanager
def refusing(code: str, what: str, hint: str) -> Iterator[None]:
    """Within it any exception becomes a ``JobError`` that says that ``what`` cannot be read.

    The libraries that take a file apart raise whatever a malformed one makes them stumble over (``struct.error``,
    ``zlib.error``, ``SyntaxError``, ``NotImplementedError``, ``RecursionError`` and their own), so that there is no
    narrower type than ``Exception``. Nothing but the reading of one file may stand in it. Warnings are left out:
    whoever made the file is not there to hear them.

    Args:
        code: of the error.
        what: what is read, as the beginning of a sentence ("The style image 'a.png'").
        hint: the way out.

    Raises:
        JobError: with ``code``, or ``out_of_memory``.
        Cancelled: whoever waits for the file said so.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (JobError, Cancelled):
        raise
    except MemoryError as error:
        raise JobError(
            "out_of_memory",
            f"{what} cannot be read: memory ran out",
            "Close other programs, or make the file smaller, then try again.",
        ) from error
    except Exception as error:
        detail = "".join(traceback.format_exception(error))[-DETAIL_LENGTH:]
        raise JobError(code, f"{what} cannot be read: {cause(error)}", hint, detail) from error


def cause(error: Exception) -> str:
    """What an exception says, in one line for people."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    lines = str(error).strip()[:MESSAGE_LENGTH].splitlines()
    if isinstance(error, LookupError | TypeError | AttributeError | AssertionError):
        # What a reader stumbles over says nothing to people without its name.
        return f"it is damaged ({': '.join([type(error).__name__, *lines[:1]])})"
    return lines[0] if lines else f"it is damaged ({type(error).__name__})"
