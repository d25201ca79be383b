# SPDX-License-Identifier: GPL-3.0-or-later
"""Run inside a Blender: installs the zip, disables and enables it fifty times, and writes what there was meanwhile.

Arguments after ``--``: the zip, a style image, and the file for the figures.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
import time
import traceback
from pathlib import Path

import bpy

MODULE = "bl_ext.user_default.styletex"
TIMES = 50


def use(style: str) -> None:
    """What makes an add-on hold on to things: thumbnails, a style, a refused job, a translated interface."""
    settings = bpy.context.scene.styletex
    bpy.ops.styletex.use_style(filepath=style)
    settings.style_choice  # noqa: B018
    settings.style_image = None
    bpy.data.images.remove(bpy.data.images[Path(style).name])
    try:
        bpy.ops.styletex.stylize()
    except RuntimeError:
        return
    raise AssertionError("a texture without a style image")


def threads() -> list[str]:
    """Names of the process's threads, when what was just ending has ended: twice the same, a second apart."""
    before: list[str] = []
    for _ in range(10):
        now = []
        for task in Path("/proc/self/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # It ended this moment.
                now.append((task / "comm").read_text().strip())
        if sorted(now) == before:
            break
        before = sorted(now)
        time.sleep(1.0)
    return before


def figures() -> dict[str, object]:
    """What Blender holds."""
    gc.collect()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    handlers = {name: getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)}
    kinds = [name for name in dir(bpy.data) if isinstance(getattr(bpy.data, name), bpy.types.bpy_prop_collection)]
    keymaps = bpy.context.window_manager.keyconfigs
    return {
        "memory": int(status["VmRSS"].split()[0]),
        "objects": len(gc.get_objects()),
        "handlers": {name: len(found) for name, found in handlers.items() if isinstance(found, list)},
        "classes": sorted(name for name in dir(bpy.types) if name.startswith(("STYLETEX", "StyleTexPreferences"))),
        "operators": sorted(dir(bpy.ops.styletex)),
        "all classes": len(dir(bpy.types)),
        "properties": {
            found.__name__: sorted(
                known.identifier for known in found.bl_rna.properties if "styletex" in known.identifier
            )
            for found in (bpy.types.Scene, bpy.types.Object, bpy.types.WindowManager)
        },
        "datablocks": {name: len(getattr(bpy.data, name)) for name in kinds},
        "keys": {found.name: sum(len(keys.keymap_items) for keys in found.keymaps) for found in keymaps},
        "files": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threads(),
        "modules": len([name for name in sys.modules if "styletex" in name]),
    }


def main(package: str, style: str, output: str) -> None:
    bpy.ops.extensions.package_install_files(filepath=package, repo="user_default", enable_on_install=True)
    measured = []
    for turn in range(TIMES + 10):
        use(style)
        bpy.ops.preferences.addon_disable(module=MODULE)
        assert not hasattr(bpy.types.Scene, "styletex")
        bpy.ops.preferences.addon_enable(module=MODULE)
        # What is made once only is there after some turns.
        if turn in (9, TIMES + 9):
            measured.append(figures())
    bpy.ops.preferences.addon_disable(module=MODULE)
    Path(output).write_text(json.dumps([*measured, figures()]))


status = 1
try:
    main(*sys.argv[sys.argv.index("--") + 1 :])
    status = 0
except BaseException:
    traceback.print_exc()
sys.stdout.flush()
os._exit(status)
