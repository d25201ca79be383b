# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences: the worker's environment, and how and where the worker runs."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty
from bpy.types import AddonPreferences, Context

from ...core.job import DEVICES
from ..translation.translate import _
from ..worker.environment import PACKAGE
from . import install_preferences
from .drawing import draw_button
from .help.help_operators import STYLETEX_OT_open_log
from .models.model_drawing import draw_list

_DEVICE_TEXTS = {
    "auto": ("Automatic", "The graphics card when there is one, else the processor"),
    "cpu": ("Processor", "Works everywhere, slowly"),
    "cuda": ("NVIDIA", "A graphics card by CUDA"),
    "mps": ("Apple", "The graphics processor of a Mac by Metal"),
}
DEVICE_ITEMS = [(key, *_DEVICE_TEXTS[key]) for key in DEVICES]
"""Where textures can be computed, as a choice."""

_INSTALL_DEVICE_TEXTS = {
    "auto": ("Automatic", "For the graphics card that has a driver here, else for the processor"),
    "cpu": ("Processor", "Works everywhere, and is the smallest download"),
    "cuda": ("NVIDIA", "For a graphics card by CUDA"),
    "rocm": ("AMD", "For a graphics card by ROCm, on Linux"),
    "mps": ("Apple", "For the graphics processor of a Mac"),
}


class StyleTexPreferences(AddonPreferences):
    """Preferences of StyleTex"""

    bl_idname = PACKAGE

    install_device: EnumProperty(
        name="Install For",
        description="Which build of PyTorch to install",
        items=[(key, *texts) for key, texts in _INSTALL_DEVICE_TEXTS.items()],
        default="auto",
    )
    wheels_folder: StringProperty(
        name="Wheels Folder",
        description="Install from this folder, made by vendor_install bundle, and not from the network",
        subtype="DIR_PATH",
    )
    base_python: StringProperty(
        name="Base Python",
        description="The Python (3.11 to 3.13) to make the environment with; leave it empty to use Blender's own",
        subtype="FILE_PATH",
    )
    worker_python: StringProperty(
        name="Python",
        description="A Python of your own that has PyTorch and diffusers, or its folder; leave it empty to use what "
        "StyleTex installs",
        subtype="FILE_PATH",
    )
    idle_minutes: IntProperty(
        name="Idle Minutes",
        description="How long the model stays in memory after a texture, so that the next one starts sooner",
        default=10,
        min=0,
        soft_max=120,
    )
    device: EnumProperty(
        name="Device",
        description="Where textures are computed",
        items=DEVICE_ITEMS,
        default="auto",
    )
    farm: StringProperty(
        name="Farm",
        description="What makes the textures of Send to Farm: local for this machine, the address of a Ray cluster "
        "(HOST:PORT), or a folder that a command on another machine works on",
        default="local",
    )
    models_folder: StringProperty(
        name="Models Folder",
        description="Where models are looked for first, and where they are downloaded to: an empty folder or Hugging "
        "Face's cache; the folder of ComfyUI or A1111, whose files are used; or a model in diffusers' layout. Leave it "
        "empty for Hugging Face's cache in your home folder",
        subtype="DIR_PATH",
    )
    styles_folder: StringProperty(
        name="Styles Folder",
        description="Pictures in this folder stand among the styles in the panel",
        subtype="DIR_PATH",
    )
    log_folder: StringProperty(
        name="Log Folder",
        description="Where the log is written; leave it empty for the extension's own folder",
        subtype="DIR_PATH",
    )

    def draw(self, context: Context) -> None:
        """Show what textures are made with, and the settings."""
        layout = self.layout
        install_preferences.draw(layout, context, self)
        draw_list(layout, context, self)
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        column.prop(self, "worker_python")
        layout.prop(self, "styles_folder")
        layout.prop(self, "device")
        layout.prop(self, "idle_minutes")
        layout.prop(self, "farm")
        column = layout.column()
        column.prop(self, "log_folder")
        draw_button(column, context, STYLETEX_OT_open_log, icon="TEXT", unusable=_("No Log Yet"))


register, unregister = bpy.utils.register_classes_factory((StyleTexPreferences,))
