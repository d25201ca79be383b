# SPDX-License-Identifier: GPL-3.0-or-later
"""The bpy module with as much of Blender's command line as the tests use.

python as_blender.py FILE.blend -P SCRIPT -- ARGUMENTS …
python as_blender.py -c styletex ARGUMENTS …       (the checkout, as if it were installed)
"""

from __future__ import annotations

import importlib
import os
import runpy
import sys
import traceback
from pathlib import Path
from types import ModuleType

import bpy


def main() -> int:
    """Open the file and run the script; returns the exit status."""
    if sys.argv[1] == "-c":
        return carry_out(sys.argv[3:])
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


def carry_out(arguments: list[str]) -> int:
    """What the add-on registers as its command; the module itself carries out none."""
    package = ModuleType("styletex")
    package.__path__ = [str(Path(__file__).resolve().parents[2])]
    sys.modules["styletex"] = package
    registered = {}
    register, bpy.utils.register_cli_command = bpy.utils.register_cli_command, registered.__setitem__
    importlib.import_module("styletex.styletex_blender").register()
    bpy.utils.register_cli_command = register
    return registered["styletex"](arguments)


status = main()
sys.stdout.flush()
sys.stderr.flush()
os._exit(status)
