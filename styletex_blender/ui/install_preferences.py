# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the preferences that installs what the worker needs. Drawing reads three small files and no more."""

from __future__ import annotations

import bpy
from bpy.types import Context, UILayout

from ...core.job import JobError
from ..install import installer
from ..install.installation import Installation, look_at
from ..install.installer_run import Finding, InstallerRun
from ..install.installer_text import download_line, in_blender, outcome_line, stage_line
from ..install.quantities import amount
from ..translation.translate import _, said
from ..worker.environment import install_target, worker_command
from .drawing import draw_button, draw_text
from .help.ways_out import INSTALLER_SECTION
from .install_operators import (
    ALLOW_ONLINE,
    STYLETEX_OT_cancel_install,
    STYLETEX_OT_check_install,
    STYLETEX_OT_install,
    STYLETEX_OT_open_install_log,
    STYLETEX_OT_remove_install,
    bundle_command,
    used_python,
    why_not_install,
)

_LARGE_DOWNLOAD = "large_download"
"""The installer's error that asks whether PyTorch may come in a far larger build (``vendor_install/consent.py``)."""
_SIZES = {
    "auto": "To download: about 0.3 GB, for an NVIDIA card 2.7 GB. On disk: over 1 GB, for a card over 5 GB",
    "cpu": "To download: about 0.3 GB. On disk: over 1 GB. Where only the build for NVIDIA can be had, you are asked",
    "cuda": "To download: about 2.7 GB. On disk: over 5 GB",
    "rocm": "To download: several GB. On disk: about twice that",
    "mps": "To download: about 0.3 GB. On disk: over 1 GB",
}
"""By ``install_device``, how much comes; measured for the processor and for NVIDIA (docs/systems.md)."""
_ABSENT = "Not installed. StyleTex computes with PyTorch, which it keeps in a folder of its own"


def draw(layout: UILayout, context: Context, preferences: bpy.types.AddonPreferences) -> None:
    """What is installed and how it goes, the settings of an installation, and its buttons."""
    box = layout.box()
    run = installer.running()
    if run is not None:
        _draw_run(box, context, run)
        return
    if preferences.worker_python:
        _draw_own_python(box, context, preferences)
        return
    here = look_at(install_target())
    _draw_state(box, context, here)
    column = box.column()
    column.use_property_split = True
    column.use_property_decorate = False
    column.prop(preferences, "install_device")
    draw_text(box, context, _(_SIZES[preferences.install_device]), "BLANK1")
    # Before the folders, so that Install is in view at 200 % too.
    _draw_buttons(box, context, here, preferences)
    if why_not_install() == _(ALLOW_ONLINE):
        _draw_way_on(box, context)
    column = box.column()
    column.use_property_split = True
    column.use_property_decorate = False
    column.prop(preferences, "wheels_folder")
    last = installer.current_run()
    if preferences.base_python or (last and last.failed and last.ending and last.ending["code"] == "no_python"):
        column.prop(preferences, "base_python")
    if last is not None and not last.python:
        _draw_outcome(box, context, last)


def _draw_own_python(layout: UILayout, context: Context, preferences: bpy.types.AddonPreferences) -> None:
    """Whether a Python of the artist's own is there, and whether it was tried."""
    try:
        python = used_python()
    except JobError as error:
        draw_text(layout, context, said(error.message), "ERROR")
        return
    check = installer.last_check()
    tried = check if check is not None and check.python == python and check.ending is not None else None
    if tried is None:
        draw_text(layout, context, _("Your own Python is used. Not tried yet: click Check"), "QUESTION")
    elif tried.wrong or tried.failed:
        draw_text(layout, context, _("Your own Python is used. It was tried, and something is wrong"), "ERROR")
    else:
        draw_text(layout, context, _("Your own Python is used. It was tried, and it works"), "CHECKMARK")
    draw_text(layout, context, python, "BLANK1")
    row = layout.row()
    row.scale_y = 1.4
    draw_button(row, context, STYLETEX_OT_check_install, icon="VIEWZOOM")
    if tried is not None:
        _draw_outcome(layout, context, tried)
    draw_text(layout, context, _("Leave Python empty below to use what StyleTex installs by itself"), "INFO")


def _draw_state(layout: UILayout, context: Context, here: Installation) -> None:
    check = installer.last_check()
    if here.state == "absent":
        if elsewhere := _used_elsewhere():
            draw_text(
                layout,
                context,
                _("Not installed here, and not needed: {place} is used").format(place=elsewhere),
                "INFO",
            )
        else:
            draw_text(layout, context, _(_ABSENT), "INFO")
    elif here.state == "broken":
        draw_text(layout, context, _("Installed, but broken: {problem}").format(problem=_(here.problem)), "ERROR")
    elif here.state == "outdated":
        draw_text(layout, context, _("Installed for another version of StyleTex: update it"), "ERROR")
    elif check is not None and check.wrong and not check.python:
        draw_text(layout, context, _("Installed, but something is wrong: see below"), "ERROR")
    elif here.size_bytes:
        draw_text(layout, context, _("Installed, {size} on disk").format(size=amount(here.size_bytes)), "CHECKMARK")
    else:
        draw_text(layout, context, _("Installed"), "CHECKMARK")
    if here.versions:
        draw_text(layout, context, here.versions, "BLANK1")


