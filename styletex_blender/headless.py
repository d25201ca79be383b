# SPDX-License-Identifier: GPL-3.0-or-later
"""Textures objects without a window.

blender -b scene.blend --python-exit-code 1 -P styletex_blender/headless.py -- \
    --style IMAGE --prompt TEXT [--content TEXT] [--objects A B | --all] [--output out.blend]

Writes one line an object to standard output, and to standard error how far it is and what else is known of a failure.
The exit status is 0 when every object was textured, that of the first error otherwise (``core.job.EXIT_STATUS``), and
130 after Ctrl-C. The scene is saved only where --output says.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import signal
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import bpy

EXTENSION = "bl_ext.user_default.styletex"
PROGRESS_SECONDS = 5.0
"""Time between two lines about the same stage."""


def main(arguments: list[str]) -> int:
    """Do what the command line says; returns the exit status."""
    package = _package()
    job = importlib.import_module(f"{package}.core.job")
    options = _parser(job).parse_args(arguments)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        outcomes = _stylize(package, options)
    except job.JobError as error:
        print(f"Nothing was textured: {_explain(error)}", flush=True)
        return job.EXIT_STATUS[error.code]
    except KeyboardInterrupt:
        print("Cancelled", flush=True)
        return job.EXIT_STATUS["cancelled"]
    finally:
        importlib.import_module(f"{package}.styletex_blender.worker.warm_worker").close()
    if options.output and any(outcome.textured for outcome in outcomes):
        bpy.ops.wm.save_as_mainfile(filepath=str(options.output.resolve()), copy=True)
        print(f"Saved {options.output}", flush=True)
    elif not options.output:
        print("Not saved: no --output was given", flush=True)
    codes = [outcome.error.code for outcome in outcomes if outcome.error]
    return job.EXIT_STATUS[codes[0]] if codes else 0


def _stylize(package: str, options: argparse.Namespace) -> list[Any]:
    api = importlib.import_module(f"{package}.styletex_blender.api")
    settings_module = importlib.import_module(f"{package}.styletex_blender.settings")
    job = importlib.import_module(f"{package}.core.job")
    try:
        image = bpy.data.images.load(str(options.style.resolve()), check_existing=True)
    except RuntimeError as error:
        raise job.JobError("bad_image", f"The style image cannot be read: {options.style}") from error
    settings = settings_module.Settings(
        style_image=image.name,
        prompt=options.prompt,
        content=options.content,
        preset=options.preset,
        profile=options.profile,
        texture_size=options.size,
        tiles=options.tiles,
        seed=options.seed,
        content_removal=options.content_removal,
        tone=options.tone,
        style_strength=options.style_strength,
        detail=options.detail,
        stroke_size=options.stroke_size,
        shading=not options.no_shading,
        start_from_present=options.restyle is not None,
        restyle_strength=settings_module.Settings.restyle_strength if options.restyle is None else options.restyle,
        device=options.device,
        destination=options.image,
    )
    return api.stylize(_objects(options, job.JobError), settings, watch=_Teller()).outcomes


def _objects(options: argparse.Namespace, error: type[Exception]) -> list[bpy.types.Object]:
    """The objects that were named, or all visible meshes, or the active object."""
    view_layer = bpy.context.view_layer
    if options.all:
        return [found for found in view_layer.objects if found.type == "MESH" and found.visible_get()]
    if options.objects:
        unknown = [name for name in options.objects if name not in view_layer.objects]
        if unknown:
            meshes = ", ".join(found.name for found in view_layer.objects if found.type == "MESH")
            raise error("bad_request", f"There is no object {', '.join(unknown)}; the meshes are {meshes or 'none'}")
        return [view_layer.objects[name] for name in options.objects]
    active = view_layer.objects.active
    return [active] if active is not None else []


class _Teller:
    """Tells on standard error how a run goes, and on standard output how each object came out."""

    def __init__(self) -> None:
        self._told = 0
        self._stage = ""
        self._next = 0.0

    def __call__(self, run: Any) -> None:
        for outcome in run.outcomes[self._told :]:
            _print_outcome(outcome)
            self._told += 1
        if run.finished or not run.tasks:
            return
        now, stage = time.monotonic(), f"{run.task.object_name}: {run.stage}"
        if stage != self._stage or now >= self._next:
            self._stage, self._next = stage, now + PROGRESS_SECONDS
            step = f" {run.step} of {run.steps}" if run.steps else ""
            left = f", {run.seconds_left:.0f} s left" if run.seconds_left is not None else ""
            print(f"{stage}{step}{left}", file=sys.stderr, flush=True)


def _print_outcome(outcome: Any) -> None:
    if outcome.error:
        text = _explain(outcome.error)
        if outcome.error.detail:
            print(outcome.error.detail, file=sys.stderr, flush=True)
    elif outcome.cancelled:
        text = "cancelled"
    else:
        text = f"textured in {outcome.seconds:.0f} s → {outcome.image} ({outcome.place})"
    print(f"{outcome.object_name}: {text}", flush=True)


def _explain(error: Any) -> str:
    return f"{error.message}. {error.hint}" if error.hint else error.message


def _package() -> str:
    """Name of the package this file belongs to, registered so that its settings exist in the scene.

    A checkout is given the name ``styletex``; a file in the installed extension uses the extension.
    """
    root = Path(__file__).resolve().parents[1]
    installed = importlib.util.find_spec(EXTENSION) if "bl_ext" in sys.modules else None
    if installed is not None and installed.origin and Path(installed.origin).resolve().parent == root:
        if EXTENSION not in bpy.context.preferences.addons:
            bpy.ops.preferences.addon_enable(module=EXTENSION)
        return EXTENSION
    if "styletex" not in sys.modules:
        _load_checkout(root).register()
    return "styletex"


def _load_checkout(root: Path) -> ModuleType:
    package = ModuleType("styletex")
    package.__path__ = [str(root)]
    sys.modules["styletex"] = package
    return importlib.import_module("styletex.styletex_blender")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Argparse's own, on standard output as well: Blender's standard error is full of other things."""
        print(f"Nothing was textured: {message}", flush=True)
        super().error(message)


