# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's log on disk: kept, rotated and bounded."""

from __future__ import annotations

from pathlib import Path

from styletex.styletex_blender.worker.log import KEPT_FILES, MAXIMUM_BYTES, WorkerLog


def test_logs_are_kept_from_three_starts_and_bounded(tmp_path: Path) -> None:
    path = tmp_path / "log" / "worker.log"
    for start in range(5):
        log = WorkerLog(path)
        log.write(b"start %d, \xff is no text\n" % start)
        log.close()
    assert [file.read_text()[:7] for file in sorted(path.parent.iterdir())] == ["start 4", "start 3", "start 2"]
    log = WorkerLog(path)
    for _ in range(50):
        log.write(b"x" * (MAXIMUM_BYTES // 10))
    log.write(b"the end")
    log.close()
    files = sorted(path.parent.iterdir())
    assert len(files) == KEPT_FILES and all(file.stat().st_size <= MAXIMUM_BYTES for file in files)
    assert path.read_text().endswith("the end\n") and log.tail().endswith("the end")
