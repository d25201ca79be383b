# SPDX-License-Identifier: GPL-3.0-or-later
"""No error leaves people alone: every code has an entry in the table, a page, and buttons that exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.job import EXIT_STATUS

ROOT = Path(__file__).resolve().parents[4]
GUIDE = ROOT / "docs" / "troubleshooting.md"
WORKSHOP = {"bench", "evaluation", "rehearsal", "training"}


def constants(node: ast.expr) -> Iterator[str]:
    """The codes that an argument may be: a text, or one of two."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*constants(node.body), *constants(node.orelse))


def calls(package: str) -> Iterator[tuple[str, list[ast.expr]]]:
    """Name and arguments of every call in a package."""
    for path in (ROOT / package).rglob("*.py"):
        if WORKSHOP.isdisjoint(path.relative_to(ROOT).parts):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    called = node.func
                    yield getattr(called, "id", getattr(called, "attr", "")), node.args


def raised(name: str, *packages: str) -> set[str]:
    return {code for package in packages for called, args in calls(package) if called == name and args
            for code in constants(args[0])}  # fmt: skip


def warned() -> set[str]:
    """Codes that a reporter is given: by name, by ``partial``, or for work that a job can do without."""
    found = raised("warning", "core")
    for called, args in calls("core"):
        if called == "optional" or (called == "partial" and getattr(args[0], "attr", "") == "warning"):
            found |= set(constants(args[1]))
        elif called == "tell" and len(args) == 2:
            found |= set(constants(args[0]))
    return found


def of_installer() -> set[str]:
    """Codes of the installer: raised, chosen by what a tool printed, or put together when it says nothing more."""
    from vendor_install import children, consent

    found = raised("InstallError", "vendor_install") | {consent.CODE} | {reason[1] for reason in children._REASONS}
    source = (ROOT / "styletex_blender" / "install" / "installer_process.py").read_text(encoding="utf-8")
    return found | set(re.findall(r'"code": "(\w+)"', source))


def sections() -> dict[str, list[str]]:
    """The codes that the guide speaks of, by section."""
    found: dict[str, list[str]] = {}
    section: list[str] = []
    for line in GUIDE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = found.setdefault(line[3:], [])
        elif line.startswith("### "):
            section.append(line[4:].strip("`"))
    return found


@pytest.fixture
def ways_out(bpy, styletex):
    return styletex.module("ui.help.ways_out")


def test_every_code_that_is_raised_is_known_and_none_is_known_in_vain(ways_out):
    in_code = raised("JobError", "core", "styletex_blender")
    # Not raised, but what a process ends with.
    assert in_code | {"cancelled"} == set(EXIT_STATUS)
    assert set(ways_out.ERRORS) == set(EXIT_STATUS)
    assert set(ways_out.WARNINGS) == warned()
    assert set(ways_out.INSTALLER) == of_installer()


def test_every_code_has_its_page_and_no_page_is_of_no_code(ways_out):
    pages = sections()
    assert pages["Errors"] == sorted(ways_out.ERRORS)
    assert pages["Warnings"] == sorted(ways_out.WARNINGS)
    assert pages[ways_out.INSTALLER_SECTION] == sorted(ways_out.INSTALLER)


def test_every_page_says_something(ways_out):
    for page in re.split(r"^###? ", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, _, text = page.partition("\n")
        if title not in sections():
            assert len(text.split()) >= 6, title


def test_exit_statuses_of_the_guide_are_those_of_the_code():
    table = {
        code: int(status)
        for status, codes in re.findall(r"^\| (\d+) \| (.+) \|$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
        for code in re.findall(r"`(\w+)`", codes)
    }
    assert table == EXIT_STATUS


def test_every_button_exists_and_every_line_is_that_of_its_page(bpy, ways_out):
    lines = GUIDE.read_text(encoding="utf-8").splitlines()
    for code, names in ways_out.ERRORS.items():
        for name in names:
            assert hasattr(bpy.types, name.replace("styletex.", "STYLETEX_OT_")), name
        assert lines[ways_out.line_of(code)] == f"### `{code}`"
    assert lines[ways_out.line_of("disk_full", ways_out.INSTALLER_SECTION)] == "### `disk_full`"
    assert ways_out.line_of("disk_full", ways_out.INSTALLER_SECTION) > ways_out.line_of("disk_full")
    assert ways_out.line_of("unheard_of") == 0
