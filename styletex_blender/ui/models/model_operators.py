# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons that download a model, list the models anew, and choose files of the artist's own."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty
from bpy.types import Context, Event, Menu, Operator, UILayout

from ....core.job import PROFILES, JobError
from ...install.installer_text import in_blender
from ...install.quantities import amount
from ...models import model_tasks
from ...models.catalogue import FILE_KINDS, KnownModel
from ...settings import WITHOUT_OWN_FILES
from ...translation.translate import _, said
from ..availability import why_no_worker
from ..panel_text import wrap
from ..reasoned_operator import ReasonedOperator
from ..weighted_list import RemoveItem

ALLOW_ONLINE = "Allow Online Access in Preferences > System > Network, or choose a models folder that has the files"
"""What to do without the network."""
RESTRICTIONS = (
    "Not to break the law or to harm people, minors above all",
    "Not to spread falsehoods or personal data that harm others, or to defame or harass them",
    "Not to decide over people's rights by machine, to discriminate, or to give medical advice",
    "To pass these restrictions on with the model and with what is made of it",
)
"""``core.models.licences.USE_RESTRICTIONS``; a test holds them together."""
_DIALOG_WIDTH = 520
ROLES = ("own_model", "lora", "own_vae")
"""What a file is chosen for, in the order of ``FILE_KINDS``."""


def why_not_download() -> str:
    """What keeps a download from being begun, as a sentence without a full stop, or nothing."""
    if reason := why_no_worker():
        return reason
    if model_tasks.downloading() is not None:
        return _("A model is being downloaded already")
    return "" if bpy.app.online_access else _(ALLOW_ONLINE)


def download_text(model: KnownModel) -> str:
    """What the button says: "Download the Model (10.1 GB)"."""
    if model.bytes_arrived:
        return _("Resume Download ({size})").format(size=amount(model.bytes_missing))
    if model.bytes_missing < model.bytes:
        return _("Download What Is Missing ({size})").format(size=amount(model.bytes_missing))
    return _("Download the Model ({size})").format(size=amount(model.bytes_missing))


class STYLETEX_OT_download_model(ReasonedOperator, Operator):
    """Download the model's files from Hugging Face's hub, while you go on working; its licenses are shown first"""

    bl_idname = "styletex.download_model"
    bl_label = "Download the Model"
    bl_options = {"INTERNAL"}

    profile: EnumProperty(
        name="Model",
        description="Which model",
        items=[(name, name, "") for name in PROFILES if name not in WITHOUT_OWN_FILES],
        options={"SKIP_SAVE", "HIDDEN"},
    )
    accept: BoolProperty(
        name="I Accept These Licenses",
        description="You have read the licenses, and keep to them",
        default=False,
        options={"SKIP_SAVE"},
    )

    @staticmethod
    def why_not(_context: Context) -> str:
        return why_not_download()

    def invoke(self, context: Context, _event: Event) -> set[str]:
        """Show what comes, from where, and under which licences."""
        return context.window_manager.invoke_props_dialog(
            self, width=_DIALOG_WIDTH, title=_("Download the Model"), confirm_text=_("Download")
        )

    def draw(self, _context: Context) -> None:
        """The licences, and the box to tick."""
        layout = self.layout
        known = model_tasks.catalogue()
        model = known.model(self.profile) if known is not None else None
        if model is not None:
            place = model.place or _("Hugging Face's cache in your home folder")
            text = _("{model}: {size} from huggingface.co, to {place}")
            size = amount(model.bytes_missing)
            _draw_wide(layout, text.format(model=_(model.title), size=size, place=place), "IMPORT")
            licences = {licence["name"]: licence for licence in model.licences}
            for name, licence in licences.items():
                of = ", ".join(one["repository"] for one in model.licences if one["name"] == name)
                row = layout.row()
                _draw_wide(row, f"{name}: {of}", "TEXT")
                row.operator("wm.url_open", text="", icon="URL").url = licence["address"]
            if any(licence["restricts_use"] for licence in model.licences):
                layout.label(text=_("The OpenRAIL licenses ask everybody who uses the model:"))
                for restriction in RESTRICTIONS:
                    _draw_wide(layout, _(restriction), "DOT")
        layout.prop(self, "accept")

    def execute(self, _context: Context) -> set[str]:
        """Begin it; in the background, wait for its end."""
        if not self.accept:
            self.report({"ERROR"}, _("Nothing was downloaded: the licenses were not accepted"))
            return {"CANCELLED"}
        try:
            run = model_tasks.download(self.profile)
        except JobError as error:
            self.report({"ERROR"}, said(error.message))
            return {"CANCELLED"}
        if bpy.app.background and run.failed and run.ending is not None:
            self.report({"ERROR"}, f"{run.ending['message']}. {in_blender(run.ending['hint'])}".rstrip(". "))
            return {"CANCELLED"}
        return {"FINISHED"}


