# SPDX-License-Identifier: GPL-3.0-or-later
"""The real ``core`` with fewer steps than a preset has, for measures of what is around them.

    python tests/farm/few_steps.py ARGUMENT...

takes how many from the environment variable ``STYLETEX_STEPS``, as workers on a Ray cluster do, and leaves out the
sample that runs begin with and the strokes that they end with; 0 leaves the preset as it is.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from core.batch import make, on_ray
from core.command_line import main

STYLIZER = "tests.farm.few_steps:stylizer"


def shorten() -> None:
    """Let every job of this process have so many steps."""
    steps = int(os.environ.get("STYLETEX_STEPS", "0"))
    if not steps:
        return
    from core import stylize
    from core.detail.settings import DetailSettings

    real = stylize.job_settings

    def shorter(*given):
        return dataclasses.replace(real(*given), steps=steps, warm_start=None, detail=DetailSettings(strength=0.0))

    stylize.job_settings = shorter


def stylizer() -> make.Make:
    """What a worker on a Ray cluster makes textures with."""
    shorten()
    return make.stylizer()


if __name__ == "__main__":
    on_ray.Farm = functools.partial(on_ray.Farm, stylizer=STYLIZER)
    if sys.argv[1] == "worker" or "--ray" not in sys.argv:
        shorten()
    sys.exit(main(sys.argv[1:]))
