# SPDX-License-Identifier: GPL-3.0-or-later
"""The installer's words in the preferences."""

from __future__ import annotations

from ..translation.translate import _
from .installer_run import InstallerRun
from .quantities import amount, duration

_TITLES = {"install": "Starting the installer", "doctor": "Checking", "remove": "Removing"}
_IN_BLENDER = (
    ("Repair: python3 -m vendor_install install --rebuild", "Click Repair"),
    ("Install: python3 -m vendor_install install", "Click Install"),
    ("or: python3 -m vendor_install install --device cpu", "or choose Install For: Processor, and install again"),
    ("Free space, or choose another disk with --target", "Free space, then install again"),
    ("Choose another with --target", "Make it writable, then install again"),
    ("Correct --wheels", "Choose another Wheels Folder, or leave it empty"),
    ("Name another with --python", "Choose another Base Python, or leave it empty"),
    ("or name one with --python", "or choose one as Base Python"),
    ("The log above says more", "The install log says more"),
)
"""What the installer tells people in a shell, and the same for people who see buttons."""


def in_blender(hint: str) -> str:
    """A hint of the installer for somebody who has buttons, not options."""
    for in_shell, words in _IN_BLENDER:
        hint = hint.replace(in_shell, words)
    return hint


def stage_line(run: InstallerRun) -> str:
    """What is being done: "5 of 6 · Install PyTorch, the largest download"."""
    if run.wants_cancel:
        return _("Canceling: what is half made is removed")
    if not run.stages:
        return _(_TITLES[run.command])
    return _("{number} of {count} · {stage}").format(number=run.number, count=run.stages, stage=_(run.stage))


def download_line(run: InstallerRun) -> str:
    """How the download goes: "512 of 812 MB · 11.2 MB/s · 27 s left", and the whole time until now."""
    parts = []
    if total := run.download.get("total_bytes"):
        parts.append(_("{part} of {whole}").format(part=amount(run.download.get("bytes", 0)), whole=amount(total)))
    if speed := run.download.get("bytes_per_second"):
        parts.append(f"{amount(speed)}/s")
    if left := run.download.get("seconds_left"):
        parts.append(_("{time} left").format(time=duration(left)))
    return " · ".join([*parts, _("{time} so far").format(time=duration(run.seconds))])


def outcome_line(run: InstallerRun) -> str:
    """How a run came out that did not fail."""
    if run.ending is None or run.failed:
        return ""
    if run.ending["type"] == "cancelled":
        kept = _("Canceled. What was there before is as it was, and downloads are kept")
        return kept if run.changes else _("Canceled")
    if run.command == "doctor":
        count = len(run.wrong)
        text = _("{wrong} of {count} checks found something wrong").format(wrong=count, count=len(run.findings))
        return text if count else _("All is well")
    if run.command == "remove":
        return _("Removed")
    return _("Installed in {time}").format(time=duration(run.ending.get("seconds", run.seconds)))
