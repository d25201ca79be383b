# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``headless``."""

from __future__ import annotations

import argparse
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from ..core.commands.options import OptionParser, in_words, path_and_weight


class _Parser(OptionParser):
    def error(self, message: str) -> NoReturn:
        """On standard output as well: Blender's standard error is full of other things."""
        print(f"Nothing was textured: {in_words(message)}", flush=True)
        super().error(message)


def parser(job: ModuleType) -> argparse.ArgumentParser:
    """What reads them; ``job`` is ``core.job``."""
    options = _Parser(
        prog="blender -b SCENE.blend --python-exit-code 1 -P headless.py --",
        description="Texture objects in the style of an image.",
    )
    what = options.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--style",
        type=path_and_weight(job.STYLE_WEIGHTS),
        action="append",
        metavar="FILE[:WEIGHT]",
        help="the style image; given several times, the styles are blended by their weights (1)",
    )
    what.add_argument("--collect", action="store_true", help="put textures on the objects that a farm has finished")
    options.add_argument(
        "--farm", metavar="ADDRESS", help="let a farm do it: local, a Ray cluster's HOST:PORT, or a folder"
    )
    words = options.add_mutually_exclusive_group()
    words.add_argument(
        "--prompt", default="", help="what the object is, in a few words; the bundled model can do without"
    )
    words.add_argument("--prompt-from-name", action="store_true", help="each object's name says what it is")
    options.add_argument("--content", default="", help="what the style image shows, to keep it out of the texture")
    which = options.add_mutually_exclusive_group()
    which.add_argument("--objects", nargs="+", metavar="NAME", help="mesh objects (default: the active object)")
    which.add_argument("--collection", metavar="NAME", help="all visible mesh objects of a collection")
    which.add_argument("--all", action="store_true", help="all visible mesh objects of the view layer")
    options.add_argument("--preset", choices=job.PRESETS, default="balanced", help="how long to optimise")
    options.add_argument("--profile", choices=job.PROFILES, default="bundled", help="which diffusion model")
    options.add_argument("--model", type=Path, metavar="PATH", help="another checkpoint of the profile's family")
    options.add_argument(
        "--lora",
        type=path_and_weight(job.LORA_WEIGHTS),
        action="append",
        default=[],
        metavar="FILE[:WEIGHT]",
        help="change the model by a LoRA (weight 1); may be given several times",
    )
    options.add_argument("--vae", type=Path, metavar="PATH", help="another VAE: a .safetensors file or its folder")
    options.add_argument("--size", type=int, choices=job.TEXTURE_SIZES, default=1024, help="side of the texture")
    options.add_argument("--tiles", choices=job.UV_TILES, default="auto", help="images of UV tiles, as UDIM or one")
    options.add_argument("--seed", type=int, default=0, help="makes a run repeatable")
    options.add_argument(
        "--variations",
        type=int,
        default=1,
        metavar="N",
        help="make N textures of each object, each with the next seed: the first is put on it, all are in its history",
    )
    options.add_argument("--content-removal", type=float, default=1.0, help="how much content is removed, 0 to 1")
    options.add_argument("--tone", type=float, help="weight of the style statistics (default: the model's own)")
    options.add_argument("--style-strength", type=float, default=1.0, help="how strongly the style is laid on, 0 to 2")
    options.add_argument(
        "--detail", type=float, help="the picture's own detail: 0.5 its fine strokes, 1 all (default: the preset's own)"
    )
    options.add_argument(
        "--stroke-size", type=float, help="how much of the object the picture covers (default: its pixels are texels)"
    )
    options.add_argument(
        "--restyle", type=float, metavar="S", help="start from the present colour: 0 keeps it, 1 forgets it"
    )
    only = options.add_mutually_exclusive_group()
    only.add_argument("--only-faces", action="store_true", help="texture the faces that are selected alone")
    only.add_argument("--only-slot", type=int, metavar="N", help="texture the faces of a material slot, from 1, alone")
    only.add_argument("--only-group", metavar="NAME", help="texture a vertex group alone")
    only.add_argument("--only-mask", metavar="NAME", help="texture where an image of the scene, on the UVs, is white")
    options.add_argument(
        "--only-border", type=float, default=0.02, metavar="S", help="soft border inside, as a share of the object"
    )
    options.add_argument("--no-shading", action="store_true", help="show the model the base colour without light")
    options.add_argument("--device", choices=job.DEVICES, default="auto", help="where to compute")
    options.add_argument("--image", choices=("packed", "beside"), default="packed", help="where the texture goes")
    options.add_argument(
        "--material",
        choices=("keep", "new"),
        default="keep",
        help="put the texture into copies of the materials, or into a new one",
    )
    options.add_argument(
        "--relief", type=float, default=0.0, help="made up from the texture's brightness, 0 to 1 (default: none)"
    )
    options.add_argument("--output", type=Path, help="save the scene here; nothing is saved without it")
    return options
