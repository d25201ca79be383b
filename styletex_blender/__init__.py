# SPDX-License-Identifier: GPL-3.0-or-later
"""The Blender side: everything that touches ``bpy``, and nothing that needs PyTorch.

A click passes these rooms, each of which imports only those named before it: ``scene`` (Blender's data), ``region``
(the part of an object that is textured alone), ``history`` (what was made for an object before), ``folders`` (what is
on the disk meanwhile), ``landing`` (how a finished texture gets onto an object that was worked on meanwhile),
``worker`` (the process, and the ``runner`` that brings all together), ``install`` (the worker's environment),
``models`` (what there is of models, and their download), ``library`` (the pictures to choose a style from), ``ui``; all
speak by ``translation``. Between them lie ``settings``, ``exporting``, which makes an object a task of the queue,
``rerunning``, which makes a result one again, ``farm``, which has textures made elsewhere, ``api``, which
scripts call too, ``reopening``, which takes up a file's queue again, and ``handlers``, which keep undo, saving and
loading safe while a job runs.
``headless`` is the same without a window, and ``cli_command`` makes a command of Blender of it; ``demo`` is the scripts
of the demo.
"""

from __future__ import annotations

from types import ModuleType


def register() -> None:
    """Add the classes, the scene's settings and the handlers to Blender."""
    for module in _modules():
        module.register()


def unregister() -> None:
    """Take away what ``register`` added, in reverse order; a running job is cancelled and the worker ended."""
    for module in reversed(_modules()):
        module.unregister()


def _modules() -> tuple[ModuleType, ...]:
    # Loaded when they are wanted: the worker's client lives in this package too and does without ``bpy``.
    from . import cli_command, handlers
    from .history import entries
    from .translation import translate
    from .ui import install_operators, operators, panel, preferences, properties
    from .ui.help import help_operators
    from .ui.history import history_operators
    from .ui.models import model_operators
    from .ui.presets import preset_menu
    from .ui.queue import farm_operators, queue_list, queue_operators
    from .ui.region import touch_up
    from .ui.results import kept_textures, result_operators
    from .ui.scripting import adjust
    from .ui.styles import more_styles, operators as style_operators, shown_words

    return (
        translate,
        properties,
        entries,
        preferences,
        install_operators,
        model_operators,
        operators,
        style_operators,
        more_styles,
        shown_words,
        help_operators,
        adjust,
        result_operators,
        touch_up,
        history_operators,
        queue_operators,
        farm_operators,
        queue_list,
        preset_menu,
        kept_textures,
        panel,
        handlers,
        cli_command,
    )
