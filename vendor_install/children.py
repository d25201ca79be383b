# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the tools: their lines are passed on as they come, and they end with the installer, however it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

from .messages import InstallError

_LOADING = ("PYTHON", "__PYVENV", "LD_", "DYLD_")
"""Beginnings of variables that put other code, or other libraries, into a program than its own."""
_TOOLS = ("PIP_", "UV_", "VIRTUAL_ENV", "CONDA_")
_KEPT = re.compile(
    r"PIP_("
    r"CACHE_DIR|CERT|CLIENT_CERT|CONFIG_FILE|DEFAULT_TIMEOUT|EXTRA_INDEX_URL|FIND_LINKS|INDEX_URL|"
    r"KEYRING_PROVIDER|NO_CACHE_DIR|NO_INDEX|PROXY|RESUME_RETRIES|RETRIES|TIMEOUT|TRUSTED_HOST"
    r")|UV_("
    r"CACHE_DIR|CONCURRENT_DOWNLOADS|CONCURRENT_INSTALLS|CONFIG_FILE|DEFAULT_INDEX|EXTRA_INDEX_URL|"
    r"FIND_LINKS|HTTP_RETRIES|HTTP_TIMEOUT|INDEX|INDEX_URL|INSECURE_HOST|KEYRING_PROVIDER|LINK_MODE|"
    r"NATIVE_TLS|NO_CACHE|NO_CONFIG|NO_INDEX|NO_PROGRESS|OFFLINE|PYTHON_DOWNLOADS|PYTHON_INSTALL_DIR|"
    r"PYTHON_INSTALL_MIRROR|REQUEST_TIMEOUT|SYSTEM_CERTS"
    r")|UV_INDEX_\w+_(USERNAME|PASSWORD)"
)
"""Settings of the tools that say where to get packages, and how to get there. What gets installed, where to, and how it
is checked is not for a person's shell to say."""
_CERTIFICATE = (
    "The certificate of the package index is not trusted here; a proxy or a virus scanner may stand between",
    "Name your organisation's certificates in the environment variable SSL_CERT_FILE, or install offline",
)
_REASONS = (
    ("No space left on device", "disk_full", "The disk is full", "Free space, then install again"),
    ("not enough space on the disk", "disk_full", "The disk is full", "Free space, then install again"),
    ("THESE PACKAGES DO NOT MATCH THE HASHES", "wrong_hash", "", ""),
    ("Hash mismatch", "wrong_hash", "", ""),
    ("CERTIFICATE_VERIFY_FAILED", "network", *_CERTIFICATE),
    ("invalid peer certificate", "network", *_CERTIFICATE),
    ("Read-only file system", "read_only", "The folder cannot be written to", "Choose another target"),
)
_WRONG_HASH = (
    "A downloaded package is not the one that was checked when this version was made",
    "Try another network or index; if it happens again, report it",
)
_NETWORK = ("timed out", "timeout", "Connection", "error sending request", "Could not fetch", "Failed to fetch",
            "dns error", "Failed to download", "No matching distribution", "Max retries")  # fmt: skip


def scrubbed_environment() -> dict[str, str]:
    """The environment variables for programs of another Python: without those that change how a program loads."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(_LOADING)}


def tool_environment() -> dict[str, str]:
    """Those for pip and uv: besides, without settings that would send packages elsewhere, choose others, skip checks,
    or hide what happens.
    """
    return {
        name: value
        for name, value in scrubbed_environment().items()
        if not name.upper().startswith(_TOOLS) or _KEPT.fullmatch(name.upper())
    }


class Cancelled(BaseException):
    """The user ended the command (SIGINT or SIGTERM)."""


@contextmanager
def cancellable(*signals: signal.Signals) -> Iterator[None]:
    """Within it ``signals`` (SIGINT and SIGTERM) raise ``Cancelled``, the first time; a second one of any does not
    disturb the tidying.
    """

    def cancel(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        raise Cancelled

    both = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in both}
    for number in signals or both:
        signal.signal(number, cancel)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """SIGINT and SIGTERM do nothing within it: what puts things in order gets to its end, whatever it began for.

    When Blender dies, the installer may fail at telling it something just before the signal comes.
    """
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_with_input() -> None:
    """Cancel the command when the standard input ends: whoever held its other end, Blender, is gone.

    On Windows Blender's job object ends the installer and the tools at once.
    """
    main_thread = threading.get_ident()

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        if sys.platform != "win32":
            # To that thread, so that what it waits for is interrupted.
            signal.pthread_kill(main_thread, signal.SIGTERM)

    threading.Thread(target=wait, name="standard input", daemon=True).start()


def run(
    command: Sequence[str], failure: str, log: Callable[[str], None], variables: Mapping[str, str] | None = None
) -> list[str]:
    """Run a tool to its end, whole group of processes with it.

    Args:
        command: the program and its arguments.
        failure: what could not be done, for the message.
        log: gets each line of both its outputs.
        variables: environment variables for it besides the usual ones.

    Returns:
        Its last lines.

    Raises:
        InstallError: it failed: ``disk_full``, ``wrong_hash``, ``network``, ``read_only`` or ``failed``.
    """
    tail: deque[str] = deque(maxlen=200)
    try:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={**tool_environment(), "PYTHONUTF8": "1", **(variables or {})},
            start_new_session=sys.platform != "win32",
            creationflags=_CREATION_FLAGS,
            preexec_fn=_AT_START,
        )
    except OSError as error:
        raise InstallError("failed", f"{failure}: {error}") from error
    try:
        assert process.stdout is not None
        for line in process.stdout:
            tail.append(line.rstrip())
            log(line.rstrip())
        status = process.wait()
    finally:
        _end(process)
    if status != 0:
        raise _reason(failure, list(tail))
    return list(tail)


def _reason(failure: str, tail: list[str]) -> InstallError:
    text = "\n".join(tail)
    for sign, code, message, hint in _REASONS:
        if sign.lower() in text.lower():
            if code == "wrong_hash":
                message, hint = _WRONG_HASH
            return InstallError(code, f"{failure}: {message}", hint)
    last = _complaint(tail)
    if any(sign in text for sign in _NETWORK):
        hint = "Check the network, then install again: what is downloaded is kept"
        return InstallError("network", f"{failure}: {last}", hint)
    return InstallError("failed", f"{failure}: {last}", "The log above says more")


def _complaint(tail: list[str]) -> str:
    """What a tool ended with, as one line: uv says first what failed and then, cause by cause, why."""
    errors = [line.strip() for line in tail if "error" in line.lower()]
    said = [line for line in errors if line.startswith("error: ")]
    causes = [line.strip().removeprefix("cause: ") for line in tail if line.strip().startswith("cause: ")]
    if said and causes:
        return f"{said[-1].removeprefix('error: ')} ({causes[-1]})"
    return (errors or [line.strip() for line in tail] or ["no message"])[-1]


if sys.platform == "win32":
    _CREATION_FLAGS = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    _AT_START = None

    def _end(process: subprocess.Popen[str]) -> None:
        if process.poll() is None:
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
            process.wait()
else:
    import ctypes

    _CREATION_FLAGS = 0
    _PR_SET_PDEATHSIG = 1
    _LIBC = ctypes.CDLL(None)

    def _die_with_parent() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    _AT_START = _die_with_parent if sys.platform.startswith("linux") else None

    def _end(process: subprocess.Popen[str]) -> None:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
