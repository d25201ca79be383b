# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the bundled model within some minutes; whatever was interrupted goes on where it stopped.

    python -m core.training all --work build/training --minutes 9

casts the shapes, trains VAE, joint encoders and the denoiser, and writes the bundle, samples and curves into the work
folder. Begun again, it keeps what is finished and trains the denoiser further for what remains of the minutes.
``--start BUNDLE`` trains the denoiser of that bundle alone, from its weights on and at its resolution, and keeps its
other networks. ``--carry-out DIR`` also leaves there, in a few files of at most 15 MiB, what another machine needs to
go on (``--carry-in DIR``). pairs shows what is learnt from, export writes the bundle of a work folder. judge learns to
tell patterns on objects, which ``core.training.measure`` needs, in ten minutes on two cores whatever ``--minutes`` is.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

from ..commands.options import OptionParser


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


def main() -> None:
    """Run one command."""
    parser = OptionParser(prog="python -m core.training", description="Train the bundled model")
    parser.add_argument("what", choices=("all", "judge", "pairs", "samples", "curves", "export"))
    parser.add_argument("--work", type=Path, default=Path("build/training"))
    parser.add_argument("--minutes", type=float, default=9.0, help="of the whole run")
    parser.add_argument("--compile-networks", action="store_true", help="quicker steps after a minute of compiling")
    parser.add_argument("--start", type=Path, help="train the denoiser of this bundle further, and nothing else")
    parser.add_argument("--carry-in", type=Path, help="go on from what another run carried out")
    parser.add_argument("--carry-out", type=Path, help="leave there what another machine needs to go on")
    parser.add_argument("--output", type=Path, help="where the bundle goes; by default bundle/ in the work folder")
    arguments = parser.parse_args()
    if arguments.start is not None and not (arguments.start / "unet").is_dir():
        parser.error(f"--start is {arguments.start}, which holds no bundle; it must be a folder such as core/bundled")
    # The processes that cast the shapes begin by importing this file, and need nothing of these.
    from diffusers.utils import logging as diffusers_logging

    from .curves import draw_losses
    from .family_judge import learn_families
    from .loop import training_device
    from .run import Run, settings_for, settings_to_go_on
    from .travel import unpack

    warnings.filterwarnings("ignore", category=UserWarning)
    diffusers_logging.set_verbosity_error()
    work = arguments.work
    if arguments.what == "curves":
        draw_losses(work, work / "losses.png")
        return
    if arguments.what == "judge":
        share = learn_families(work / "judge", os.cpu_count() or 1)
        _say(f"recognises the family of {share:.0%} of the objects that it did not learn from")
        return
    if arguments.carry_in is not None and not unpack(arguments.carry_in, work):
        sys.exit(f"{arguments.carry_in} holds nothing to go on from")
    device = training_device()
    chosen = settings_for if arguments.start is None else settings_to_go_on
    settings = replace(chosen(device, arguments.minutes), compile_networks=arguments.compile_networks)
    run = Run(work, settings, device, _say, arguments.carry_out, arguments.start)
    if arguments.what == "pairs":
        run.pairs(work / "pairs.png")
        return
    if arguments.what == "all":
        run.train_all()
    if arguments.what in ("all", "samples"):
        run.samples(work / "samples.png")
    if arguments.what in ("all", "export"):
        run.export(arguments.output or work / "bundle")
    if arguments.what == "all":
        draw_losses(work, work / "losses.png")
        run.pairs(work / "pairs.png")
        for name in ("samples.png", "losses.png", "pairs.png", "measures.json"):
            if arguments.carry_out is not None:
                shutil.copy(work / name, arguments.carry_out)
    _say(f"done after {run.seconds():.0f} s")


if __name__ == "__main__":
    main()
