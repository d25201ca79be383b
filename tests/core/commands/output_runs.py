# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs into an output folder, with files that say which run they are of."""

import json

from core.commands.output_folder import MODEL_FILE, OutputFolder
from core.job import PREVIEW_FILE, REPORT_FILE, TEXTURE_FILE

ALL = {TEXTURE_FILE, MODEL_FILE, PREVIEW_FILE}


def make_files(folder, content, textures=(TEXTURE_FILE,), others=(MODEL_FILE, PREVIEW_FILE)):
    """Results of a job in its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*textures, *others):
        (folder / name).write_text(f"{content} {name}")
    return [folder / name for name in textures], [folder / name for name in others]


def put(output, content, reporter, **files):
    return output.put(*make_files(output.job, content, **files), {"run": content}, reporter)


def finish(out, content, reporter, force=False, **files):
    """A whole run."""
    output = OutputFolder(out, force, [])
    try:
        return put(output, content, reporter, **files)
    finally:
        output.leave()


def contents(out):
    """Of all results: each file's content but the report's, which gives its "run"."""
    found = {path.name: path.read_text() for path in out.iterdir() if path.is_file() and path.name != REPORT_FILE}
    runs = {text.split()[0] for text in found.values()}
    if (out / REPORT_FILE).exists():
        runs.add(json.loads((out / REPORT_FILE).read_text())["run"])
    return set(found), runs
