"""The README is what a newcomer goes by, so what it says must be there."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.documents import load

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_link_leads_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if not link.startswith("http")]
    assert len(links) > 15
    assert [] == [link for link in links if not (ROOT / link).exists()]


def test_every_page_is_linked() -> None:
    pages = {str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")}
    assert set() == {page for page in pages if f"({page})" not in README}


def test_every_make_target_that_it_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"make ([a-z]+)", README))
    assert {"demo", "test"} <= named
    assert set() == {target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)} - {"alone"}


def test_the_fleet_it_shows_is_valid() -> None:
    example = README.partition("```yaml\n")[2].partition("```")[0]
    loaded = load({"readme.yaml": example.encode()})
    assert () == loaded.problems
    assert loaded.require().guests["web01"].host == "vmhost-a"