def _used_elsewhere() -> str:
    """What textures are made with where nothing is installed here, for people; empty for nothing."""
    try:
        return _(worker_command().origin)
    except JobError:
        return ""


def _draw_buttons(
    layout: UILayout, context: Context, here: Installation, preferences: bpy.types.AddonPreferences
) -> None:
    row = layout.row()
    row.scale_y = 1.4
    if here.state == "ready" and here.device != preferences.install_device:
        chosen = preferences.bl_rna.properties["install_device"].enum_items[preferences.install_device].name
        text, rebuild = _("Install for {device}").format(device=_(chosen)), False
    else:
        text = {"absent": _("Install"), "outdated": _("Update")}.get(here.state, _("Repair"))
        rebuild = here.state in ("ready", "broken")
    if (install := draw_button(row, context, STYLETEX_OT_install, text, "IMPORT")) is not None:
        install.rebuild = rebuild
    if here.state != "absent":
        draw_button(row, context, STYLETEX_OT_check_install, icon="VIEWZOOM")
        draw_button(row, context, STYLETEX_OT_remove_install, icon="TRASH")
    elif install_target().is_dir():
        draw_button(row, context, STYLETEX_OT_remove_install, _("Remove Downloads"), "TRASH")


def _draw_run(layout: UILayout, context: Context, run: InstallerRun) -> None:
    layout.label(text=stage_line(run), icon="SORTTIME")
    if run.command == "install":
        layout.progress(factor=run.percent / 100.0, text=f"{run.percent:.0f} %")
    layout.label(text=download_line(run), icon="BLANK1")
    if run.notes:
        draw_text(layout, context, run.notes[-1], "BLANK1")
    for finding in run.findings:
        _draw_finding(layout, context, finding)
    draw_button(layout, context, STYLETEX_OT_cancel_install, icon="CANCEL", unusable=_("Canceling"))


def _draw_way_on(layout: UILayout, context: Context) -> None:
    """How to install where Blender may not use the network."""
    box = layout.box()
    if bpy.app.online_access_override:
        text = "Blender was started without network access (--offline-mode). Start it without that option to install"
        draw_text(box, context, _(text), "INTERNET_OFFLINE")
    else:
        text = "Blender may not use the network. Allow it: Preferences > System > Network > Allow Online Access"
        draw_text(box, context, _(text), "INTERNET_OFFLINE")
        box.operator("screen.userpref_show", text=_("Open System Preferences"), icon="PREFERENCES").section = "SYSTEM"
    text = (
        "Or install offline: run this in StyleTex's folder on a connected computer with the same system, and choose "
        "the folder that it makes as Wheels Folder"
    )
    draw_text(box, context, _(text), "BLANK1")
    row = box.row()
    row.label(text=bundle_command(), icon="CONSOLE")
    row.operator("styletex.copy_bundle_command", text="", icon="COPYDOWN")


def _draw_outcome(layout: UILayout, context: Context, run: InstallerRun) -> None:
    if run.failed and run.ending is not None:
        column = layout.column(align=True)
        column.alert = True
        draw_text(column, context, _(run.ending["message"]), "ERROR")
        if hint := in_blender(run.ending["hint"]):
            draw_text(layout, context, hint, "BLANK1")
        if run.ending["code"] == _LARGE_DOWNLOAD:
            again = draw_button(layout, context, STYLETEX_OT_install, _("Install All the Same"), "IMPORT")
            if again is not None:
                again.rebuild, again.large_download = True, True
    elif line := outcome_line(run):
        layout.label(text=line, icon="ERROR" if run.wrong else "CHECKMARK")
    for finding in run.findings:
        _draw_finding(layout, context, finding)
    row = layout.row(align=True)
    draw_button(row, context, STYLETEX_OT_open_install_log, icon="TEXT")
    if run.failed and run.ending is not None:
        page = row.operator("styletex.open_help", icon="QUESTION")
        page.code, page.section = run.ending["code"], INSTALLER_SECTION


def _draw_finding(layout: UILayout, context: Context, finding: Finding) -> None:
    column = layout.column(align=True)
    column.alert = not finding.ok
    text = f"{finding.name.capitalize()}: {finding.text}"
    draw_text(column, context, text, "CHECKMARK" if finding.ok else "ERROR")
    if finding.mend:
        draw_text(layout, context, in_blender(finding.mend), "BLANK1")