class STYLETEX_OT_cancel_download(ReasonedOperator, Operator):
    """Stop the download; what has arrived is kept, and the next one goes on from there"""

    bl_idname = "styletex.cancel_download"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @staticmethod
    def why_not(_context: Context) -> str:
        run = model_tasks.downloading()
        if run is None:
            return _("No model is being downloaded")
        return _("It is being canceled") if run.wants_cancel else ""

    def execute(self, _context: Context) -> set[str]:
        """Ask for it."""
        model_tasks.cancel()
        return {"FINISHED"}


class STYLETEX_OT_list_models(ReasonedOperator, Operator):
    """Look again which models and which files are there"""

    bl_idname = "styletex.list_models"
    bl_label = "Look Again"
    bl_options = {"INTERNAL"}

    @staticmethod
    def why_not(_context: Context) -> str:
        return _("It is being looked") if model_tasks.is_listing() else why_no_worker()

    def execute(self, _context: Context) -> set[str]:
        """Begin it; in the background, wait for its end."""
        model_tasks.forget_outcome()
        model_tasks.list_anew()
        return {"FINISHED"}


class STYLETEX_OT_choose_own_file(Operator):
    """Use this file of the models folder"""

    bl_idname = "styletex.choose_own_file"
    bl_label = "Use This File"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    role: EnumProperty(items=[(role, role, "") for role in ROLES], options={"SKIP_SAVE", "HIDDEN"})
    path: StringProperty(options={"SKIP_SAVE", "HIDDEN"})

    def execute(self, context: Context) -> set[str]:
        """Put it into the panel's field."""
        settings = context.scene.styletex
        if self.role != "lora":
            setattr(settings, self.role, self.path)
            return {"FINISHED"}
        settings.loras.add().path = self.path
        return {"FINISHED"}


class STYLETEX_OT_remove_lora(RemoveItem, Operator):
    """Take this LoRA off the list; its file stays"""

    bl_idname = "styletex.remove_lora"
    bl_label = "Remove LoRA"
    list_name = "loras"

    @staticmethod
    def why_not(context: Context) -> str:
        return "" if len(context.scene.styletex.loras) else _("There is no LoRA")


def _draw_wide(layout: UILayout, text: str, icon: str) -> None:
    """Text over as many lines as the dialog's width asks for; its region is the one below it."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(wrap(text, _DIALOG_WIDTH + 60.0)):
        column.label(text=line, icon=icon if number == 0 else "BLANK1", translate=False)


class _FileMenu:
    """Beside ``bpy.types.Menu``: the files of one kind that fit the chosen model."""

    role = ""
    layout: UILayout
    """Blender's."""

    def draw(self, context: Context) -> None:
        """Each file by its name, or why there is none."""
        layout, known = self.layout, model_tasks.catalogue()
        kind = FILE_KINDS[ROLES.index(self.role)]
        files = known.files_for(kind, context.scene.styletex.profile) if known is not None else []
        for file in files:
            entry = layout.operator("styletex.choose_own_file", text=Path(file.path).name, translate=False)
            entry.role, entry.path = self.role, file.path
        if not files:
            layout.label(text=_("The models folder has none that fit"))
        if self.role == "lora":
            layout.separator()
            entry = layout.operator("styletex.choose_own_file", text=_("An Empty Line"), icon="ADD")
            entry.role, entry.path = self.role, ""


class STYLETEX_MT_checkpoints(_FileMenu, Menu):
    """Checkpoints of the models folder"""

    bl_label = "Checkpoints"
    role = "own_model"


class STYLETEX_MT_loras(_FileMenu, Menu):
    """LoRAs of the models folder"""

    bl_label = "LoRAs"
    role = "lora"


class STYLETEX_MT_vaes(_FileMenu, Menu):
    """VAEs of the models folder"""

    bl_label = "VAEs"
    role = "own_vae"


_CLASSES = (
    STYLETEX_OT_download_model,
    STYLETEX_OT_cancel_download,
    STYLETEX_OT_list_models,
    STYLETEX_OT_choose_own_file,
    STYLETEX_OT_remove_lora,
    STYLETEX_MT_checkpoints,
    STYLETEX_MT_loras,
    STYLETEX_MT_vaes,
)


def register() -> None:
    """Add the operators and menus."""
    for found in _CLASSES:
        bpy.utils.register_class(found)


def unregister() -> None:
    """End what runs and take them away."""
    model_tasks.abandon()
    for found in reversed(_CLASSES):
        bpy.utils.unregister_class(found)
