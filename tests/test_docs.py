# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents: every link inside the checkout leads somewhere, and the guide's pictures are there and small."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
GUIDE = ROOT / "docs" / "guide.md"
MOST_BYTES = 100_000


def text_of(page: Path) -> str:
    """A page without its examples."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The places of a page that a link can lead to, as GitHub calls them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        place = (page.parent / file).resolve() if file else page
        assert place.exists(), target
        assert not anchor or anchor in anchors(place), target


def test_pictures_of_the_guide_are_small_and_all_of_them_are_shown():
    shown = set(re.findall(r"\]\((pictures/[\w.]+)\)", GUIDE.read_text(encoding="utf-8")))
    kept = {path.relative_to(GUIDE.parent).as_posix(): path for path in (GUIDE.parent / "pictures").glob("*")}
    assert shown == set(kept)
    assert {name: path.stat().st_size for name, path in kept.items() if path.stat().st_size > MOST_BYTES} == {}
