# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a textured scene from all sides, with the style image beside them, and its texture as a file.

Run inside Blender: ``blender -b X.blend -P render.py -- --style S.png --texture T.png --render R.png``.
The scene file is left as it is.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from pathlib import Path

import bpy
import numpy as np
from mathutils import Euler, Vector

VIEWS = ((-20.0, 12.0), (70.0, 12.0), (160.0, 12.0), (-110.0, 12.0), (-20.0, 65.0), (-20.0, -55.0))
"""Azimuth (0 is the front, 90 the object's left) and elevation in degrees: front, left, back, right, above, below."""
COLUMNS = 3
"""Views in a row."""
SIDE = 440
"""Of a view in pixels; the style image has the same height and width at most."""
GAP = 16
"""Pixels between the pictures."""
BACKGROUND = 0.93
"""Grey behind everything, sRGB-encoded."""
FILLED = 0.97
"""Share of a view's width that the object may take."""
SAMPLES = 32
"""Cycles samples a pixel."""


def save_texture(path: Path) -> None:
    """Write the image behind the first textured object's base colour to ``path``.

    Raises:
        LookupError: no object in the scene has an image on its base colour.
    """
    for material in _materials():
        for link in material.node_tree.links:
            if link.to_socket.name == "Base Color" and link.from_node.type == "TEX_IMAGE":
                image = link.from_node.image
                _write(path, _read(image))
                return
    raise LookupError("no material in the scene has an image on its base colour")


def _materials() -> list[bpy.types.Material]:
    slots = [slot for item in bpy.context.scene.objects if item.type == "MESH" for slot in item.material_slots]
    return [slot.material for slot in slots if slot.material and slot.material.node_tree]


