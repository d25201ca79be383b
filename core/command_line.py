# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core stylize | batch | download | models | suggest | worker | evaluate | rehearse | bench``.

Imports nothing heavy, so that help and errors come at once.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from .commands.options import OptionParser, in_words, path_and_weight, whole_number
from .failure import as_job_error
from .job import (
    DEVICES,
    EXIT_STATUS,
    LORA_WEIGHTS,
    PRESETS,
    PROFILES,
    STYLE_WEIGHTS,
    TEXTURE_SIZES,
    UV_TILES,
    JobError,
)
from .reporting import Cancelled

WORKSHOP = ("evaluation", "rehearsal", "bench")
"""Packages with a command of their own that are in a checkout, but not in the extension."""
_BATCH = """\
Texture many meshes; each result is a folder of the mesh's name in DIR. The same command goes on where the last one
stopped: what is finished is not made again, what failed is tried again. Several commands may work on one DIR at once.
When items failed the exit status is 10 more than their number, and 100 from 90 on.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command.

    Args:
        arguments: of the command line, without the program's name; ``None`` takes this process's.

    Returns:
        Exit status: 0, or that of the error in ``core.job.EXIT_STATUS``. An error is one line on standard error, and
        one more with the way out.
    """
    # Waiting threads must sleep: where others (the rasteriser, Blender) want the cores too, spinning stops them all. It
    # takes a sixth off a draft on free cores, but beside one busy process 50 microseconds of it take twice the time.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # It complains, when imported, of optional packages that nothing here uses.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except (Cancelled, KeyboardInterrupt):
        print("Cancelled.", file=sys.stderr)
        return EXIT_STATUS["cancelled"]
    except Exception as error:
        failure = as_job_error(error)
        _print_error(failure)
        return EXIT_STATUS[failure.code]


def _parser() -> argparse.ArgumentParser:
    parser = OptionParser(prog="python -m core", description="StyleTex: textures in the style of a picture")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    stylize = subparsers.add_parser("stylize", help="texture one mesh", description="Texture one mesh.")
    _add_stylize_arguments(stylize)
    stylize.set_defaults(run=_stylize)

    batch = subparsers.add_parser("batch", help="texture many meshes", description=_BATCH)
    batch.add_argument(
        "manifest",
        type=Path,
        metavar="MANIFEST",
        help="a .toml file, JSON lines, or a folder of meshes or of jobs from Blender",
    )
    batch.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the results")
    batch.add_argument("--models", type=Path, metavar="DIR", help="folder with the model's files")
    batch.add_argument(
        "--ray", metavar="ADDRESS", help='let a Ray cluster do it: its address, "auto", or "local" for this machine'
    )
    batch.add_argument(
        "--workers", type=int, metavar="N", help="on the cluster (one to each graphics card, or else to each core)"
    )
    batch.add_argument(
        "--in-turn", action="store_true", help="wait until other commands on DIR that were given this have ended"
    )
    for_all = batch.add_argument_group("for all meshes that the manifest says nothing else of")
    _add_job_options(for_all, required=False)
    # What is not given must not hide what the manifest says.
    batch.set_defaults(**dict.fromkeys(_job_option_names()), run=_batch)

    download = subparsers.add_parser("download", help="fetch a model", description="Fetch the files of a model.")
    download.add_argument("--profile", choices=PROFILES, default="sd15", help="which model (sd15)")
    download.add_argument("--models", type=Path, metavar="DIR", help="folder to look in first, and to download to")
    download.add_argument("--yes", action="store_true", help="accept the licences, and do not ask before the transfer")
    download.add_argument("--json-events", action="store_true", help=argparse.SUPPRESS)
    download.set_defaults(run=_download)

    models = subparsers.add_parser("models", help="list the models", description="List the models that can be used.")
    models.add_argument("--models", type=Path, metavar="DIR", help="folder to look in first, of any layout")
    models.add_argument("--json-events", action="store_true", help=argparse.SUPPRESS)
    models.set_defaults(run=_models)

    suggest = subparsers.add_parser(
        "suggest", help="name what a picture shows", description="Words for what a picture shows, for --content."
    )
    suggest.add_argument("--style", type=Path, required=True, metavar="IMAGE", help="the picture")
    suggest.add_argument("--profile", choices=PROFILES, default="bundled", help="whose encoders (bundled)")
    suggest.add_argument("--models", type=Path, metavar="DIR", help="folder with the model's files")
    suggest.add_argument("--count", type=whole_number(1, 50), default=5, metavar="N", help="how many words (5)")
    suggest.add_argument("--json-events", action="store_true", help=argparse.SUPPRESS)
    suggest.set_defaults(run=_suggest)

    worker = subparsers.add_parser("worker", help="do jobs for Blender", description="Do jobs for Blender.")
    worker.add_argument("--idle-minutes", type=float, metavar="N", help="leave after so long without a job")
    worker.add_argument("--models", type=Path, metavar="DIR", help="folder with the models' files")
    worker.set_defaults(run=_worker)

    for name in WORKSHOP:
        if importlib.util.find_spec(f"{__package__}.{name}") is not None:
            importlib.import_module(f"{__package__}.{name}.command_line").add_parser(subparsers)
    return parser


