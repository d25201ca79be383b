# SPDX-License-Identifier: GPL-3.0-or-later
"""Run inside some Blender: adds a repository, installs the extension from it and disables it.

Argument after ``--``: the address of the repository's index. Prints ``INSTALLED FROM REPOSITORY`` when everything held.
"""

import os
import sys
import traceback
from pathlib import Path

import bpy

MODULE = "bl_ext.own.styletex"


def main(address):
    # Blender asks for it whatever the address is, also for a folder of this computer.
    bpy.context.preferences.system.use_online_access = True
    repositories = bpy.context.preferences.extensions.repos
    repositories.new(name="Own", module="own", remote_url=address)
    index = [repository.module for repository in repositories].index("own")
    assert bpy.ops.extensions.repo_sync(repo_index=index) == {"FINISHED"}
    bpy.ops.extensions.package_install(repo_index=index, pkg_id="styletex", enable_on_install=True)

    assert MODULE in bpy.context.preferences.addons, "not enabled after the installation"
    assert Path(os.environ["BLENDER_USER_RESOURCES"]).resolve() in Path(sys.modules[MODULE].__file__).resolve().parents
    assert hasattr(bpy.types.Scene, "styletex"), "no settings after enabling"
    bpy.ops.preferences.addon_disable(module=MODULE)
    print("INSTALLED FROM REPOSITORY", bpy.app.version_string)


status = 1
try:
    main(*sys.argv[sys.argv.index("--") + 1 :])
    status = 0
except BaseException:
    traceback.print_exc()
sys.stdout.flush()
sys.stderr.flush()
os._exit(status)