def _parser(job: ModuleType) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="blender -b SCENE.blend --python-exit-code 1 -P headless.py --",
        description="Texture objects in the style of an image.",
    )
    parser.add_argument("--style", type=Path, required=True, help="the style image")
    parser.add_argument("--prompt", required=True, help="what the object is, in a few words")
    parser.add_argument("--content", default="", help="what the style image shows, to keep it out of the texture")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--objects", nargs="+", metavar="NAME", help="mesh objects (default: the active object)")
    which.add_argument("--all", action="store_true", help="all visible mesh objects of the view layer")
    parser.add_argument("--preset", choices=job.PRESETS, default="balanced", help="how long to optimise")
    parser.add_argument("--profile", choices=job.PROFILES, default="bundled", help="which diffusion model")
    parser.add_argument("--size", type=int, choices=job.TEXTURE_SIZES, default=1024, help="side of the texture")
    parser.add_argument("--tiles", choices=job.UV_TILES, default="auto", help="images of UV tiles, as UDIM or one")
    parser.add_argument("--seed", type=int, default=0, help="makes a run repeatable")
    parser.add_argument("--content-removal", type=float, default=1.0, help="how much content is removed, 0 to 1")
    parser.add_argument("--tone", type=float, help="weight of the style statistics (default: the model's own)")
    parser.add_argument("--style-strength", type=float, default=1.0, help="how strongly the style is laid on, 0 to 2")
    parser.add_argument(
        "--detail", type=float, help="the picture's own detail: 0.5 its fine strokes, 1 all (default: the preset's own)"
    )
    parser.add_argument(
        "--stroke-size", type=float, help="how much of the object the picture covers (default: its pixels are texels)"
    )
    parser.add_argument(
        "--restyle", type=float, metavar="S", help="start from the present colour: 0 keeps it, 1 forgets it"
    )
    parser.add_argument("--no-shading", action="store_true", help="show the model the base colour without light")
    parser.add_argument("--device", choices=job.DEVICES, default="auto", help="where to compute")
    parser.add_argument("--image", choices=("packed", "beside"), default="packed", help="where the texture goes")
    parser.add_argument("--output", type=Path, help="save the scene here; nothing is saved without it")
    return parser


if __name__ == "__main__":
    command_line = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    if status := main(command_line):
        sys.exit(status)
