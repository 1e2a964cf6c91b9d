"""The three conditions of a guest, from what was seen, refused and done."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.diff import Finding, GuestDiff, HostReason
from reconciler.core.execution.outcome import Outcome, OutcomeKind
from reconciler.core.planning.plan import Blocked
from reconciler.core.reports import conditions as module
from reconciler.core.reports.conditions import READY, Condition, conditions

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
BLOCKED = Blocked("web", "u", "b", "a", "NoRoom", "b is short of memory", "make room")
FAILED = Outcome(OutcomeKind.FAILED, "StopTimedOut", "it runs on")
DONE = Outcome(OutcomeKind.DONE, "Moved", "running on b")


def of(
    finding: Finding, blocked: Blocked | None = None, outcome: Outcome | None = None, *, pending: bool = False
) -> list[str]:
    found = conditions(GuestDiff("web", "u", finding, "b", (), "as it is"), blocked, outcome, pending)
    return [_told(condition) for condition in found]


def _told(condition: Condition) -> str:
    return f"{condition.type} {condition.status} {condition.reason}"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (of(Finding.IN_PLACE), ["Ready True InPlace", "Reconciling False NothingToDo", "Stalled False NotStalled"]),
        (
            of(Finding.MISPLACED, pending=True),
            ["Ready False Misplaced", "Reconciling True Progressing", "Stalled False NotStalled"],
        ),
        (
            of(Finding.MISPLACED, BLOCKED, pending=True),
            ["Ready False Misplaced", "Reconciling False NotProgressing", "Stalled True NoRoom"],
        ),
        (
            of(Finding.MISPLACED, outcome=FAILED),
            ["Ready False Misplaced", "Reconciling False NotProgressing", "Stalled True StopTimedOut"],
        ),
        (of(Finding.IN_PLACE, outcome=DONE), of(Finding.IN_PLACE)),
        (
            of(Finding.UNKNOWN),
            ["Ready Unknown OwnerUnknown", "Reconciling False NotProgressing", "Stalled False NotStalled"],
        ),
    ],
)
def test_a_guests_conditions(found: list[str], expected: list[str]) -> None:
    assert expected == found


def test_every_finding_has_a_reason() -> None:
    assert set(Finding) == set(READY)


def test_every_reason_of_a_condition_is_documented() -> None:
    page = (REFERENCE / "reasons.md").read_text(encoding="utf-8")
    table = page[page.index("## What a guest's conditions say") :]
    others = {module.PROGRESSING, module.NOTHING_TO_DO, module.NOT_PROGRESSING, module.NOT_STALLED}
    assert [] == sorted(
        reason for reason in {reason for _, reason in READY.values()} | others if f"`{reason}`" not in table
    )


def test_every_finding_about_a_host_is_documented() -> None:
    page = (REFERENCE / "findings.md").read_text(encoding="utf-8")
    assert [] == [reason.value for reason in HostReason if f"| `{reason}` |" not in page]
