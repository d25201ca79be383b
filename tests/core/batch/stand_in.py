# SPDX-License-Identifier: GPL-3.0-or-later
"""The real ``core`` with a stand-in for the work on one item, which takes a known time and needs no PyTorch.

python tests/core/batch/stand_in.py STEPS SECONDS ARGUMENT...

An item has ``STEPS`` steps of ``SECONDS``, each with a checkpoint; its texture follows from its mesh, its style and its
options alone, or from the files of its job folder where Blender made it. Workers on a Ray cluster take both from the
environment variable ``STAND_IN``. A mesh that holds the word "deadly" ends the process; an object that is called
"Refused" fails.
"""

from __future__ import annotations

import functools
import hashlib
import os
import random
import sys
import time
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from PIL import Image

from core.batch import make, on_ray
from core.batch.exported import require_files
from core.batch.inputs import content_hash, files_of
from core.batch.manifest import is_exported
from core.command_line import main
from core.commands.output_folder import MODEL_FILE
from core.commands.stylize import job_of
from core.job import CHECKPOINT_FILE, PREVIEW_FILE, TEXTURE_FILE, JobError, read_job
from core.reporting import Cancelled
from core.storage.whole_file import whole_file


def worker(steps: int, seconds: float) -> make.Make:
    """What makes stand-ins for results."""

    def work(options, output, reporter) -> None:
        if is_exported(options):
            require_files(options)
            job = read_job(options.job.parent)
            name, settings = job.object_name, (asdict(job),)
        else:
            job_of(options)
            name, settings = options.mesh.stem, (options.prompt, options.size, options.seed)
            if b"\nv " not in options.mesh.read_bytes():
                raise JobError("bad_mesh", f"The mesh {options.mesh.name} is no stand-in for a mesh")
        make.require_space(options, output.path)
        if name == "Refused":
            raise JobError("bad_mesh", "The object is called Refused", "Rename it.")
        if b"deadly" in options.mesh.read_bytes():
            os._exit(9)
        checkpoint = output.job / CHECKPOINT_FILE
        begun = time.monotonic()

        def wait_until(step: float) -> None:
            """Whatever its own work takes is in the known time."""
            time.sleep(max(0.0, begun + (step - resumed_at) * seconds - time.monotonic()))

        done = resumed_at = int(checkpoint.read_bytes()) if checkpoint.exists() else 0
        reporter.stage("optimise", "Pretending")
        print(f"stage optimise of {name}", file=sys.stderr, flush=True)
        while done < steps and not reporter.should_finish():
            if reporter.should_cancel():
                raise Cancelled
            # The last half of a step is for baking.
            wait_until(done + 0.5)
            done += 1
            with whole_file(checkpoint) as file:
                file.write(b"%d" % done)
            reporter.progress(done, steps, (steps - done) * seconds)
        reporter.stage("bake", "Pretending to bake")
        asked = [content_hash(path) for _, path in sorted(files_of(options).items())], *settings
        digest = hashlib.sha256(repr(asked).encode()).hexdigest()
        files = [output.job / name for name in (TEXTURE_FILE, PREVIEW_FILE, MODEL_FILE)]
        noise = random.Random(digest).randbytes(3 * options.size**2)
        Image.frombytes("RGB", (options.size, options.size), noise).save(files[0])
        Image.new("RGB", (200, 100), f"#{digest[:6]}").save(files[1])
        files[2].write_bytes(digest.encode())
        wait_until(done)
        output.put(files[:1], files[1:], {"resumed_at": resumed_at, "seconds": {"optimise": steps}}, reporter)

    return work


def on_a_cluster() -> make.Make:
    """The same for a worker of a Ray cluster."""
    steps, seconds = os.environ["STAND_IN"].split()
    return worker(int(steps), float(seconds))


if __name__ == "__main__":
    os.environ["STAND_IN"] = " ".join(sys.argv[1:3])
    make.stylizer = on_a_cluster
    on_ray.Farm = functools.partial(on_ray.Farm, stylizer="tests.core.batch.stand_in:on_a_cluster")
    sys.exit(main(sys.argv[3:]))
