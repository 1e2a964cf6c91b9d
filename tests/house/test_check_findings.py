"""Each code that `check` can find is in the reference, and each in the reference can be found."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.ssh.trouble import Trouble

ROOT = Path(__file__).parents[2]
MADE = re.compile(r'(?:problem|warning|of_guests|CheckFinding)\(\s*[^,]+,\s*"([a-z]+(?:-[a-z]+)+)"')
NAMED = re.compile(r'(?:HostReason\.\w+: |code = |return )"([a-z]+(?:-[a-z]+)+)"')
FOLDERS = ("drivers/hpvm/checking", "drivers/libvirt/checking", "ssh/looks", "loop/answers")


def used() -> set[str]:
    """All codes that findings are made with."""
    modules = [path for folder in FOLDERS for path in (ROOT / "reconciler" / folder).glob("*.py")]
    texts = [path.read_text(encoding="utf-8") for path in modules]
    return {trouble.value for trouble in Trouble} | {
        code for text in texts for pattern in (MADE, NAMED) for code in pattern.findall(text)
    }


def test_each_code_is_documented_and_none_beside() -> None:
    page = (ROOT / "docs/reference/check-findings.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE))
    assert len(documented) > 30
    assert used() == documented
