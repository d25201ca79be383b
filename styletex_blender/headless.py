# SPDX-License-Identifier: GPL-3.0-or-later
"""Textures objects without a window.

blender -b scene.blend --python-exit-code 1 -P styletex_blender/headless.py -- \
    --style IMAGE --prompt TEXT [--content TEXT] [--objects A B | --collection NAME | --all] [--output out.blend]
    [--farm ADDRESS]

blender -b scene.blend --python-exit-code 1 -P styletex_blender/headless.py -- --collect [--output out.blend]

Where the extension is installed, ``blender -c styletex scene.blend --style IMAGE …`` is the same (``cli_command``).

An object with settings of its own (Own Settings in the panel) is textured by those, the others by the command line's.
Writes one line an object to standard output, and to standard error how far it is and what else is known of a failure.
The exit status is 0 when every object was textured, that of the first error otherwise (``core.job.EXIT_STATUS``), and
130 after Ctrl-C, which saves what is done; the same command then goes on with the rest from where it stopped. The
scene is saved only where --output says, and that it can be is tried before anything else.

With --farm the objects are sent to a farm, which goes on by itself; --collect puts what it has finished on them, and
ends with ``NOT_YET`` while something is not.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import importlib.util
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

import bpy

EXTENSION = "bl_ext.user_default.styletex"
NOT_YET = 10
"""Exit status when a farm has not done everything yet, and nothing has failed."""
PROGRESS_SECONDS = 5.0
"""Time between two lines about the same stage."""


def main(arguments: list[str]) -> int:
    """Do what the command line says with the file that is open; returns the exit status."""
    package = _package()
    job = importlib.import_module(f"{package}.core.job")
    return _carry_out(package, job, _options(package).parser(job).parse_args(arguments))


def command(arguments: list[str]) -> int:
    """What ``blender -c styletex`` does; returns the exit status.

    Args:
        arguments: those after the command's name: the file, then those of ``main``.
    """
    package = _package()
    job = importlib.import_module(f"{package}.core.job")
    parser = _options(package).parser(job)
    parser.prog = "blender -c styletex"
    parser.add_argument("scene", type=Path, metavar="SCENE.blend", help="the file to open")
    try:
        options = parser.parse_args(arguments)
    except SystemExit as leaving:
        # Blender goes on with the exit status that it is told; leaving by itself would skip its farewell.
        return int(leaving.code or 0)
    try:
        bpy.ops.wm.open_mainfile(filepath=str(options.scene.resolve()))
    except RuntimeError as error:
        _tell(f"Nothing was textured: {options.scene} cannot be opened: {error}".rstrip())
        return job.EXIT_STATUS["bad_request"]
    return _carry_out(package, job, options)


def _carry_out(package: str, job: ModuleType, options: argparse.Namespace) -> int:
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    teller = _Teller(package)
    cancelled = waiting = False
    try:
        if options.output:
            _try_output(options.output, job.JobError)
        elif options.collect:
            raise job.JobError("bad_request", "There is no --output to save the scene with its textures")
        if options.collect:
            waiting = _collect(package, teller)
        elif options.farm is not None:
            return _send(package, options, teller, job)
        else:
            _stylize(package, options, teller)
    except job.JobError as error:
        if error.detail:
            _tell(error.detail, sys.stderr)
        _tell(f"Nothing was textured: {_explain(package, error)}")
        return job.EXIT_STATUS[error.code]
    except KeyboardInterrupt:
        cancelled = True
        _tell("Cancelled; the same command goes on from where it stopped")
    finally:
        importlib.import_module(f"{package}.styletex_blender.worker.warm_worker").close()
    status = _save(options.output, teller.outcomes, job) if options.output else 0
    if not options.output:
        _tell("Not saved: no --output was given")
    if status == 0:
        _forget_kept(teller.outcomes)
    if cancelled:
        return job.EXIT_STATUS["cancelled"]
    codes = [outcome.error.code for outcome in teller.outcomes if outcome.error]
    return status or (job.EXIT_STATUS[codes[0]] if codes else NOT_YET if waiting else 0)


def _send(package: str, options: argparse.Namespace, teller: _Teller, job: ModuleType) -> int:
    """Send objects to a farm, and save the scene where that is wished; the exit status."""
    api = importlib.import_module(f"{package}.styletex_blender.api")
    settings = _settings(package, options)
    blend_file = str(options.output.resolve()) if options.output else ""
    sent, refused = api.send(_objects(package, options, job.JobError), settings, options.farm, blend_file)
    for found in sent:
        _tell(f"{found.sent.object_name}: sent to {found.farm.address} as {found.key}")
    for outcome in refused:
        teller.tell(outcome)
    if options.output:
        bpy.ops.wm.save_as_mainfile(filepath=blend_file, copy=True)
        _tell(f"Saved {options.output}")
    return job.EXIT_STATUS[refused[0].error.code] if refused else 0


def _collect(package: str, teller: _Teller) -> bool:
    """Put the textures on their objects that a farm has finished; whether there are others still."""
    api = importlib.import_module(f"{package}.styletex_blender.api")
    outcomes, waiting = api.collect(keep_results=True)
    for outcome in outcomes:
        teller.tell(outcome)
    for found in waiting:
        _tell(f"{found.sent.object_name}: not done yet on {found.farm.address}: {api.state_on_farm(found)}")
    if not outcomes and not waiting:
        _tell("Nothing of this file is on a farm")
    return bool(waiting)


def _try_output(output: Path, error_class: type[Exception]) -> None:
    """Make the folder of ``output`` and try to write there, before anything else takes its time."""
    path = output.resolve()
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
        if path.exists():
            with path.open("ab"):
                pass
    except OSError as error:
        text = f"The scene cannot be saved as {output}: {error.strerror}"
        raise error_class("bad_request", text, "Name another file with --output") from error


def _save(output: Path, outcomes: list[Any], job: ModuleType) -> int:
    """Save the scene if anything was textured; the exit status."""
    textured = [outcome for outcome in outcomes if outcome.textured]
    if not textured:
        return 0
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(output.resolve()), copy=True)
    except RuntimeError as error:
        _tell(f"The scene could not be saved as {output}: {error}".rstrip())
        for outcome in textured:
            if outcome.kept is not None:
                _tell(f"{outcome.object_name}: the texture is kept in {outcome.kept}")
        return job.EXIT_STATUS["disk_full"]
    _tell(f"Saved {output}")
    return 0


def _forget_kept(outcomes: list[Any]) -> None:
    """Remove the copies of the textures that are in the scene now."""
    for outcome in outcomes:
        if outcome.textured and outcome.kept is not None:
            shutil.rmtree(outcome.kept, ignore_errors=True)


def _tell(text: str, stream: TextIO | None = None) -> None:
    """Print a line, whatever the terminal can show; nobody listening is no reason to lose a texture."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    with contextlib.suppress(OSError):
        print(text.encode(encoding, "replace").decode(encoding), file=stream, flush=True)


