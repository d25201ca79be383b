# SPDX-License-Identifier: GPL-3.0-or-later
"""The Blender side: everything that touches ``bpy``, and nothing that needs PyTorch.

In the order in which a click passes them: ``panel`` and ``preferences`` show ``properties``; ``operators`` call
``api``; ``settings`` are read from the scene; ``export`` (with ``uv``, ``checks`` and ``style_picture``) writes a job
folder (``job_folder``); ``runner`` hands it to the worker (``worker_environment``, ``worker_client``), shows frames
(``preview``, ``image``) and ends in ``material``; ``handlers`` keep undo, saving and loading safe meanwhile.
``headless`` is the same without a window.

The preferences' Install: ``install_preferences`` shows ``installation`` and the ``installer_run``;
``install_operators`` call ``installer``, which follows an ``installer_process`` started with ``installer_python``.
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
    from . import handlers, install_operators, operators, panel, preferences, properties

    return properties, preferences, install_operators, operators, panel, handlers
