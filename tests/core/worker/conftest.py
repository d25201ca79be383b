# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker with a quick engine, anew for each test or for all of a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.worker.running_worker import QUICK_WORKER, RunningWorker


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[RunningWorker]:
    running = RunningWorker(QUICK_WORKER, tmp_path)
    yield running
    running.end()


@pytest.fixture(scope="module")
def lasting_worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWorker]:
    """One process for many tests: it has to live on."""
    running = RunningWorker(QUICK_WORKER, tmp_path_factory.mktemp("lasting"))
    yield running
    running.end()