def _stylize(package: str, options: argparse.Namespace, teller: _Teller) -> None:
    api = importlib.import_module(f"{package}.styletex_blender.api")
    job = importlib.import_module(f"{package}.core.job")
    settings = _settings(package, options)
    api.stylize(_objects(package, options, job.JobError), settings, watch=teller, keep_results=True)


def _settings(package: str, options: argparse.Namespace) -> Any:
    settings_module = importlib.import_module(f"{package}.styletex_blender.settings")
    job = importlib.import_module(f"{package}.core.job")
    (first, weight), *more = [(_picture(path, job.JobError), weight) for path, weight in options.style]
    return settings_module.Settings(
        style_image=first,
        style_weight=weight,
        more_styles=tuple(more),
        prompt=options.prompt,
        prompt_from_name=options.prompt_from_name,
        content=options.content,
        preset=options.preset,
        profile=options.profile,
        texture_size=options.size,
        tiles=options.tiles,
        seed=options.seed,
        variations=options.variations,
        content_removal=options.content_removal,
        tone=options.tone,
        style_strength=options.style_strength,
        detail=options.detail,
        stroke_size=options.stroke_size,
        shading=not options.no_shading,
        start_from_present=options.restyle is not None,
        restyle_strength=settings_module.Settings.restyle_strength if options.restyle is None else options.restyle,
        device=options.device,
        own_model=str(options.model.resolve()) if options.model else "",
        loras=tuple((str(path.resolve()), weight) for path, weight in options.lora),
        own_vae=str(options.vae.resolve()) if options.vae else "",
        **_region(options),
        destination=options.image,
        material=options.material,
        relief=options.relief,
    )


def _picture(path: Path, error_class: type[Exception]) -> str:
    """Name of the Blender image that a file is loaded as."""
    try:
        return bpy.data.images.load(str(path.resolve()), check_existing=True).name
    except RuntimeError as error:
        raise error_class("bad_image", f"The style image cannot be read: {path}") from error


