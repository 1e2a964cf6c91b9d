"""docs/reference/events.md explains every kind of event, and none that there is not."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.core.reports.events import EventKind, Severity

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "events.md").read_text(encoding="utf-8")


def documented(section: str) -> list[str]:
    return re.findall(r"^\| `([a-z-]+)` \|", PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0], re.MULTILINE)


def test_every_kind_is_documented_once() -> None:
    assert sorted(EventKind) == sorted(documented("Kinds"))


def test_every_severity_is_documented() -> None:
    assert list(Severity) == documented("Severities")
