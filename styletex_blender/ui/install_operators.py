# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons of the preferences that install, check and remove the worker's environment."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import bpy
from bpy.types import Context, Event, Operator

from ...core.job import JobError
from ..install import installer
from ..install.installer_text import in_blender, outcome_line
from ..install.quantities import amount
from ..translation.translate import _, said, said_whole
from ..worker.environment import install_target, log_path, own_python, preference
from .help.help_operators import show_log
from .reasoned_operator import ReasonedOperator

ALLOW_ONLINE = "Allow Online Access in Preferences > System > Network, or choose a Wheels Folder"
"""What to do without the network."""


def why_not_install() -> str:
    """What keeps Install from working, as a sentence without a full stop, or nothing."""
    if reason := installer.why_not(changes=True):
        return reason
    if wheels := _path("wheels_folder"):
        return "" if wheels.is_dir() else _("There is no Wheels Folder {path}").format(path=wheels)
    return "" if bpy.app.online_access else _(ALLOW_ONLINE)


def bundle_command() -> str:
    """What to run on a connected computer to get a folder that this Blender can install from."""
    return f"python3 -m vendor_install bundle --output wheels --python-version 3.{sys.version_info[1]}"


def used_python() -> str:
    """The Python of the artist's own that the preferences name; empty where what is installed is used.

    Raises:
        JobError: ``dependencies``: there is none where they say.
    """
    chosen = str(preference("worker_python", ""))
    return str(own_python(Path(bpy.path.abspath(chosen)))) if chosen else ""


class STYLETEX_OT_install(ReasonedOperator, Operator):
    """Install PyTorch and what else StyleTex computes with, while you go on working"""

    bl_idname = "styletex.install"
    bl_label = "Install"
    bl_options = {"INTERNAL"}

    rebuild: bpy.props.BoolProperty(  # pyright: ignore[reportInvalidTypeForm]
        name="Rebuild", description="Make it anew also when it seems sound", options={"SKIP_SAVE"}
    )
    large_download: bpy.props.BoolProperty(  # pyright: ignore[reportInvalidTypeForm]
        name="Large Download",
        description="Also where PyTorch can only be had in a build that is far larger than this computer needs",
        options={"SKIP_SAVE"},
    )

    @staticmethod
    def why_not(_context: Context) -> str:
        return why_not_install()

    def execute(self, _context: Context) -> set[str]:
        """Start the installer; in the background, wait for its end."""
        arguments = ["--device", str(preference("install_device", "auto"))]
        if wheels := _path("wheels_folder"):
            arguments += ["--wheels", str(wheels)]
        if python := _path("base_python"):
            arguments += ["--python", str(python)]
        arguments += ["--rebuild"] * self.rebuild + ["--large-download"] * self.large_download
        return _start(self, "install", arguments)


class STYLETEX_OT_cancel_install(ReasonedOperator, Operator):
    """Stop; what was installed before stays in use, and downloads are kept for the next time"""

    bl_idname = "styletex.cancel_install"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @staticmethod
    def why_not(_context: Context) -> str:
        run = installer.running()
        if run is None:
            return _("The installer is not at work")
        return _("It is being canceled") if run.wants_cancel else ""

    def execute(self, _context: Context) -> set[str]:
        """Ask for it."""
        installer.cancel()
        return {"FINISHED"}


class STYLETEX_OT_check_install(ReasonedOperator, Operator):
    """Check packages, device, ray casting, models and disk space, and say how to mend what is wrong"""

    bl_idname = "styletex.check_install"
    bl_label = "Check"
    bl_options = {"INTERNAL"}

    @staticmethod
    def why_not(_context: Context) -> str:
        return installer.why_not(changes=False)

    def execute(self, _context: Context) -> set[str]:
        """Start it; in the background, wait for its end."""
        try:
            python = used_python()
        except JobError as error:
            self.report({"ERROR"}, said(error.message))
            return {"CANCELLED"}
        return _start(self, "doctor", python=python)


class STYLETEX_OT_remove_install(ReasonedOperator, Operator):
    """Remove what was installed, with all downloads; textures and files stay"""

    bl_idname = "styletex.remove_install"
    bl_label = "Remove"
    bl_options = {"INTERNAL"}

    @staticmethod
    def why_not(_context: Context) -> str:
        return installer.why_not(changes=True) or ("" if install_target().is_dir() else _("Nothing is installed"))

    def invoke(self, context: Context, event: Event) -> set[str]:
        """Ask first."""
        size = amount(_size(install_target()))
        return context.window_manager.invoke_confirm(
            self,
            event,
            title=_("Remove What Is Installed and Downloaded?"),
            message=_("{size} on disk. To make textures again it must be downloaded again").format(size=size),
            confirm_text=_("Remove"),
            icon="WARNING",
        )

    def execute(self, _context: Context) -> set[str]:
        """Start it; in the background, wait for its end."""
        return _start(self, "remove")


class STYLETEX_OT_open_install_log(ReasonedOperator, Operator):
    """Open the installer's log, which says more about what was done and what went wrong"""

    bl_idname = "styletex.open_install_log"
    bl_label = "Open Install Log"
    bl_options = {"INTERNAL"}

    @staticmethod
    def why_not(_context: Context) -> str:
        return "" if _log().is_file() else _("There is no log yet: the installer has not run")

    def execute(self, context: Context) -> set[str]:
        """Open it."""
        return show_log(self, context, _log())


class STYLETEX_OT_copy_bundle_command(Operator):
    """Copy the command that makes a Wheels Folder, to run it in StyleTex's folder on a connected computer"""

    bl_idname = "styletex.copy_bundle_command"
    bl_label = "Copy Command"
    bl_options = {"INTERNAL"}

    def execute(self, context: Context) -> set[str]:
        """Put it on the clipboard."""
        context.window_manager.clipboard = bundle_command()
        self.report({"INFO"}, _("Copied"))
        return {"FINISHED"}


def _size(folder: Path) -> int:
    """Bytes of all files in a folder."""
    total = 0
    for place, _folders, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # It is being removed: it counts no more.
                total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118
    return total


def _start(operator: Operator, command: str, arguments: Sequence[str] = (), python: str = "") -> set[str]:
    try:
        if not bpy.app.background:
            installer.begin_in_window(command, arguments, python)
            return {"FINISHED"}
        run = installer.carry_out(command, arguments, python)
    except JobError as error:
        operator.report({"ERROR"}, said_whole(error))
        return {"CANCELLED"}
    assert run.ending is not None
    if run.failed:
        operator.report({"ERROR"}, f"{run.ending['message']}. {in_blender(run.ending['hint'])}".rstrip(". "))
        return {"CANCELLED"}
    operator.report({"WARNING"} if run.wrong else {"INFO"}, outcome_line(run))
    return {"FINISHED"}


def _log() -> Path:
    return log_path().with_name(installer.LOG_NAME)


def _path(name: str) -> Path | None:
    chosen = str(preference(name, ""))
    return Path(bpy.path.abspath(chosen)).absolute() if chosen else None


_CLASSES = (
    STYLETEX_OT_install,
    STYLETEX_OT_cancel_install,
    STYLETEX_OT_check_install,
    STYLETEX_OT_remove_install,
    STYLETEX_OT_open_install_log,
    STYLETEX_OT_copy_bundle_command,
)


def register() -> None:
    """Add the operators."""
    for operator in _CLASSES:
        bpy.utils.register_class(operator)


def unregister() -> None:
    """End the installer and take the operators away."""
    installer.abandon()
    for operator in reversed(_CLASSES):
        bpy.utils.unregister_class(operator)
