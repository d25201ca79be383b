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
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np

TEXTURE_NODE = "StyleTex Texture"
"""As in ``scene.material``, which a script that runs by itself cannot import."""


class Unfit(Exception):
    """A part that is not of this scene, as it is."""


def main(arguments: list[str]) -> int:
    """Do what the command line says; returns the exit status."""
    options = _parser().parse_args(arguments)
    parts = sorted(options.parts.glob("part-*.blend"))
    if len(parts) != options.count:
        print(f"Nothing was gathered: {len(parts)} of {options.count} parts are in {options.parts}", flush=True)
        return 1
    done: set[str] = set()
    failed = False
    for part in parts:
        for name, appended in _textured_objects(part):
            target = bpy.context.scene.objects.get(name)
            try:
                if target is None or target.type != "MESH":
                    raise Unfit("it is no mesh object of this scene")
                _bring_uv_maps(appended.data, target.data)
                _bring_materials(appended, target)
                done.add(name)
            except Unfit as error:
                failed = True
                print(f"{name} in {part.name}: {error}", flush=True)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(options.output.resolve()), copy=True)
    print(f"Gathered the textures of {len(done)} objects in {options.output}", flush=True)
    return 1 if failed else 0


def _textured_objects(part: Path) -> Iterator[tuple[str, bpy.types.Object]]:
    """Name and object of all that were textured in a part; what nothing uses of them after their turn is gone."""
    names = _names_of_textured(part)
    before = {block for blocks in _all_blocks() for block in blocks}
    with bpy.data.libraries.load(str(part), link=False) as (_, wanted):
        wanted.objects = list(names)
    yield from zip(names, wanted.objects, strict=True)
    bpy.data.batch_remove(set(bpy.data.objects) - before)
    for blocks in _all_blocks():
        for block in set(blocks) - before:
            block.use_fake_user = False
    bpy.data.orphans_purge(do_recursive=True)


def _names_of_textured(part: Path) -> list[str]:
    """Mesh objects that show other textures of ours in the part than in this scene."""
    libraries = set(bpy.data.libraries)
    # Linked, so that everything keeps its name.
    with bpy.data.libraries.load(str(part), link=True) as (there, wanted):
        wanted.objects = list(there.objects)
    found = []
    for linked in wanted.objects:
        if linked is not None and linked.type == "MESH" and (textures := _textures(linked)):
            target = bpy.context.scene.objects.get(linked.name)
            if target is None or _textures(target) != textures:
                found.append(linked.name)
    bpy.data.batch_remove(set(bpy.data.libraries) - libraries)
    return found


def _all_blocks() -> list[bpy.types.bpy_prop_collection]:
    collections = (
        getattr(bpy.data, entry.identifier) for entry in bpy.data.bl_rna.properties if entry.type == "COLLECTION"
    )
    return list(collections)


def _textures(target: bpy.types.Object) -> list[str]:
    """Names of the images of ours that an object shows, which a new texture does not share with an older one."""
    materials = [slot.material for slot in target.material_slots if slot.material is not None]
    images = [material.node_tree.nodes[TEXTURE_NODE].image for material in materials if _is_ours(material)]
    return [image.name for image in images if image is not None]


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
