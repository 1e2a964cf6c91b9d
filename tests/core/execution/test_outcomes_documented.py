"""Every outcome and reason code that a report can carry is explained to operators."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.core.execution.outcome import OutcomeKind

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/reference/outcomes.md").read_text(encoding="utf-8")


def test_every_class_is_documented() -> None:
    assert [] == [kind.value for kind in OutcomeKind if f"| `{kind.value}` |" not in PAGE]


def test_every_reason_code_is_documented_with_its_class() -> None:
    found: set[tuple[str, str]] = set()
    for name in ("core/execution/procedure.py", "core/execution/holding.py", "loop/moving.py"):
        text = (ROOT / "reconciler" / name).read_text(encoding="utf-8")
        found |= set(re.findall(r'Outcome\(\s*OutcomeKind\.([A-Z]+),\s*"([A-Za-z]+)"', text))
    assert len(found) > 20
    rows = {row[0]: row[1] for row in re.findall(r"^\| `([A-Za-z]+)` \| ([a-z, ]+) \|", PAGE, re.MULTILINE)}
    assert [] == sorted(reason for kind, reason in found if kind.lower() not in rows.get(reason, ""))
