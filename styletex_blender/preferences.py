# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences: how and where the worker runs."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty
from bpy.types import AddonPreferences, Context

from ..core.job import DEVICES, JobError
from .worker_environment import PACKAGE, worker_command

_DEVICE_TEXTS = {
    "auto": ("Automatic", "The graphics card when there is one, else the processor"),
    "cpu": ("Processor", "Works everywhere, slowly"),
    "cuda": ("NVIDIA", "A graphics card by CUDA"),
    "mps": ("Apple", "The graphics processor of a Mac by Metal"),
}


class StyleTexPreferences(AddonPreferences):
    """Preferences of StyleTex"""

    bl_idname = PACKAGE

    worker_python: StringProperty(
        name="Python",
        description="A Python that has PyTorch and diffusers; leave it empty to use the one that is found",
        subtype="FILE_PATH",
    )
    idle_minutes: IntProperty(
        name="Idle Minutes",
        description="How long the worker stays in memory after a job, so that the next one starts sooner",
        default=10,
        min=0,
        soft_max=120,
    )
    device: EnumProperty(
        name="Device",
        description="Where textures are computed",
        items=[(key, *_DEVICE_TEXTS[key]) for key in DEVICES],
        default="auto",
    )
    log_folder: StringProperty(
        name="Log Folder",
        description="Where the worker writes its log; leave it empty for the extension's own folder",
        subtype="DIR_PATH",
    )

    def draw(self, _context: Context) -> None:
        """Show the settings and which Python will be used."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        column.prop(self, "worker_python")
        try:
            worker = worker_command()
        except JobError as error:
            column.label(text=f"{error.message}. {error.hint}", icon="ERROR")
        else:
            column.label(text=f"Used: {worker.command[0]} ({worker.origin})", icon="CHECKMARK")
        layout.prop(self, "device")
        layout.prop(self, "idle_minutes")
        column = layout.column()
        column.prop(self, "log_folder")
        column.operator("styletex.open_log", icon="TEXT")


def register() -> None:
    """Add the preferences."""
    bpy.utils.register_class(StyleTexPreferences)


def unregister() -> None:
    """Take them away."""
    bpy.utils.unregister_class(StyleTexPreferences)
