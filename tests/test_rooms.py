# SPDX-License-Identifier: GPL-3.0-or-later
"""The rooms stand in the order in which data passes them, and no two files need each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ORDER = {
    # Each room and each file at the top imports only those before it. Rooms in one line do not know each other.
    "core": [
        ["job", "protocol"],
        ["picture_kinds"],
        ["failure", "reporting"],
        ["storage"],
        ["inputs"],
        ["geometry"],
        ["unwrapping"],
        ["mesh_files"],
        ["views"],
        ["models"],
        ["devices"],
        ["diffusion"],
        ["style"],
        ["detail"],
        ["texture_field"],
        ["optimisation"],
        ["results"],
        ["region"],
        ["stylize"],
        ["worker"],
        ["commands"],
        ["batch"],
        ["bench", "evaluation", "rehearsal", "training"],
        ["command_line"],
        ["__main__"],
    ],
    "styletex_blender": [
        ["names", "translation"],
        ["scene"],
        ["region"],
        ["history"],
        ["folders"],
        ["landing"],
        ["worker"],
        ["install", "library"],
        ["models"],
        ["settings"],
        ["exporting"],
        ["rerunning"],
        ["farm"],
        ["api", "reopening"],
        ["handlers"],
        ["ui"],
        ["headless_options"],
        ["headless"],
        ["cli_command"],
        ["__init__"],
        ["demo", "gather"],
    ],
}
WORKSHOP = {"bench", "evaluation", "rehearsal", "training"}
"""Rooms that are no part of the extension: they may know each other, and nobody else knows them."""
FEWEST_TO_SEARCH = 12
"""Files that a room may have; the workshop's have as many as they need."""


def module_of(path: Path) -> str:
    """``core/views/cameras.py`` is ``core.views.cameras``; a package is called by its folder."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for package in ORDER for path in (ROOT / package).rglob("*.py")}


def imported(source: str, module: str, is_package: bool) -> Iterator[str]:
    """The project's own modules that ``source`` imports, also only for its types."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1] + (node.module.split(".") if node.module else [])
            for alias in node.names:
                whole = ".".join([*base, alias.name])
                yield whole if whole in MODULES else ".".join(base)


GRAPH = {
    module: set(imported(path.read_text(encoding="utf-8"), module, path.name == "__init__.py")) - {module}
    for module, path in MODULES.items()
}


def room_of(module: str) -> tuple[str, str]:
    """The package and the room, or the file at the top of the package."""
    package, _, rest = module.partition(".")
    return package, rest.split(".")[0] or "__init__"


def wrong_way(module: str, needed: str) -> bool:
    """Whether ``module`` may not import ``needed`` of the same package, since it comes later or is a workshop."""
    (package, room), (other_package, other) = room_of(module), room_of(needed)
    if package != other_package or room == other or needed == package:
        return False
    place = {name: number for number, names in enumerate(ORDER[package]) for name in names}
    if room in WORKSHOP and other in WORKSHOP:
        return False
    return place[other] >= place[room] or (other in WORKSHOP and room != "command_line")


def test_every_room_imports_only_those_before_it():
    found = [f"{module} → {needed}" for module, all_ in GRAPH.items() for needed in all_ if wrong_way(module, needed)]
    assert found == []


def test_no_two_files_need_each_other():
    try:
        TopologicalSorter(GRAPH).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' → '.join(reversed(error.args[1]))}")


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("core.geometry.mesh", "from ..views.cameras import Camera"),
        ("core.views.cameras", "from ..optimisation.presets import OptimisationSettings"),
        ("core.results.bake", "from ..stylize import stylize"),
        ("core.job", "from .protocol import parse"),
        ("core.views.cameras", "def f():\n    from ..evaluation import judge"),
        ("core.style.statistics", "if TYPE_CHECKING:\n    from ..results.bake import bake"),
        ("styletex_blender.scene.export", "from ..worker import runner"),
        ("styletex_blender.install.installer", "from ..ui.panel import draw"),
        ("styletex_blender.api", "from .ui import operators"),
    ],
)
def test_an_import_that_goes_back_is_found(module: str, line: str):
    assert [needed for needed in imported(line, module, is_package=False) if wrong_way(module, needed)]


def test_a_circle_is_found():
    planted = {**GRAPH, "core.views.cameras": {"core.views.rasteriser"}}
    with pytest.raises(CycleError):
        TopologicalSorter(planted).prepare()


def test_the_top_of_core_and_every_room_can_be_taken_in_at_a_glance():
    assert len(list((ROOT / "core").glob("*.py"))) <= 8
    folders = {path.parent for path in MODULES.values() if path.parent.name not in WORKSHOP}
    crowded = {str(path.relative_to(ROOT)) for path in folders if len(list(path.glob("*.py"))) > FEWEST_TO_SEARCH}
    assert crowded == set()


@pytest.mark.parametrize(
    "path", [path for path in MODULES.values() if path.name == "__init__.py"], ids=lambda path: path.parent.name
)
def test_every_room_says_what_comes_in_and_what_goes_out(path: Path):
    told = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert told
    if path.parent.name not in {*ORDER, *WORKSHOP}:
        assert "In: " in told
        assert "Out: " in told
