# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of what to texture: a TOML file, a file of JSON lines, or a folder of meshes.

Every option of ``core stylize`` is a key, without its dashes: ``mesh``, ``style``, ``prompt``, ``size``, ``no-shading``
and so on (``no_shading`` is the same); ``name`` is that of the result's folder, else the mesh's own. What may be given
several times, ``style`` and ``lora``, may be a list. Paths are relative to the manifest. In TOML a table
``[defaults]`` counts for every ``[[item]]``; in JSON lines, a line ``{"defaults": {…}}`` for those after it. What the
command line gives comes before the defaults, and an item's own before both.
"""

from __future__ import annotations

import argparse
import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from ..job import JobError
from ..storage.optional import cause

MESH_SUFFIXES = (".glb", ".gltf", ".obj", ".ply")
"""What counts as a mesh in a folder."""
RESERVED_NAMES = {"logs", "summary.csv", "contact_sheet.jpg"}
"""What else is in the output folder."""
_LISTS = ("style", "lora")
_NOT_AN_ITEM_S = ("output", "force", "models", "run")
_SPELT_OTHERWISE = {"style_weight": 'Write style = "FILE:WEIGHT".', "more_styles": 'Write style = ["FILE:WEIGHT", …].'}
_DECIDES_NOTHING = ("device", *_NOT_AN_ITEM_S)
"""Options that the result does not follow from."""
_LARGEST = 64 << 20
_OF_OPTION = re.compile(r"--(?P<option>[\w-]+)(?P<rest>( is |:).*)", re.DOTALL)

Parse = Callable[[Sequence[str]], argparse.Namespace]
"""Reads arguments of ``core stylize``, and raises ``JobError`` where that command would say how it is used."""


@dataclass(frozen=True)
class Item:
    """One mesh to texture."""

    name: str
    """Of its result's folder; no two items of a manifest have one name, whatever the case of letters."""
    options: argparse.Namespace
    """Those of ``core stylize``, all but ``output``, which stands for nothing; paths are absolute."""
    settings: Mapping[str, Any]
    """Those that are no paths and not as they are by themselves: what was asked for, whatever options there will be. Of
    paths with weights, the weights."""

    @property
    def is_withdrawn(self) -> bool:
        """Whether it is a job of Blender's whose folder was removed: nobody wants it any more."""
        return is_exported(self.options) and not self.options.job.is_file()


def is_exported(options: argparse.Namespace) -> bool:
    """Whether the options are those of a job folder that Blender exported; see ``core.batch.exported``."""
    return "job" in options


def read_manifest(path: Path, given: Mapping[str, Any], parse: Parse) -> list[Item]:
    """The items of a manifest, in its order; those of a folder by name.

    Whether the files that it names are there is left to each item's turn.

    Args:
        path: the manifest, or a folder of meshes.
        given: options of the command line for all items, as ``as_manifest`` gives them.
        parse: reads an item's options.

    Raises:
        JobError: ``bad_request``: it cannot be read, or is no manifest; ``bad_setting``: it says what ``core stylize``
            would not take. Both say of which item.
    """
    try:
        entries = list(_entries(path))
    except OSError as error:
        raise JobError("bad_request", f"The manifest {path} cannot be read: {cause(error)}") from error
    except (ValueError, RecursionError) as error:
        raise JobError("bad_request", f"The manifest {path} cannot be read: {error}") from error
    if not entries:
        what = f"no mesh file ({', '.join(MESH_SUFFIXES)})" if path.is_dir() else "no item"
        raise JobError("bad_request", f"There is {what} in {path}", "Name what to texture.")
    folder = (path if path.is_dir() else path.parent).absolute()
    items = [_item(number, *entry, given, folder, parse) for number, entry in enumerate(entries, 1)]
    counts = Counter(item.name.casefold() for item in items)
    if twice := sorted({item.name for item in items if counts[item.name.casefold()] > 1}):
        raise JobError(
            "bad_request",
            f"Several items are called {', '.join(twice)}",
            'Give each a "name" of its own in the manifest.',
        )
    return items


