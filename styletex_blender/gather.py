# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings textures that copies of a scene have got into one more copy of it.

blender -b scene.blend --python-exit-code 1 -P styletex_blender/gather.py -- \
    --parts DIR --count N --output textured.blend

``DIR`` holds what N calls of ``headless.py`` on the same scene saved, each with other objects textured. Their
materials, with the textures, go onto the objects of the same name, and UV maps that were made for them onto their
meshes. The exit status is 0 when all parts were there and every object in them was found as it was.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import bpy
import numpy as np

TEXTURE_NODE = "StyleTex Texture"
"""As in ``scene.materials.nodes``, which a script that runs by itself cannot import."""


class Unfit(Exception):
    """A part that is not of this scene, as it is."""


def main(arguments: list[str]) -> int:
    """Do what the command line says; returns the exit status."""
    options = _parser().parse_args(arguments)
    parts = sorted(options.parts.glob("part-*.blend"))
    if len(parts) != options.count:
        print(f"Nothing was gathered: {len(parts)} of {options.count} parts are in {options.parts}", flush=True)
        return 1
    here = {(block.id_type, block.name): block for block in bpy.data.user_map() if block.library is None}
    done: list[str] = []
    failed = False
    for part in parts:
        textured = _link_textured(part)
        for linked in textured:
            try:
                _texture(linked)
                done.append(linked.name)
            except Unfit as error:
                failed = True
                print(f"{linked.name} in {part.name}: {error}", flush=True)
        if textured:
            _make_local(textured[0].library, here)
        bpy.data.batch_remove({library for library in bpy.data.libraries if _is_at(library, part)})
    options.output.parent.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(options.output.resolve()), copy=True)
    print(f"Gathered the textures of {len(done)} objects in {options.output}", flush=True)
    return 1 if failed else 0


def _link_textured(part: Path) -> list[bpy.types.Object]:
    """Mesh objects that show other textures of ours in a part than in this scene. They are linked, so that everything
    keeps its name.
    """
    with bpy.data.libraries.load(str(part), link=True) as (there, wanted):
        wanted.objects = list(there.objects)
    meshes = [linked for linked in wanted.objects if linked is not None and linked.type == "MESH"]
    return [linked for linked in meshes if _textures(linked) not in ([], _textures(_target_of(linked)))]


def _target_of(linked: bpy.types.Object) -> bpy.types.Object | None:
    return bpy.context.scene.objects.get(linked.name)


def _texture(linked: bpy.types.Object) -> None:
    """Give what an object has got in a part to the object of its name here.

    Raises:
        Unfit: there is none, or its mesh is another one.
    """
    target = _target_of(linked)
    if target is None or target.type != "MESH":
        raise Unfit("it is no mesh object of this scene")
    _bring_uv_maps(linked.data, target.data)
    _bring_materials(linked, target)


def _make_local(library: bpy.types.Library, here: Mapping[tuple[str, str], bpy.types.ID]) -> None:
    """Let everything of a part that this scene's data use now be in this file: what the scene had itself all along
    takes the place of its like, and only what is new comes along.
    """
    new = {block for found in bpy.data.materials if (images := _images(found)) for block in (found, *images)}
    while needed := _needed_of(library):
        for block in needed:
            own = None if block in new else here.get((block.id_type, block.name))
            if own is not None:
                block.user_remap(own)
            else:
                block.make_local()


def _needed_of(library: bpy.types.Library) -> list[bpy.types.ID]:
    """What local data use of a library directly."""
    users = bpy.data.user_map()
    linked = [block for block in users if block.library == library]
    return [block for block in linked if any(user.library is None for user in users[block])]


def _is_at(library: bpy.types.Library, path: Path) -> bool:
    return Path(bpy.path.abspath(library.filepath)).resolve() == path.resolve()


def _textures(target: bpy.types.Object | None) -> list[str]:
    """Names of the images of ours that an object shows, which a new texture does not share with an older one."""
    slots = target.material_slots if target is not None else ()
    return [image.name for slot in slots for image in _images(slot.material)]


def _images(material: bpy.types.Material | None) -> list[bpy.types.Image]:
    """The image that a material of ours shows."""
    if material is None or not _is_ours(material):
        return []
    image = material.node_tree.nodes[TEXTURE_NODE].image
    return [] if image is None else [image]


def _is_ours(material: bpy.types.Material) -> bool:
    return material.node_tree is not None and TEXTURE_NODE in material.node_tree.nodes


def _bring_uv_maps(source: bpy.types.Mesh, target: bpy.types.Mesh) -> None:
    """Give ``target`` the UV maps that it lacks.

    Raises:
        Unfit: the meshes have other faces.
    """
    if len(source.loops) != len(target.loops) or len(source.polygons) != len(target.polygons):
        raise Unfit("its mesh was changed meanwhile")
    for made in source.uv_layers:
        if made.name in target.uv_layers:
            continue
        layer = target.uv_layers.new(name=made.name, do_init=False)
        if layer is None:
            raise Unfit("its mesh has no room for another UV map")
        coordinates = np.empty(2 * len(source.loops), dtype=np.float32)
        made.data.foreach_get("uv", coordinates)
        layer.data.foreach_set("uv", coordinates)
        layer.active, layer.active_render = made.active, made.active_render


def _bring_materials(source: bpy.types.Object, target: bpy.types.Object) -> None:
    """Let ``target`` have the materials of ``source``; what is replaced stays in the file."""
    while len(target.material_slots) < len(source.material_slots):
        target.data.materials.append(None)
    for given, slot in zip(source.material_slots, target.material_slots, strict=False):
        if given.material is None or not _is_ours(given.material):
            continue
        if slot.material is not None and not slot.material.library:
            slot.material.use_fake_user = True
        slot.link = given.link
        slot.material = given.material


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="blender -b SCENE.blend --python-exit-code 1 -P gather.py --")
    parser.add_argument("--parts", type=Path, required=True, metavar="DIR", help="the folder with the parts")
    parser.add_argument("--count", type=int, required=True, metavar="N", help="how many parts there must be")
    parser.add_argument("--output", type=Path, required=True, help="save the scene here")
    return parser


if __name__ == "__main__":
    command_line = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    if status := main(command_line):
        sys.exit(status)
