# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files for farms name is there, and they agree on versions."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.batch.on_ray import REQUIREMENT
from tests.farm.container import CONTAINERFILE, instructions

ROOT = Path(__file__).resolve().parents[2]


def test_the_container_takes_what_is_there_and_the_version_of_ray_that_the_command_names():
    found = instructions(CONTAINERFILE.read_text(encoding="utf-8"))
    assert ("ARG", f"RAY={REQUIREMENT}") in found
    sources = [source for name, rest in found if name == "COPY" for source in rest.split()[:-1]]
    assert {"core", "vendor_install"} <= set(sources)
    assert all((ROOT / source).exists() for source in sources)
    assert json.loads(dict(found)["ENTRYPOINT"])[1:] == ["-m", "core"]
    assert f"pip install {REQUIREMENT}" in (ROOT / "docs" / "farm.md").read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("bash") is None or os.name == "nt", reason="needs bash")
def test_the_array_job_gives_the_command_with_its_two_arguments(tmp_path):
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    python.chmod(0o755)
    done = subprocess.run(
        ["bash", ROOT / "farm" / "slurm" / "batch.sh", "all props.toml", "out"],
        env={**os.environ, "STYLETEX_PYTHON": str(python)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == ["-m", "core", "batch", "all props.toml", "--output", "out"]