def _entries(path: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Of each item the defaults that count for it, and what it says itself."""
    if path.is_dir():
        yield from (({}, entry) for entry in _meshes_in(path))
        return
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"it has more than {_LARGEST:,} bytes")
    text = path.read_text(encoding="utf-8")
    if path.suffix.lower() == ".toml":
        table = tomllib.loads(text)
        if unknown := set(table) - {"defaults", "item"}:
            raise ValueError(f"it has {', '.join(sorted(unknown))}; it may have [defaults] and [[item]]")
        defaults, items = table.get("defaults", {}), table.get("item", [])
        if not isinstance(items, list):
            raise ValueError("an item is written [[item]], in double brackets")
        yield from ((_table(defaults), _table(item)) for item in items)
        return
    defaults = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = _table(json.loads(line))
            if set(entry) == {"defaults"}:
                defaults = _table(entry["defaults"])
                continue
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
        yield defaults, entry


def _meshes_in(folder: Path) -> Iterable[dict[str, Any]]:
    meshes = sorted(path for path in folder.iterdir() if path.suffix.lower() in MESH_SUFFIXES and path.is_file())
    stems = Counter(path.stem.casefold() for path in meshes)
    for path in meshes:
        yield {"mesh": path.name, "name": path.stem if stems[path.stem.casefold()] == 1 else path.name}


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{value!r:.80} is no table of names and values")
    return value


def _item(
    number: int,
    defaults: Mapping[str, Any],
    entry: Mapping[str, Any],
    given: Mapping[str, Any],
    folder: Path,
    parse: Parse,
) -> Item:
    own = {key.replace("-", "_"): value for key, value in entry.items()}
    which = f"Item {number} ({own.get('name') or own.get('mesh') or 'without a mesh'})"
    values = {key.replace("-", "_"): value for key, value in defaults.items()} | dict(given) | own
    mesh = values.pop("mesh", None)
    if not isinstance(mesh, str) or not mesh or "\0" in mesh:
        raise JobError("bad_request", f"{which} of the manifest names no mesh", 'Give it a "mesh".')
    name = values.pop("name", None)
    name = Path(mesh).stem if name is None else name
    if not isinstance(name, str) or not is_folder_name(name):
        raise JobError(
            "bad_request", f"{which} has the name {name!r}, which is no name for a folder", "Give it another one."
        )
    if values.get("prompt") is None:
        values["prompt"] = Path(mesh).stem.replace("_", " ")
    plain = vars(parse(["--style=.", "--prompt=.", "--output=.", "."]))
    try:
        arguments = [argument for key, value in values.items() for argument in _arguments(key, value, plain)]
        options = parse([*arguments, "--output=.", "--", mesh])
    except JobError as error:
        raise JobError(error.code, f"{which} of the manifest: {_without_dashes(error.message)}", error.hint) from error
    for key, value in vars(options).items():
        if isinstance(value, Path):
            setattr(options, key, folder / value)
        elif is_weighted(value):
            setattr(options, key, [(folder / path, weight) for path, weight in value])
    settings = {
        key: [weight for _, weight in value] if is_weighted(value) else value
        for key, value in vars(options).items()
        if not isinstance(value, Path) and key not in _DECIDES_NOTHING and value != plain[key]
    }
    return Item(name, options, settings)


def is_weighted(value: Any) -> TypeGuard[list[tuple[Path, float]]]:
    """Whether an option is a list of paths with weights."""
    return isinstance(value, list) and all(isinstance(pair, tuple) and isinstance(pair[0], Path) for pair in value)


def as_manifest(given: Mapping[str, Any]) -> dict[str, Any]:
    """Options of the command line, by the names that ``argparse`` gives them, as a manifest anywhere would say them."""
    said = {name: str(value.absolute()) if isinstance(value, Path) else value for name, value in given.items()}
    said.pop("more_styles", None)
    said.pop("style_weight", None)
    if "style" in given:
        first = (given["style"], given.get("style_weight", 1.0))
        said["style"] = _with_weights([first, *given.get("more_styles", [])])
    if "lora" in given:
        said["lora"] = _with_weights(given["lora"])
    return said


def _with_weights(pairs: Iterable[tuple[Path, float]]) -> list[str]:
    return [f"{path.absolute()}:{weight!r}" for path, weight in pairs]


def _without_dashes(message: str) -> str:
    """What is said of an option, of the key that stands for it."""
    message = message.replace("The command lacks --", "it lacks ")
    message = re.sub(r"unrecognized arguments: --([^=\s]+).*", r'there is no "\1"', message, flags=re.DOTALL)
    found = _OF_OPTION.fullmatch(message)
    return message if found is None else f"{found['option'].replace('-', '_')}{found['rest']}"


def is_folder_name(name: str) -> bool:
    """Whether a result may be called so."""
    plain = (
        name.isprintable() and name == name.strip() and not name.startswith(".") and not set(name) & set('/\\:*?"<>|\0')
    )
    return bool(name) and plain and name.casefold() not in RESERVED_NAMES and len(name.encode(errors="replace")) <= 200


def _arguments(key: str, value: Any, plain: Mapping[str, Any]) -> list[str]:
    """A key as arguments of ``core stylize``; ``plain`` are its options as they are by themselves."""
    if key in _NOT_AN_ITEM_S or key in _SPELT_OTHERWISE:
        hint = _SPELT_OTHERWISE.get(key, "Give it on the command line.")
        raise JobError("bad_setting", f"{key} is no item's own", hint)
    option = f"--{key.replace('_', '-')}"
    if isinstance(plain.get(key), bool):
        if not isinstance(value, bool):
            raise JobError("bad_setting", f"{key} is {_shown(value):.80}; it must be true or false")
        return [option] if value else []
    if key in _LISTS and isinstance(value, list):
        if not value or not all(isinstance(one, str) for one in value):
            raise JobError(
                "bad_setting", f"{key} is {_shown(value):.80}; a list of it holds texts", 'As in ["FILE:WEIGHT"].'
            )
        return [argument for one in value for argument in _arguments(key, one, plain)]
    if isinstance(value, str) and "\0" in value:
        raise JobError("bad_setting", f"{key} is {value!r:.80}; it may hold no NUL character")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise JobError("bad_setting", f"{key} is {_shown(value):.80}; it must be a text or a number")
    return [f"{option}={value}"]


def _shown(value: Any) -> str:
    """A value as manifests write it; a date of TOML as it stands there."""
    return json.dumps(value, default=str, ensure_ascii=False)