def _region(options: argparse.Namespace) -> dict[str, Any]:
    """The settings that say which part of the objects to texture."""
    region: dict[str, Any] = {"region_border": options.only_border}
    if options.only_faces:
        return region | {"region": "faces"}
    for kind in ("slot", "group", "mask"):
        value = getattr(options, f"only_{kind}")
        if value is not None:
            return region | {"region": kind, f"region_{kind}": value}
    return region


def _objects(package: str, options: argparse.Namespace, error: type[Exception]) -> list[bpy.types.Object]:
    """The objects that were named, or all visible meshes of a collection or of the scene, or the active object."""
    view_layer = bpy.context.view_layer
    if options.all:
        return [found for found in view_layer.objects if found.type == "MESH" and found.visible_get()]
    if options.collection:
        collection = bpy.data.collections.get(options.collection)
        if collection is None:
            raise error("bad_request", f"There is no collection {options.collection!r}")
        return importlib.import_module(f"{package}.styletex_blender.api").meshes_of(collection, view_layer)
    if options.objects:
        unknown = [name for name in options.objects if name not in view_layer.objects]
        if unknown:
            name_of = importlib.import_module(f"{package}.styletex_blender.names").name_of
            meshes = ", ".join(name_of(found) for found in view_layer.objects if found.type == "MESH")
            raise error("bad_request", f"There is no object {', '.join(unknown)}; the meshes are {meshes or 'none'}")
        return [view_layer.objects[name] for name in options.objects]
    active = view_layer.objects.active
    return [active] if active is not None else []


def _options(package: str) -> ModuleType:
    return importlib.import_module(f"{package}.styletex_blender.headless_options")


class _Teller:
    """Tells on standard error how a run goes, and on standard output how each object came out."""

    def __init__(self, package: str) -> None:
        self._package = package
        self.outcomes: list[Any] = []
        """How the objects came out so far."""
        self._warned = 0
        self._stage = ""
        self._next = 0.0

    def __call__(self, run: Any) -> None:
        for warning in run.warnings[self._warned :]:
            _tell(f"Warning: {warning}", sys.stderr)
            self._warned += 1
        for outcome in run.outcomes[len(self.outcomes) :]:
            self.tell(outcome)
        if run.finished or not run.tasks:
            return
        now, stage = time.monotonic(), f"{run.task.object_name}: {run.stage}"
        if stage != self._stage or now >= self._next:
            self._stage, self._next = stage, now + PROGRESS_SECONDS
            step = f" {run.step} of {run.steps}" if run.steps else ""
            left = f", {run.seconds_left:.0f} s left" if run.seconds_left is not None else ""
            _tell(f"{stage}{step}{left}", sys.stderr)

    def tell(self, outcome: Any) -> None:
        """Print how an object came out, and remember it."""
        _print_outcome(self._package, outcome)
        self.outcomes.append(outcome)


def _print_outcome(package: str, outcome: Any) -> None:
    if outcome.error:
        text = _explain(package, outcome.error)
        if outcome.error.detail:
            _tell(outcome.error.detail, sys.stderr)
    elif outcome.cancelled:
        text = "cancelled"
    else:
        done = "textured" if outcome.applied else "another variation, in its history,"
        text = f"{done} in {outcome.seconds:.0f} s → {outcome.image} ({outcome.place})"
    _tell(f"{outcome.object_name}: {text}")


def _explain(package: str, error: Any) -> str:
    in_options = importlib.import_module(f"{package}.styletex_blender.translation.in_options").in_options
    return f"{error.message}. {in_options(error.hint)}" if error.hint else error.message


def _package() -> str:
    """Name of the package this file belongs to, registered so that its settings exist in the scene.

    A checkout is given the name ``styletex``; a file in the installed extension uses the extension.
    """
    if __package__:
        return __package__.rpartition(".")[0]
    root = Path(__file__).resolve().parents[1]
    installed = importlib.util.find_spec(EXTENSION) if "bl_ext" in sys.modules else None
    if installed is not None and installed.origin and Path(installed.origin).resolve().parent == root:
        if EXTENSION not in bpy.context.preferences.addons:
            bpy.ops.preferences.addon_enable(module=EXTENSION)
        return EXTENSION
    if "styletex" not in sys.modules:
        _load_checkout(root).register()
    return "styletex"


def _load_checkout(root: Path) -> ModuleType:
    package = ModuleType("styletex")
    package.__path__ = [str(root)]
    sys.modules["styletex"] = package
    return importlib.import_module("styletex.styletex_blender")


if __name__ == "__main__":
    command_line = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    if status := main(command_line):
        sys.exit(status)
