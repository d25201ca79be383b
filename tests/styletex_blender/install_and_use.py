# SPDX-License-Identifier: GPL-3.0-or-later
"""Run inside some Blender: installs the zip, textures a monkey by the operator and a cube by the command, disables it.

Arguments after ``--``: the zip and a style image. Prints ``INSTALLED AND USED`` when everything held.
"""

import os
import runpy
import sys
import traceback
from pathlib import Path

import bpy

MODULE = "bl_ext.user_default.styletex"


def main(package, style):
    bpy.ops.extensions.package_install_files(filepath=package, repo="user_default", enable_on_install=True)
    assert MODULE in bpy.context.preferences.addons, "not enabled after the installation"

    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.mesh.primitive_monkey_add()
    settings = bpy.context.scene.styletex
    settings.style_image = bpy.data.images.load(style)
    settings.prompt, settings.texture_size = "a monkey", "256"
    assert bpy.ops.styletex.stylize() == {"FINISHED"}
    assert bpy.context.object.material_slots[0].material.name == "StyleTex · Suzanne"

    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    headless = Path(sys.modules[MODULE].__file__).parent / "styletex_blender" / "headless.py"
    assert Path(os.environ["BLENDER_USER_RESOURCES"]).resolve() in headless.resolve().parents
    sys.argv = ["blender", "--", "--style", style, "--prompt", "a box", "--objects", cube.name, "--size", "256"]
    try:
        runpy.run_path(str(headless), run_name="__main__")
    except SystemExit as ending:
        raise AssertionError(f"headless.py ended with {ending.code}") from ending
    material = bpy.data.objects[cube.name].active_material
    assert material is not None, "no material on the cube"
    assert any(node.type == "TEX_IMAGE" and node.image for node in material.node_tree.nodes), "no image in the material"

    own = Path(bpy.utils.extension_path_user(MODULE))
    left = {path.name for path in own.iterdir()}
    assert {"jobs", "logs"} <= left <= {"jobs", "kept", "logs", "styles"}, f"something else in its folder: {left}"
    for folder in own / "jobs", own / "kept":
        assert not list(folder.glob("*/")), "a job folder or a kept texture left"

    bpy.ops.preferences.addon_disable(module=MODULE)
    assert not [name for name in dir(bpy.types) if name.startswith("STYLETEX_")], "classes left after disabling"
    assert not hasattr(bpy.types.Scene, "styletex"), "settings left after disabling"
    print("INSTALLED AND USED", bpy.app.version_string)


status = 1
try:
    main(*sys.argv[sys.argv.index("--") + 1 :])
    status = 0
except BaseException:
    traceback.print_exc()
sys.stdout.flush()
sys.stderr.flush()
os._exit(status)
