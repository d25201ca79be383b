# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a Ray cluster where an item is made: in a process of its own, on a machine that need not share a disk."""

from __future__ import annotations

import argparse
import getpass
import importlib
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..commands.output_folder import remove
from ..failure import as_job_error, is_beyond_repair, release_memory
from ..job import JobError
from ..reporting import SilentReporter
from ..storage.json_file import write_json
from ..storage.whole_file import own_folder, whole_file
from .batch_folder import INPUTS_FILE
from .make import make_in

_DAYS_KEPT = 7.0
"""How long what an interrupted item left is kept for the next try on this machine."""


@dataclass(frozen=True)
class Request:
    """An item as it travels: the options of ``core stylize`` without its files."""

    key: str
    """Of the inputs: the same item with the same inputs goes on where it stopped, on the same machine."""
    options: Mapping[str, Any]
    files: Mapping[str, tuple[str, str, Any]]
    """As ``core.batch.inputs.files_of`` names them: SHA-256, the name to give it (below ``mesh/``, the place beside the
    mesh), and a reference to its bytes in the object store."""
    inputs: Mapping[str, Any]
    """See ``core.batch.inputs``."""


@dataclass(frozen=True)
class Answer:
    """What became of a request."""

    result: Mapping[str, bytes]
    """Files of the result by name; none when it failed."""
    error: Mapping[str, str] | None
    """A ``JobError``, as ``to_dict`` gives it."""
    warnings: Sequence[tuple[str, str]]
    """Code and message."""
    seconds: float
    """That it took here, all in all."""
    spent: bool = False
    """Whether this process can do no more."""


class FarmWorker:
    """Makes items one after the other, and keeps its model from one to the next."""

    def __init__(self, stylizer: str) -> None:
        """``stylizer``: module and function, as ``core.batch.make:stylizer``, that gives what makes a result."""
        module, _, name = stylizer.partition(":")
        self._make = getattr(importlib.import_module(module), name)()
        # One for each node: nodes that were thought dead may have the machine in common with those that live.
        self._home = _home() / self.node()
        self._home.mkdir(exist_ok=True)

    def node(self) -> str:
        """Where this process is: the id of its node."""
        ray = importlib.import_module("ray")
        return ray.get_runtime_context().get_node_id()

    def make(self, request: Request) -> Answer:
        """Make one item. Whatever goes wrong is in the answer."""
        begun = time.monotonic()
        ear = _Ear()
        folder = self._home / request.key
        try:
            own_folder(folder)
            options = self._unpack(request, folder)
            work = folder / "result"
            own_folder(work)
            write_json(dict(request.inputs), work / INPUTS_FILE)
            make_in(work, options, self._make, ear)
            result = {path.name: path.read_bytes() for path in work.iterdir() if path.is_file()}
        except Exception as error:
            seconds = time.monotonic() - begun
            failure, spent = as_job_error(error), is_beyond_repair(error)
            if not spent:
                release_memory()
            answer = Answer({}, failure.to_dict(), ear.told, seconds, spent)
        else:
            answer = Answer(result, None, ear.told, time.monotonic() - begun)
        remove(folder)
        return answer

    def _unpack(self, request: Request, folder: Path) -> argparse.Namespace:
        """The options with the files where they lie here now."""
        ray = importlib.import_module("ray")
        options = argparse.Namespace(**request.options)
        for name, (_, called, reference) in request.files.items():
            option, _, place = name.partition("/")
            own_folder(folder / option)
            path = folder / (option if option == "mesh" else name) / called
            if ".." in path.relative_to(folder).parts:
                raise JobError("bad_mesh", f"The mesh takes {called} from another folder", "Put it beside the mesh.")
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.is_file():
                with whole_file(path) as file:
                    file.write(ray.get(reference))
            if not place:
                setattr(options, name, path)
            elif option != "mesh":
                pairs = getattr(options, option)
                pairs[int(place)] = (path, pairs[int(place)][1])
        return options


class _Ear(SilentReporter):
    """A reporter that keeps the warnings; the driver ends this process where it is to stop."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def warning(self, code: str, message: str) -> None:
        self.told.append((code, message))


def _home() -> Path:
    """A folder of this user's own, which outlives the process; what nobody took up again for days is removed.

    Raises:
        JobError: ``bad_request``: somebody else has its name.
    """
    home = Path(tempfile.gettempdir()) / f"styletex-farm-{getpass.getuser()}"
    home.mkdir(mode=0o700, exist_ok=True)
    if home.is_symlink() or not home.is_dir() or (os.name != "nt" and home.stat().st_uid != os.getuid()):
        raise JobError("bad_request", f"{home} is somebody else's", "Set TMPDIR to another folder for the workers.")
    for left in home.iterdir():
        if time.time() - left.stat().st_mtime > _DAYS_KEPT * 86400.0:
            remove(left)
    return home
