# SPDX-License-Identifier: GPL-3.0-or-later
"""Files damaged at random are read or refused in words: no crash, no hang, no traceback, and within bounded memory.

``STYLETEX_FUZZ=10000`` tries so many of each kind, and ``STYLETEX_FUZZ_SEED`` others than the first ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.inputs.mutations import CASES

ROOT = Path(__file__).resolve().parents[3]
COUNT = os.environ.get("STYLETEX_FUZZ")
SEED = int(os.environ.get("STYLETEX_FUZZ_SEED", "0"))
USUAL_COUNT, COUNTS = 1000, {"obj": 250, "ply": 250, "gltf bytes": 250, "gltf structure": 250}
"""Where nobody says how many."""
SLOWER = {"model": 250}
"""So many fewer cases take as long."""
USUAL_MEGABYTES, MOST_MEGABYTES = 300, {"pictures": 1500, "model": 2500}
"""A few damaged bytes may declare a picture of any size up to the largest, which is then filled to some part."""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of address space")
@pytest.mark.parametrize("kind", CASES)
def test_damaged_files_are_read_or_refused_in_words(kind):
    count = int(COUNT or COUNTS.get(kind, USUAL_COUNT)) // SLOWER.get(kind, 1)
    command = [sys.executable, "-m", "tests.core.inputs.mutations", kind, str(count), str(SEED)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1060 + count, check=False)
    assert done.returncode == 0, f"ended by {done.returncode} after {done.stderr[-500:]}"
    found = json.loads(done.stdout)
    assert found["faults"] == {}
    assert found["read"] + found["refused"] == count and found["refused"]
    assert found["read"] or count < 100
    assert found["longest"] < 20.0 and found["megabytes"] < MOST_MEGABYTES.get(kind, USUAL_MEGABYTES)
    assert "Traceback" not in done.stderr