def _add_stylize_arguments(stylize: argparse.ArgumentParser) -> None:
    stylize.add_argument("mesh", type=Path, metavar="MESH", help="an .obj, .glb, .gltf or .ply file")
    _add_job_options(stylize, required=True)
    stylize.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the results")
    stylize.add_argument(
        "--force", action="store_true", help="replace files in DIR that have the results' names, also other people's"
    )
    stylize.add_argument("--models", type=Path, metavar="DIR", help="folder with the model's files")


def _add_job_options(stylize: argparse._ActionsContainer, required: bool) -> None:
    """Options that say how a mesh is textured; ``required``: whether there must be a style and a prompt."""
    stylize.add_argument(
        "--style",
        type=path_and_weight(STYLE_WEIGHTS),
        action=_Style,
        required=required,
        metavar="IMAGE[:WEIGHT]",
        help="the picture whose style to take; several are blended by their weights (1)",
    )
    stylize.set_defaults(style_weight=1.0, more_styles=[])
    stylize.add_argument("--prompt", required=required, metavar="TEXT", help='what the mesh is ("a wooden chest")')
    stylize.add_argument(
        "--content", default="", metavar="TEXT", help='what the picture shows ("a face"), to leave out'
    )
    stylize.add_argument("--preset", choices=PRESETS, default="balanced", help="how long to optimise (balanced)")
    stylize.add_argument("--profile", choices=PROFILES, help="which model (bundled, or the family of --model)")
    stylize.add_argument(
        "--model", type=Path, metavar="PATH", help="another checkpoint: a .safetensors file or a diffusers folder"
    )
    stylize.add_argument(
        "--lora",
        type=path_and_weight(LORA_WEIGHTS),
        action="append",
        default=[],
        metavar="FILE[:WEIGHT]",
        help="change the model by a LoRA (.safetensors; weight 1); may be given several times",
    )
    stylize.add_argument("--vae", type=Path, metavar="PATH", help="another VAE: a .safetensors file or its folder")
    stylize.add_argument(
        "--size", type=int, choices=TEXTURE_SIZES, default=1024, help="side of the texture in texels (1024)"
    )
    stylize.add_argument("--tiles", choices=UV_TILES, default="auto", help="images of UV tiles, as UDIM or one (auto)")
    stylize.add_argument("--seed", type=int, default=0, help="makes a run repeatable (0)")
    stylize.add_argument("--content-removal", type=float, default=1.0, metavar="S", help="strength from 0 to 1 (1)")
    stylize.add_argument("--tone", type=float, metavar="W", help="weight of the style's colours and strokes, 0 or more")
    stylize.add_argument(
        "--style-strength", type=float, default=1.0, metavar="S", help="how strongly the style is laid on, 0 to 2 (1)"
    )
    stylize.add_argument(
        "--detail",
        type=float,
        metavar="S",
        help="the picture's own detail: 0 none, 0.5 its fine strokes, 1 its colours too (the preset's own)",
    )
    stylize.add_argument(
        "--stroke-size",
        type=float,
        metavar="S",
        help="how much of the object the picture's shorter side covers (such that its pixels meet the texels)",
    )
    stylize.add_argument(
        "--base-color",
        type=Path,
        metavar="IMAGE",
        help="start from this texture of the mesh, and keep its layout",
    )
    stylize.add_argument(
        "--restyle", type=float, metavar="S", help="how far to go from it: 0 keeps it, 1 forgets it (0.5)"
    )
    stylize.add_argument(
        "--only-mask",
        type=Path,
        metavar="IMAGE",
        help="stylize only where this picture on the mesh's UVs is white; elsewhere --base-color stays as it is",
    )
    stylize.add_argument(
        "--only-border",
        type=float,
        default=0.02,
        metavar="S",
        help="width of the soft border inside of it, as a share of the mesh's largest side (0.02)",
    )
    stylize.add_argument("--no-shading", action="store_true", help="show the model the base colour without light")
    stylize.add_argument("--device", choices=DEVICES, default="auto", help="where to compute (auto)")


