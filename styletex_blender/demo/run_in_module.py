# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a script in the Python module bpy, as ``blender -b SCENE.blend -P SCRIPT -- ARGUMENTS`` runs it in Blender.

python run_in_module.py [SCENE.blend] SCRIPT -- ARGUMENTS
"""

from __future__ import annotations

import os
import runpy
import sys
import traceback

import bpy


def main(arguments: list[str]) -> int:
    """Open the scene, run the script, and return the status that it would have ended with."""
    *scene, script = arguments[: arguments.index("--")]
    try:
        if scene:
            bpy.ops.wm.open_mainfile(filepath=scene[0])
        runpy.run_path(script, run_name="__main__")
    except SystemExit as ending:
        if isinstance(ending.code, str):
            print(ending.code, file=sys.stderr)
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except Exception:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # The module hangs (4.5) or crashes (4.2) in an orderly exit while a class is registered.
    os._exit(status)
