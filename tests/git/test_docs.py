"""The page about git names every code that git/ can raise, so that people can look up what they see."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = re.compile(r'(?:GitTrouble|Problem)\(\s*"([a-z-]+)"|code: str = "([a-z-]+)"|code="([a-z-]+)"')


def test_every_code_is_on_the_page_and_no_other() -> None:
    sources = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "reconciler" / "git").rglob("*.py")))
    codes = {name for names in CODE.findall(sources) for name in names if name}
    page = (ROOT / "docs" / "concepts" / "git.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    assert {code for row in rows for code in re.findall(r"`([a-z-]+)`", row)} == codes