def _job_option_names() -> list[str]:
    """As ``argparse`` names them."""
    parser = OptionParser(add_help=False)
    _add_job_options(parser, required=False)
    return list(vars(parser.parse_args([])))


class _ItemParser(OptionParser):
    """Reads the arguments of ``core stylize`` from elsewhere than the command line."""

    def error(self, message: str) -> NoReturn:
        """Raise ``JobError``."""
        raise JobError("bad_setting", in_words(message), "`python -m core stylize --help` shows what there is.")


class _Style(argparse.Action):
    """The first picture is ``style`` with its ``style_weight``; further ones are ``more_styles``, in pairs."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: Any = None
    ) -> None:
        path, weight = values
        if namespace.style is not None:
            namespace.more_styles = [*(namespace.more_styles or []), values]
            return
        namespace.style = path
        if weight != 1.0:
            namespace.style_weight = weight


def _share_cores() -> None:
    """Let each of the two threads that compute at a time (``optimisation.model_gradient``) have half of the cores, in
    place of all of them twice. Before PyTorch is loaded; whoever sets the variable knows better.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // 2)))


def _stylize(options: argparse.Namespace) -> int:
    _share_cores()
    from .commands.stylize import run

    return run(options)


def _batch(options: argparse.Namespace) -> int:
    _share_cores()
    from .batch.command import run

    parser = _ItemParser(prog="core stylize", add_help=False, allow_abbrev=False)
    _add_stylize_arguments(parser)
    given = {name: value for name in _job_option_names() if (value := getattr(options, name)) is not None}
    return run(options, given, parser.parse_args)


def _download(options: argparse.Namespace) -> int:
    from .commands.download import run

    return run(options)


def _models(options: argparse.Namespace) -> int:
    from .commands.models import run

    return run(options)


def _suggest(options: argparse.Namespace) -> int:
    from .commands.suggest import run

    return run(options)


def _worker(options: argparse.Namespace) -> int:
    _share_cores()
    from .worker.worker import IDLE_MINUTES, load_engine, main as serve

    idle_minutes = IDLE_MINUTES if options.idle_minutes is None else options.idle_minutes
    return serve(idle_minutes, partial(load_engine, options.models))


def _print_error(error: JobError) -> None:
    red, plain = ("\033[31m", "\033[0m") if sys.stderr.isatty() and "NO_COLOR" not in os.environ else ("", "")
    print(f"{red}Error: {error.message}{plain}", file=sys.stderr)
    if error.hint:
        print(error.hint, file=sys.stderr)
    if error.detail and error.code == "internal":
        print(error.detail, file=sys.stderr)
