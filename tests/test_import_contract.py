# SPDX-License-Identifier: GPL-3.0-or-later
"""Which folder may import what, and what every file must and must not hold."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("core", "styletex_blender", "vendor_install")
BLENDER_MODULES = {"bpy", "bmesh", "bpy_extras", "bl_math", "blf", "gpu", "gpu_extras", "mathutils", "addon_utils"}
BLENDER_MODULES |= {"bl_operators", "bl_ui", "imbuf"}
SHARED_WITH_BLENDER = {
    "core.job",
    "core.picture_kinds",
    "core.commands.options",
    "core.protocol",
    "vendor_install.installed",
}
TEXT_SUFFIXES = {".py", ".toml", ".md", ".txt", ".json", ".yml", ".yaml", ".cfg", ".sh", ""}

SOURCES = [
    *(path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))),
    *sorted((ROOT / "tests").rglob("*.py")),
    *sorted(ROOT.glob("*.py")),
]


def imports(source: str, file: Path) -> Iterator[tuple[str, bool]]:
    """Each imported module as ``(dotted name from the checkout, whether the import is relative)``.

    ``from .a import b`` gives both ``a`` and ``a.b``, since ``b`` may be a module.
    """
    package = list(file.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(source, str(file))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, False
        elif isinstance(node, ast.ImportFrom):
            relative = node.level > 0
            base = package[: len(package) - node.level + 1] if relative else []
            module = [*base, *(node.module.split(".") if node.module else [])]
            if module:
                yield ".".join(module), relative
            for alias in node.names:
                yield ".".join([*module, alias.name]), relative


def violations(source: str, file: Path) -> list[str]:
    """What ``file`` (inside one of the packages) imports against the contract."""
    package = file.relative_to(ROOT).parts[0]
    found = []
    for name, relative in imports(source, file):
        top = name.split(".")[0]
        if not relative and top in {*PACKAGES, "styletex"}:
            found.append(f"absolute self-import of {name}")
        elif not relative and package != "styletex_blender" and top in BLENDER_MODULES:
            found.append(f"{name} outside styletex_blender")
        elif not relative and package == "styletex_blender" and top not in {
            *sys.stdlib_module_names, *BLENDER_MODULES, "numpy",
        }:  # fmt: skip
            found.append(f"{name} inside Blender")
        elif not relative and package == "vendor_install" and top not in sys.stdlib_module_names:
            found.append(f"{name} before anything is installed")
        elif relative and package == "styletex_blender" and top != "styletex_blender":
            allowed = any(name == shared or name.startswith(f"{shared}.") for shared in SHARED_WITH_BLENDER)
            if not (allowed or name == "core"):
                found.append(f"{name} inside Blender")
        elif relative and package != "styletex_blender" and top != package:
            found.append(f"{name}, which is another room")
    return found


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if path.relative_to(ROOT).parts[0] in PACKAGES],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_file_imports_only_what_its_folder_may(path: Path):
    assert violations(path.read_text(encoding="utf-8"), path) == []


@pytest.mark.parametrize("module", ["job", "commands.options", "protocol"])
def test_modules_shared_with_blender_need_only_the_standard_library(module: str):
    path = ROOT / "core" / f"{module.replace('.', '/')}.py"
    names = [name for name, relative in imports(path.read_text(encoding="utf-8"), path) if not relative]
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


@pytest.mark.parametrize(
    ("folder", "line"),
    [
        ("core", "import bpy"),
        ("core", "from core.job import Job"),
        ("core/diffusion", "from ...styletex_blender import panel"),
        ("styletex_blender", "import torch"),
        ("styletex_blender", "def f():\n    from diffusers import DDIMScheduler"),
        ("styletex_blender", "from ..core import stylize"),
        ("styletex_blender", "from ..core.stylize import stylize"),
        ("styletex_blender", "import PIL.Image"),
        ("styletex_blender", "from ..vendor_install.install import install"),
        ("vendor_install", "import numpy"),
        ("vendor_install", "import bpy"),
        ("vendor_install", "from ..core.job import Job"),
    ],
)
def test_contract_refuses(folder: str, line: str):
    assert violations(line, ROOT / folder / "planted.py")


@pytest.mark.parametrize(
    ("folder", "line"),
    [
        ("core", "import torch\nfrom .job import Job"),
        ("core/diffusion", "from ..job import Job\nfrom . import networks"),
        ("styletex_blender", "import bpy\nimport numpy as np\nfrom ..core.job import Job\nfrom ..core import protocol"),
        ("styletex_blender", "from ..vendor_install.installed import is_current"),
        ("vendor_install", "import json\nfrom .messages import say"),
    ],
)
def test_contract_allows(folder: str, line: str):
    assert violations(line, ROOT / folder / "planted.py") == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_file_begins_with_its_licence(path: Path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[:1] == ["# SPDX-License-Identifier: GPL-3.0-or-later"]


def opens_pictures(source: str) -> list[str]:
    """Ways to open a picture by itself, where Pillow would try forty formats and start other programs for some."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Attribute)
            and node.attr == "open"
            and ast.unparse(node.value).split(".")[-1] == "Image"
        ):
            found.append(ast.unparse(node))
        elif isinstance(node, ast.ImportFrom) and node.module == "PIL.Image":
            found += [f"PIL.Image.{alias.name}" for alias in node.names if alias.name == "open"]
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            found += [name for name in names if name.split(".")[0] in {"imageio", "cv2", "tifffile"}]
    return found


def test_pictures_are_opened_in_one_place():
    shipped = [*(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")), *ROOT.glob("docs/*.py")]
    opening = {
        path.relative_to(ROOT).as_posix(): found
        for path in shipped
        if (found := opens_pictures(path.read_text(encoding="utf-8")))
    }
    assert opening == {"core/inputs/pictures.py": ["Image.open", "Image.open"]}


@pytest.mark.parametrize(
    "line", ["Image.open(a)", "PIL.Image.open(a)", "from PIL.Image import open as o", "import imageio.v3", "import cv2"]
)
def test_another_place_that_opens_pictures_is_found(line: str):
    assert opens_pictures(line)


def test_no_file_names_a_place_on_one_machine():
    place = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+)/[\w.]")
    texts = [path for path in SOURCES if path != Path(__file__)]
    texts += [
        path
        for path in [*ROOT.glob("*"), *ROOT.glob(".ci/*"), *(ROOT / "vendor_install").glob("*")]
        if path.is_file() and path.name != ".git"
    ]
    named = {
        str(path.relative_to(ROOT)) for path in texts if path.suffix in TEXT_SUFFIXES and place.search(_text(path))
    }
    assert named == set()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
