"""The page about git names every code that git/ can raise and every branch it writes: people can look them up."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.git.heartbeat import ALIVE_REFS
from reconciler.git.remote import PROPOSAL_REFS
from reconciler.git.status_branch import STATUS_REFS

ROOT = Path(__file__).parents[2]
CODE = re.compile(r'(?:GitTrouble|Problem)\(\s*"([a-z-]+)"|code: str = "([a-z-]+)"|code="([a-z-]+)"')


def test_every_code_is_on_the_page_and_no_other() -> None:
    sources = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "reconciler" / "git").rglob("*.py")))
    codes = {name for names in CODE.findall(sources) for name in names if name}
    page = (ROOT / "docs" / "concepts" / "git.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    assert {code for row in rows for code in re.findall(r"`([a-z-]+)`", row)} == codes


def test_every_branch_that_is_written_is_on_the_page_and_no_other() -> None:
    """Who protects branches as the page says must not cut off the sign of life."""
    page = (ROOT / "docs" / "concepts" / "git.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z/]+/)<[a-z]+>` \|", page, re.MULTILINE)
    assert [ref.removeprefix("refs/heads/") for ref in (STATUS_REFS, ALIVE_REFS, PROPOSAL_REFS)] == rows
