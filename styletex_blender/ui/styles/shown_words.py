# SPDX-License-Identifier: GPL-3.0-or-later
"""What the style image shows, in words that the model proposes: a button beside the field, and one for each word."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

import bpy
from bpy.props import BoolProperty, StringProperty
from bpy.types import Context, Operator, UILayout

from ....core.job import JobError
from ...models import content_words
from ...translation.translate import _, said_whole
from ..availability import why_no_worker
from ..drawing import draw_text
from ..operators import refuse
from ..reasoned_operator import ReasonedOperator

_COLUMNS = 3
"""Of the words, so that they can be read in a narrow sidebar."""
_AND = " and "


def caption_of(word: str) -> str:
    """The word as it stands in a caption: "a moon", "an owl", "hills"."""
    if word.endswith("s"):
        return word
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def has_word(content: str, word: str) -> bool:
    """Whether the caption names it, in a part of its own."""
    return caption_of(word) in content.strip().split(_AND)


def toggled(content: str, word: str) -> str:
    """The caption with the word, or without it if it names it already; the rest stays as it was written."""
    parts = content.strip().split(_AND) if content.strip() else []
    caption = caption_of(word)
    return _AND.join([part for part in parts if part != caption] if caption in parts else [*parts, caption])


def draw_asking(row: UILayout, settings: bpy.types.PropertyGroup, profile: str, for_object: bool) -> None:
    """Beside the field: the button that asks, or the one that does so no more."""
    if settings.style_image is None:
        return
    if content_words.asking() == content_words.question_of(settings.style_image, profile):
        row.operator("styletex.cancel_words", text="", icon="X")
    else:
        row.operator("styletex.suggest_words", text="", icon="VIEWZOOM").for_object = for_object


def draw_words(
    layout: UILayout, context: Context, settings: bpy.types.PropertyGroup, profile: str, for_object: bool
) -> None:
    """Below the field: what the model says of this picture, once it was asked."""
    if settings.style_image is None:
        return
    question = content_words.question_of(settings.style_image, profile)
    if content_words.asking() == question:
        draw_text(layout, context, _("Looking at the picture"), "SORTTIME")
    answer = content_words.last_answer()
    if answer is None or answer.question != question:
        return
    if answer.problem is not None:
        draw_text(layout, context, said_whole(answer.problem), "ERROR")
    elif not answer.words:
        draw_text(layout, context, _("Nothing but pattern, as far as the model can tell"), "INFO")
    grid = layout.grid_flow(row_major=True, columns=_COLUMNS, even_columns=True, align=True)
    for word in answer.words:
        pressed = has_word(settings.content, word)
        button = grid.operator("styletex.use_word", text=word, depress=pressed, translate=False)
        button.word, button.for_object = word, for_object
    grid.operator("styletex.dismiss_words", text="", icon="X")


def _settings(context: Context, for_object: bool) -> bpy.types.PropertyGroup:
    return (context.object if for_object else context.scene).styletex


class STYLETEX_OT_suggest_words(ReasonedOperator, Operator):
    """Let the model look at the style image, and propose words for what it shows"""

    bl_idname = "styletex.suggest_words"
    bl_label = "Suggest Words"
    bl_options = {"INTERNAL"}

    for_object: BoolProperty(default=False, options={"SKIP_SAVE", "HIDDEN"})

    @staticmethod
    def why_not(_context: Context) -> str:
        if reason := why_no_worker():
            return reason
        return "" if content_words.asking() is None else _("The model is looking at a picture already")

    def execute(self, context: Context) -> set[str]:
        """Begin; in the background, wait for the answer."""
        image = _settings(context, self.for_object).style_image
        if image is None:
            self.report({"ERROR"}, _("Choose a style image"))
            return {"CANCELLED"}
        try:
            answer = content_words.ask(image, context.scene.styletex.profile)
        except JobError as error:
            return refuse(self, error)
        if answer is not None and answer.problem is not None:
            return refuse(self, answer.problem)
        return {"FINISHED"}


class STYLETEX_OT_cancel_words(ReasonedOperator, Operator):
    """Stop looking at the picture"""

    bl_idname = "styletex.cancel_words"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @staticmethod
    def why_not(_context: Context) -> str:
        return "" if content_words.asking() is not None else _("The model is looking at no picture")

    def execute(self, _context: Context) -> set[str]:
        """Ask for it."""
        content_words.cancel()
        return {"FINISHED"}


class STYLETEX_OT_use_word(Operator):
    """Keep this out of the texture, or no more"""

    bl_idname = "styletex.use_word"
    bl_label = "Use Word"
    bl_options = {"INTERNAL", "UNDO"}

    word: StringProperty(options={"SKIP_SAVE", "HIDDEN"})
    for_object: BoolProperty(default=False, options={"SKIP_SAVE", "HIDDEN"})

    def execute(self, context: Context) -> set[str]:
        """Put it into the field, or take it out. Where nobody wrote there, the words go with the picture."""
        settings = _settings(context, self.for_object)
        ours = settings.content in ("", settings.content_filled_in)
        settings.content = toggled(settings.content, self.word)
        if ours:
            settings.content_filled_in = settings.content
        return {"FINISHED"}


class STYLETEX_OT_dismiss_words(Operator):
    """Close these words"""

    bl_idname = "styletex.dismiss_words"
    bl_label = "Dismiss"
    bl_options = {"INTERNAL"}

    def execute(self, _context: Context) -> set[str]:
        """Forget them."""
        content_words.forget()
        return {"FINISHED"}


_CLASSES = (STYLETEX_OT_suggest_words, STYLETEX_OT_cancel_words, STYLETEX_OT_use_word, STYLETEX_OT_dismiss_words)


def register() -> None:
    """Add the operators."""
    for found in _CLASSES:
        bpy.utils.register_class(found)


def unregister() -> None:
    """Take them away, and ask no more."""
    for found in reversed(_CLASSES):
        bpy.utils.unregister_class(found)
    content_words.abandon()
