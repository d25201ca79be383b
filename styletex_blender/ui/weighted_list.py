# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of the scene whose items have weights: as a text that operators take, and the button that takes one off."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

from bpy.props import IntProperty
from bpy.types import Context

from ...core.job import JobError
from .reasoned_operator import ReasonedOperator


def as_text(items: Iterable[tuple[str, float]]) -> str:
    """Names and weights as operators take them: ``first:1; second:0.5``."""
    return "; ".join(f"{name}:{weight:g}" for name, weight in items)


def from_text(text: str, is_name: Callable[[str], bool]) -> Iterator[tuple[str, float]]:
    """What ``as_text`` wrote; where a whole part ``is_name``, its weight is 1.

    Raises:
        JobError: ``bad_setting``: a weight is no number.
    """
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, weight = (part, "1") if is_name(part) else part.rpartition(":")[::2]
        try:
            yield name, float(weight)
        except ValueError as error:
            raise JobError("bad_setting", f"{part!r} has no number behind its last colon") from error


class RemoveItem(ReasonedOperator):
    """Beside ``bpy.types.Operator``: takes an item off a list of the scene."""

    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "INTERNAL"}

    list_name: ClassVar[str]
    """The list's name in the scene's settings."""

    number: IntProperty(options={"SKIP_SAVE", "HIDDEN"})

    def execute(self, context: Context) -> set[str]:
        """Take it off."""
        getattr(context.scene.styletex, self.list_name).remove(self.number)
        return {"FINISHED"}
