# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside the environment, as a script: tries what the worker will need, and prints what it found as JSON.

What it loads is named in text: this folder also works where nothing is installed.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def versions(pins: list[str]) -> str:
    """Compare the installed versions with ``pins`` (``name==version`` with a marker or none)."""
    wrong = []
    for pin in pins:
        requirement, _, marker = pin.partition(";")
        if marker and not importlib.import_module("packaging.markers").Marker(marker).evaluate():
            continue
        name, wanted = requirement.strip().split("==")
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        if found.split("+")[0] != wanted:
            wrong.append(f"{name} is {found}, not {wanted}")
    if wrong:
        raise RuntimeError("; ".join(wrong[:5]))
    return f"{len(pins)} locked packages"


def imports(names: list[str]) -> str:
    """Load every module."""
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:  # Whatever a broken package raises is what is to be shown.
            raise RuntimeError(f"{name} does not load: {type(error).__name__}: {error}") from error
    return ", ".join(names)


def device(wanted: str) -> str:
    """The device that the worker will use, the precision, and why."""
    devices = importlib.import_module("core.devices.devices")
    if wanted not in ("auto", *("rocm" if each.hip else each.kind for each in devices.present_devices())):
        version = importlib.import_module("torch").__version__
        raise RuntimeError(f"PyTorch {version} finds no {wanted} device")
    return devices.choose_device({"rocm": "cuda"}.get(wanted, wanted)).reason


def tensor() -> str:
    """Multiply two matrices on the device and compare with what is known."""
    torch = importlib.import_module("torch")
    kind = importlib.import_module("core.devices.devices").choose_device("auto").device.kind
    ones = torch.ones(64, 64, device=kind)
    total = float((ones @ ones).sum().item())
    if total != 64.0**3:
        raise RuntimeError(f"a product of matrices on {kind} gave {total}, not {64.0**3}")
    return f"a product of matrices on {kind} is right"


def rays() -> str:
    """Cast one ray at a triangle and one past it, with the library that does so on this system."""
    numpy = importlib.import_module("numpy")
    corners = numpy.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], numpy.float32)
    origins = numpy.array([[0.2, 0.2, 1], [2, 2, 1]], numpy.float32)
    cast = _by_embree if importlib.util.find_spec("embreex") else _by_igl
    triangles = numpy.array([[0, 1, 2]], numpy.int32)
    hits = [int(hit) for hit in cast(corners, triangles, origins, numpy.array([[0, 0, -1]] * 2, numpy.float32))]
    if hits != [0, -1]:
        raise RuntimeError(f"rays at and past a triangle hit {hits}, not [0, -1]")
    return "a ray hits a triangle, another one misses it"


def _by_embree(corners: Any, triangles: Any, origins: Any, directions: Any) -> Any:
    scene = importlib.import_module("embreex.rtcore_scene").EmbreeScene()
    mesh = importlib.import_module("embreex.mesh_construction").TriangleMesh(scene, corners, triangles)
    hits = scene.run(origins, directions)
    del mesh
    return hits


def _by_igl(corners: Any, triangles: Any, origins: Any, directions: Any) -> Any:
    tree = importlib.import_module("igl").AABB()
    tree.init(corners, triangles)
    return tree.intersect_ray_first(corners, triangles, origins, directions)[0]


def bundled_model(folder: str) -> str:
    """Read every file of the bundled model as far as it can be read without building a network."""
    place = Path(folder)
    weights = sorted(place.rglob("*.safetensors"))
    if not weights:
        raise RuntimeError(f"there are no weights in {place}")
    for file in sorted(place.rglob("*.json")):
        try:
            json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise RuntimeError(f"{file.relative_to(place)} cannot be read: {error}") from error
    safe_open = importlib.import_module("safetensors").safe_open
    for file in weights:
        try:
            with safe_open(str(file), framework="numpy") as tensors:
                tensors.keys()
        except Exception as error:
            raise RuntimeError(f"{file.relative_to(place)} cannot be read: {error}") from error
    checksums = importlib.import_module("core.models.checksums")
    if damaged := checksums.damaged_in(place):
        raise RuntimeError(f"not as they were made: {', '.join(damaged[:3])} in {place}")
    compared = ", each byte as it was made" if checksums.read_sums(place) else ""
    return f"{len(weights)} networks in {place}{compared}"


def downloaded_model(name: str) -> str:
    """Whether the files of a profile are in the model cache; they are not needed."""
    files = importlib.import_module("core.models.model_files")
    profile = importlib.import_module("core.models.profiles").profile(name)
    missing = sorted({file.repository for file in files.missing_files(profile)})
    if missing:
        return f"not there: {', '.join(missing)} (only the profile {name} needs them)"
    if damaged := files.damaged_files(profile):
        raise RuntimeError(f"not as it was downloaded: {', '.join(damaged[:3])}; delete it, and download it again")
    return "all networks are there, each byte as it was downloaded"


def main() -> None:
    """Read the questions from the standard input and print the answers, one JSON object a line, to its true output."""
    question: dict[str, Any] = json.load(sys.stdin)
    output, sys.stdout = sys.stdout, sys.stderr
    checks: dict[str, Callable[[], str]] = {
        "versions": lambda: versions(question["pins"]),
        "imports": lambda: imports(question["imports"]),
        "device": lambda: device(question["device"]),
        "tensor": tensor,
        "rays": rays,
        "model": lambda: bundled_model(question["model"]),
        "sd15": lambda: downloaded_model("sd15"),
        "sdxl": lambda: downloaded_model("sdxl"),
    }
    for name, check in checks.items():
        try:
            answer = {"name": name, "ok": True, "text": check()}
        except Exception as error:  # The examination goes on, and says so.
            answer = {"name": name, "ok": False, "text": str(error) or type(error).__name__}
        print(json.dumps(answer), file=output, flush=True)


if __name__ == "__main__":
    main()
