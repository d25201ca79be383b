# SPDX-License-Identifier: GPL-3.0-or-later
"""The model's words for what a style image shows: a command of ``core`` is asked for them, of one picture at a time."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import bpy

from ...core.job import JobError
from ..install.installer_run import InstallerRun
from ..scene.style_picture import write_style_image
from .core_task import TICK_SECONDS, CoreTask


@dataclass(frozen=True)
class Question:
    """What is asked of which model."""

    image: int
    """``session_uid`` of the style image."""
    profile: str
    """One of ``core.job.PROFILES``."""


@dataclass(frozen=True)
class Answer:
    """What the model said."""

    question: Question
    """To what."""
    words: tuple[str, ...] = ()
    """The best first; none where the picture is nothing but pattern."""
    problem: JobError | None = None
    """Why there is no answer."""


@dataclass(frozen=True)
class _Asking:
    """A question on its way."""

    question: Question
    task: CoreTask
    folder: tempfile.TemporaryDirectory[str]
    """Of the picture's file."""


_asking: _Asking | None = None
_answer: Answer | None = None


def question_of(image: bpy.types.Image, profile: str) -> Question:
    """What the image shows, asked of the model called ``profile``."""
    return Question(image.session_uid, profile)


def asking() -> Question | None:
    """What the model is being asked."""
    return _asking.question if _asking is not None else None


def last_answer() -> Answer | None:
    """What the model said last; ``None`` before that, or once it was dismissed."""
    return _answer


def ask(image: bpy.types.Image, profile: str) -> Answer | None:
    """Ask the model called ``profile`` what ``image`` shows; in the background, wait for the answer and return it.

    Raises:
        JobError: ``dependencies``: there is nothing to ask it with; ``bad_image``: the image has no pixels;
            ``bad_request``: it is being asked already.
    """
    global _asking, _answer
    if _asking is not None:
        raise JobError("bad_request", "The model is looking at a picture already", "Wait for it, or cancel it")
    folder = tempfile.TemporaryDirectory(prefix="styletex-", dir=bpy.app.tempdir, ignore_cleanup_errors=True)
    try:
        picture = Path(folder.name) / write_style_image(image.name, Path(folder.name))
        arguments = ["suggest", "--style", str(picture), "--profile", profile]
        _asking = _Asking(
            question_of(image, profile), CoreTask("suggest", "The search for words", arguments, _take), folder
        )
    except BaseException:
        folder.cleanup()
        raise
    _answer = None
    _redraw()
    if not bpy.app.background:
        bpy.app.timers.register(_tick, first_interval=TICK_SECONDS, persistent=True)
        return None
    while _asking is not None:
        _asking.task.step()
        time.sleep(TICK_SECONDS)
    return _answer


def cancel() -> None:
    """Ask no more."""
    if _asking is not None:
        _asking.task.process.cancel()


def forget() -> None:
    """Speak of the last answer no more."""
    global _answer
    _answer = None


def abandon() -> None:
    """End everything, because Blender or the add-on goes away."""
    global _asking
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    if _asking is not None:
        _asking.task.process.close()
        _asking.folder.cleanup()
    _asking = None
    forget()


def _take(run: InstallerRun) -> None:
    """The task is over."""
    global _asking, _answer
    assert _asking is not None
    question, ending = _asking.question, run.ending or {}
    if ending.get("type") == "done":
        _answer = Answer(question, words=tuple(ending.get("words", ())))
    elif ending.get("type") == "error":
        _answer = Answer(question, problem=JobError.from_dict(ending))
    _asking.folder.cleanup()
    _asking = None


def _tick() -> float | None:
    """The timer."""
    if _asking is not None and _asking.task.step():
        return TICK_SECONDS
    _redraw()
    return None


def _redraw() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()
