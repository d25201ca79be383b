# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages and hints of errors that can come into Blender's window, as they stand in the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("styletex_blender", "core")
ELSEWHERE = (
    *("styletex_blender/headless", "styletex_blender/demo", "styletex_blender/cli_command.py"),
    *("core/commands", "core/command_line.py", "core/batch", "core/training", "core/bench", "core/evaluation"),
    *("core/rehearsal", "core/mesh_files", "core/unwrapping"),
)
"""What is said on command lines alone."""


def sources() -> Iterator[Path]:
    """The files whose errors may be shown in the window."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if not str(path.relative_to(ROOT)).startswith(ELSEWHERE):
                yield path


def messages() -> set[str]:
    """Each message and hint of a ``JobError``, with {} for what is put in; without its full stop."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sources()}
    found: set[str] = set()
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "JobError":
                for value in node.args[1:3]:
                    found.update(_texts(value, tree, list(trees.values())))
    return {text.rstrip(".") for text in found if text}


def _texts(node: ast.expr, tree: ast.Module, all_trees: list[ast.Module]) -> Iterator[str]:
    """What an expression may be: a text, one of two, a name for one here or elsewhere, or what a function gives."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body, tree, all_trees)
        yield from _texts(node.orelse, tree, all_trees)
    elif isinstance(node, ast.Name):
        for value in _named(node.id, tree) or [value for other in all_trees for value in _named(node.id, other)]:
            if not isinstance(value, ast.Name):
                yield from _texts(value, tree, all_trees)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id != "_":
        for other in [tree] if _returned(node.func.id, tree) else all_trees:
            for value in _returned(node.func.id, other):
                if not isinstance(value, ast.Name | ast.Call):
                    yield from _texts(value, other, all_trees)


def _named(name: str, tree: ast.Module) -> list[ast.expr]:
    """All that is given to a name in a file."""
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    ]


def _returned(name: str, tree: ast.Module) -> list[ast.expr]:
    """All that a function of a file returns."""
    return [
        found.value
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == name
        for found in ast.walk(node)
        if isinstance(found, ast.Return) and found.value is not None
    ]
