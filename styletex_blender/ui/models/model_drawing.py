# SPDX-License-Identifier: GPL-3.0-or-later
"""The models in the panel and in the preferences. Drawing starts nothing; what is to be listed, a timer lists."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.types import Context, UILayout

from ...install.installer_run import InstallerRun
from ...install.installer_text import download_line
from ...models import model_tasks
from ...models.catalogue import KnownModel
from ...names import readable
from ...settings import WITHOUT_OWN_FILES
from ...translation.translate import _, said
from ..drawing import draw_button, draw_text
from ..help.ways_out import ERRORS, INSTALLER_SECTION
from .model_operators import (
    STYLETEX_OT_cancel_download,
    STYLETEX_OT_download_model,
    STYLETEX_OT_list_models,
    download_text,
    why_not_download,
)
from .model_text import needs_text, state_icon, state_text

_LARGE = 1.6
"""Height of the panel's main button."""
_WEIGHT_WIDTH = 3.0
"""Of the field of a LoRA's weight, in units of a button's height."""


def missing_model(profile: str, own_model: str = "") -> KnownModel | None:
    """The model called ``profile`` if it is known that a texture cannot be made with it now."""
    if profile in WITHOUT_OWN_FILES:
        return None
    model_tasks.want_list()
    known = model_tasks.catalogue()
    model = known.model(profile) if known is not None else None
    if model is None or model.state == "ready":
        return None
    if own_model.strip() and model.state == "missing" and not model.files_missing_with_own:
        return None
    return model


def draw_missing(layout: UILayout, context: Context, model: KnownModel) -> None:
    """In the panel, in place of the button that makes a texture: the download, or how it goes."""
    name, run = model_tasks.last_download()
    if run is not None and run.ending is None:
        _draw_course(layout, context, run)
        return
    if model.can_be_downloaded:
        row = layout.row(align=True)
        row.scale_y = _LARGE
        button = draw_button(row, context, STYLETEX_OT_download_model, download_text(model), "IMPORT")
        if button is not None:
            button.profile = model.name
        row.operator("styletex.list_models", text="", icon="FILE_REFRESH")
        draw_text(layout, context, needs_text(model), "INFO")
        if reason := why_not_download():
            draw_text(layout, context, reason, "INFO")
    else:
        draw_text(layout, context, state_text(model), "ERROR")
    if run is not None and name == model.name:
        _draw_outcome(layout, context, run)


def draw_list(layout: UILayout, context: Context, preferences: bpy.types.AddonPreferences) -> None:
    """In the preferences: every model with its state, the models folder, and what is wrong in it."""
    model_tasks.want_list()
    box = layout.box()
    known = model_tasks.catalogue()
    name, run = model_tasks.last_download()
    row = box.row()
    row.label(text=_("Models"), icon="RENDER_RESULT")
    draw_button(row.row(), context, STYLETEX_OT_list_models, icon="FILE_REFRESH")
    if known is None:
        text = model_tasks.problem() or _("Looking which models are there")
        draw_text(box, context, said(text), "ERROR" if model_tasks.problem() else "SORTTIME")
    else:
        for model in known.models:
            _draw_model(box, context, model)
            if run is not None and name == model.name:
                (_draw_course if run.ending is None else _draw_outcome)(box, context, run)
    column = box.column()
    column.use_property_split = True
    column.use_property_decorate = False
    column.prop(preferences, "models_folder")
    if known is not None and preferences.models_folder:
        _draw_files(box, context)


def _draw_model(layout: UILayout, context: Context, model: KnownModel) -> None:
    row = layout.row()
    text = f"{_(model.title)}: {state_text(model)}"
    draw_text(row.column(), context, text, state_icon(model))
    draw_text(layout, context, needs_text(model), "BLANK1")
    if model.can_be_downloaded and model_tasks.downloading() is None:
        button = draw_button(layout.row(), context, STYLETEX_OT_download_model, download_text(model), "IMPORT")
        if button is not None:
            button.profile = model.name


def _draw_files(layout: UILayout, context: Context) -> None:
    known = model_tasks.catalogue()
    files = known.files if known is not None else ()
    counts = {kind: sum(file.kind == kind and not file.problem for file in files) for kind in ("checkpoint", "LoRA")}
    text = _("In this folder: {checkpoints} checkpoints, {loras} LoRAs")
    counted = text.format(checkpoints=counts["checkpoint"], loras=counts["LoRA"])
    draw_text(layout, context, counted, "FILE_FOLDER")
    for file in [file for file in files if file.problem][:5]:
        draw_text(layout, context, file.problem, "ERROR")


def draw_own_files(layout: UILayout, context: Context, settings: bpy.types.PropertyGroup) -> None:
    """In the panel: the artist's own checkpoint, LoRAs and VAE, by their files' names too: of a path, a field of the
    sidebar shows little more than the first folder.
    """
    if settings.profile in WITHOUT_OWN_FILES:
        return
    for name, menu in (("own_model", "STYLETEX_MT_checkpoints"), ("own_vae", "STYLETEX_MT_vaes")):
        row = layout.row(align=True)
        row.prop(settings, name)
        row.menu(menu, text="", icon="DOWNARROW_HLT")
        if file := _file_name(getattr(settings, name)):
            draw_text(layout, context, file, "FILE")
    heading = layout.row(align=True)
    heading.label(text=_("LoRAs"))
    heading.menu("STYLETEX_MT_loras", text="", icon="ADD")
    for number, lora in enumerate(settings.loras):
        column = layout.column(align=True)
        column.use_property_split = False
        row = column.row(align=True)
        row.prop(lora, "use", text=_file_name(lora.path) or _("No File"), translate=False)
        weight = row.row(align=True)
        weight.active, weight.ui_units_x = lora.use, _WEIGHT_WIDTH
        weight.prop(lora, "weight", text="")
        row.operator("styletex.remove_lora", text="", icon="X").number = number
        field = column.row()
        field.active = lora.use
        field.prop(lora, "path", text="")


def _file_name(path: str) -> str:
    """What a file is called, without what all are called in the end."""
    return Path(readable(path).replace("\\", "/").rstrip("/")).name.removesuffix(".safetensors")


def _draw_course(layout: UILayout, context: Context, run: InstallerRun) -> None:
    known, (name, _run) = model_tasks.catalogue(), model_tasks.last_download()
    model = known.model(name) if known is not None else None
    title = _(model.title) if model is not None else name
    text = _("Canceling") if run.wants_cancel else _("Downloading {model}").format(model=title)
    if run.stages:
        text += " · " + _("file {number} of {count}").format(number=run.number, count=run.stages)
    draw_text(layout, context, text, "IMPORT")
    layout.progress(factor=run.percent / 100.0, text=f"{run.percent:.0f} %")
    draw_text(layout, context, download_line(run), "BLANK1")
    row = layout.row()
    row.scale_y = _LARGE
    draw_button(row, context, STYLETEX_OT_cancel_download, icon="X")


def _draw_outcome(layout: UILayout, context: Context, run: InstallerRun) -> None:
    ending = run.ending or {}
    if ending.get("type") == "cancelled":
        draw_text(
            layout, context, _("Canceled. What has arrived is kept, and the next download goes on from there"), "INFO"
        )
    elif run.failed:
        draw_text(layout, context, f"{ending['message']}. {ending['hint']}".rstrip(". "), "ERROR")
        page = layout.operator("styletex.open_help", icon="QUESTION")
        page.code = ending["code"]
        if ending["code"] not in ERRORS:
            page.section = INSTALLER_SECTION
