"""The examples on the page about planning are what the planner does."""

from __future__ import annotations

import re
from pathlib import Path

from tests.core.fleets import ALLOWED, guest, host, refusals, registration, world

SCENARIOS = Path(__file__).parent / "scenarios"
PAGE = (Path(__file__).resolve().parents[3] / "docs/concepts/planning.md").read_text(encoding="utf-8")
GIB = 1024


def test_the_example_is_what_is_planned() -> None:
    looks = [
        host("vmhost-a", registration("db01", 16 * GIB)),
        host("vmhost-b", registration("web01", 8 * GIB), registration("web02", 8 * GIB)),
        host("vmhost-c"),
        host("vmhost-d", registration("batch01", 2 * GIB), registration("mail01", 2 * GIB), version="4.1"),
    ]
    guests = [
        guest("db01", "vmhost-b"),
        guest("web01", "vmhost-a"),
        guest("web02", "vmhost-a"),
        guest("batch01", "vmhost-c", downtime=ALLOWED),
        guest("mail01", "vmhost-c"),
    ]
    plan = world(looks, guests).plan()
    rows = [
        f"| `{step.id}` | {step.source} → {step.target} | {step.method} "
        f"| {', '.join(f'`{name}`' for name in step.after) or '-'} "
        f"| {step.start_s:.0f} s | {step.duration_s:.0f} s | {step.downtime_s:.0f} s |"
        for step in plan.steps
    ]
    assert re.findall(r"^\| `0.*$", PAGE, re.MULTILINE) == rows
    assert {"mail01": "DowntimeForbidden"} == refusals(plan)


def test_each_schedule_on_the_page_is_that_of_a_scenario() -> None:
    told = [path.read_text(encoding="utf-8") for path in sorted(SCENARIOS.glob("*.txt"))]
    blocks = re.findall(r"^(?: {5}.*\n)+", PAGE, re.MULTILINE)
    schedules = [re.sub(r"^ {4}", "", block, flags=re.MULTILINE) for block in blocks if "GUEST" in block]
    assert 2 == len(schedules)
    for schedule in schedules:
        assert any(schedule in text for text in told), schedule
