# SPDX-License-Identifier: GPL-3.0-or-later
"""Without a window no hint speaks of what is clicked: each names an option that there is."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("styletex_blender", "core")
ELSEWHERE = (
    *("styletex_blender/ui", "styletex_blender/install", "styletex_blender/translation", "styletex_blender/history"),
    *("styletex_blender/rerunning.py", "styletex_blender/landing/put_back.py", "styletex_blender/library"),
    *("core/commands", "core/command_line.py", "core/batch", "core/training", "core/bench", "core/evaluation"),
    *("core/rehearsal", "core/mesh_files", "core/models/own_weights.py"),
)
"""What headless jobs never come to, or what has options of its own."""
TEXTS = json.loads((ROOT / "styletex_blender" / "translation" / "options.json").read_text(encoding="utf-8"))


def sentences(path):
    """The texts of a file but for its docstrings, with {} for what is put in."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    beside = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            beside |= {id(part) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in beside:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)


def sources():
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if not str(path.relative_to(ROOT)).startswith(ELSEWHERE):
                yield path


def test_every_hint_that_speaks_of_the_window_has_words_for_the_command_line():
    said = {text for path in sources() for text in sentences(path) if text[:1].isupper() and "\n" not in text}
    missing = {text for text in said if re.search(r"\b([Pp]ress|[Cc]lick|panel|Only Here|[Cc]hoose)\b", text)}
    missing |= {text for text in said if text.endswith(("in the preferences", "add-on's preferences"))}
    assert missing - TEXTS.keys() == set()
    assert TEXTS.keys() - said == set(), "these are said nowhere any more"


def test_words_for_the_command_line_name_options_that_there_are_and_nothing_to_click():
    from styletex.core import job
    from styletex.styletex_blender import headless_options

    known = {option for action in headless_options.parser(job)._actions for option in action.option_strings}
    for words in TEXTS.values():
        assert set(re.findall(r"--[a-z-]+", words)) <= known, words
        assert not re.search(r"\b([Pp]ress|[Cc]lick|panel|Only Here|[Cc]hoose)\b", words), words


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        ("Choose auto.", "Use --device auto."),
        ("Choose a picture (PNG or JPEG).", "Name a picture (PNG or JPEG) with --style."),
        (
            "Choose auto. It then goes on from where it stopped",
            "Use --device auto. It then goes on from where it stopped",
        ),
        ("Press Apply to try again", "Give the same command again"),
        ("Unwrap it anew", "Unwrap it anew"),
        ("", ""),
    ],
)
def test_hint_is_said_in_options(styletex, hint, words):
    assert styletex.module("translation.in_options").in_options(hint) == words
