# SPDX-License-Identifier: GPL-3.0-or-later
"""The bpy module with as much of Blender's command line as the tests use.

python as_blender.py FILE.blend -P SCRIPT -- ARGUMENTS …
"""

from __future__ import annotations

import os
import runpy
import sys
import traceback

import bpy


def main() -> int:
    """Open the file and run the script; returns the exit status."""
    blend, _, script = sys.argv[1:4]
    bpy.ops.wm.open_mainfile(filepath=blend)
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as leaving:
        return int(leaving.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


status = main()
sys.stdout.flush()
sys.stderr.flush()
os._exit(status)