def prepare() -> bpy.types.Object:
    """Set up Cycles, a light that shows base colours as they are, and a camera; returns the camera."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = SAMPLES
    scene.cycles.use_denoising = False
    scene.cycles.max_bounces = 0  # light from the surroundings alone, dimmed only where the object hides them
    scene.render.film_transparent = True
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.view_settings.view_transform = "Standard"
    scene.view_settings.look = "None"
    for material in _materials():
        for node in material.node_tree.nodes:
            if node.type == "BSDF_PRINCIPLED":
                node.inputs["Specular IOR Level"].default_value = 0.0

    world = bpy.data.worlds.new("Demo")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (1.0, 1.0, 1.0, 1.0)
    world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0.8
    scene.world = world

    camera = bpy.data.objects.new("Demo", bpy.data.cameras.new("Demo"))
    camera.data.angle = math.radians(30.0)
    scene.collection.objects.link(camera)
    scene.camera = camera

    # A little light from the upper left of each view shows the shape; surfaces that face it stay below white.
    sun = bpy.data.objects.new("Demo sun", bpy.data.lights.new("Demo sun", "SUN"))
    sun.data.energy = 0.75
    sun.data.angle = math.radians(20.0)
    sun.parent = camera
    sun.rotation_euler = (math.radians(-35.0), math.radians(-35.0), 0.0)
    scene.collection.objects.link(sun)
    return camera


def _points() -> np.ndarray:
    """[N, 3] world positions of the vertices of all mesh objects, modifiers included."""
    graph = bpy.context.evaluated_depsgraph_get()
    points = []
    for item in bpy.context.scene.objects:
        if item.type == "MESH":
            mesh = item.evaluated_get(graph).data
            local = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
            mesh.vertices.foreach_get("co", local)
            matrix = np.array(item.matrix_world)
            points.append(local.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3])
    return np.concatenate(points)


def render_view(camera: bpy.types.Object, azimuth: float, elevation: float, size: int) -> np.ndarray:
    """One view that holds the whole object, as [size, size, 3] floats in [0, 1], sRGB-encoded, row 0 at the top."""
    points = _points()
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    camera.rotation_euler = Euler((math.radians(90.0 - elevation), 0.0, math.radians(azimuth)))
    axes = np.array(camera.rotation_euler.to_matrix())
    seen = (points - centre) @ axes
    # In the middle of what is seen from here, which is not the middle of the object.
    across = (seen.min(axis=0) + seen.max(axis=0)) / 2 * (1.0, 1.0, 0.0)
    centre, seen = centre + axes @ across, seen - across
    slope = FILLED * math.tan(camera.data.angle / 2)
    distance = float((seen[:, 2] + np.abs(seen[:, :2]).max(axis=1) / slope).max())
    camera.location = Vector(centre + distance * axes[:, 2])
    render = bpy.context.scene.render
    render.resolution_x = render.resolution_y = size
    render.resolution_percentage = 100
    with tempfile.TemporaryDirectory() as folder:
        render.filepath = str(Path(folder) / "view.png")
        bpy.ops.render.render(write_still=True)
        image = bpy.data.images.load(render.filepath)
        pixels = _read(image)
        bpy.data.images.remove(image)
    alpha = pixels[..., 3:]
    return pixels[..., :3] * alpha + BACKGROUND * (1 - alpha)


def style_panel(path: Path, size: int) -> np.ndarray:
    """The style image, fitted into [size, size, 3] with its proportions kept."""
    image = bpy.data.images.load(str(path.resolve()))
    width, height = image.size
    scale = size / max(width, height)
    image.scale(max(1, round(width * scale)), max(1, round(height * scale)))
    pixels = _read(image)
    bpy.data.images.remove(image)
    panel = np.full((size, size, 3), BACKGROUND, dtype=np.float32)
    top, left = (size - pixels.shape[0]) // 2, (size - pixels.shape[1]) // 2
    panel[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels[..., :3]
    return panel


def compose(style: np.ndarray, views: list[np.ndarray]) -> np.ndarray:
    """The style image on the left, as high as it may be, and the views in rows beside it, all of one size."""
    rows = -(-len(views) // COLUMNS)
    height, step = rows * SIDE + (rows + 1) * GAP, SIDE + GAP
    picture = np.full((height, (COLUMNS + 1) * step + GAP, 3), BACKGROUND, dtype=np.float32)

    def paste(tile: np.ndarray, top: int, left: int) -> None:
        picture[top : top + tile.shape[0], left : left + tile.shape[1]] = tile

    paste(style, (height - style.shape[0]) // 2, GAP)
    for index, tile in enumerate(views):
        row, column = divmod(index, COLUMNS)
        paste(tile, GAP + row * step, GAP + (column + 1) * step)
    return picture


def _read(image: bpy.types.Image) -> np.ndarray:
    """[H, W, 4] floats in [0, 1] as they are in the file, row 0 at the top."""
    width, height = image.size
    pixels = np.empty(width * height * 4, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(height, width, 4)[::-1]


def _write(path: Path, pixels: np.ndarray) -> None:
    """Save [H, W, 3 or 4] floats in [0, 1] as a PNG, the values as they are."""
    height, width = pixels.shape[:2]
    opaque = np.ones((height, width, 4), dtype=np.float32)
    opaque[..., :3] = pixels[..., :3]
    image = bpy.data.images.new(path.name, width, height)
    image.pixels.foreach_set(np.ascontiguousarray(opaque[::-1]).ravel())
    image.file_format = "PNG"
    image.save(filepath=str(path.resolve()))
    bpy.data.images.remove(image)


def main(arguments: list[str]) -> None:
    """Write ``--texture`` and ``--render`` of the open scene."""
    parser = argparse.ArgumentParser(prog="render.py")
    for name in ("--style", "--texture", "--render"):
        parser.add_argument(name, type=Path, required=True)
    options = parser.parse_args(arguments)
    save_texture(options.texture)
    camera = prepare()
    views = [render_view(camera, *view, SIDE) for view in VIEWS]
    _write(options.render, compose(style_panel(options.style, SIDE), views))


if __name__ == "__main__":
    main(sys.argv[sys.argv.index("--") + 1 :])
