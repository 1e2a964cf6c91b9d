"""Ready, Reconciling, Stalled: the three conditions of each guest, with reason codes.

Called once a pass by report; the words follow what Kubernetes tools understand. Decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.diff import Finding, GuestDiff
from reconciler.core.execution.outcome import Outcome, OutcomeKind
from reconciler.core.planning.plan import Blocked


class Status(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True)
class Condition:
    """One condition: `reason` is a code of docs/reference/reasons.md, `message` a sentence."""

    type: str
    status: Status
    reason: str
    message: str


def conditions(
    guest: GuestDiff, blocked: Blocked | None, outcome: Outcome | None, pending: bool
) -> tuple[Condition, Condition, Condition]:
    """Ready, Reconciling, Stalled for one guest, from what was seen last, what was refused, how its last step ended,
    and whether a step of it is still to come or under way."""
    if guest.finding in (Finding.IN_PLACE, Finding.RENAMED):
        reason, message, ready = "InPlace", guest.text, Status.TRUE
    elif guest.finding is Finding.UNMANAGED:
        reason, message, ready = "Unmanaged", guest.text, Status.UNKNOWN
    elif guest.finding is Finding.UNKNOWN:
        reason, message, ready = "OwnerUnknown", guest.text, Status.UNKNOWN
    else:
        reason, message, ready = _title(guest.finding), guest.text, Status.FALSE
    stalled = _stalled(guest, blocked, outcome, pending)
    going = pending and stalled is None
    return (
        Condition("Ready", ready, reason, message),
        Condition(
            "Reconciling",
            Status.TRUE if going else Status.FALSE,
            "Progressing" if going else "NothingToDo" if ready is Status.TRUE else "NotProgressing",
            "a step is planned or under way" if going else "",
        ),
        stalled or Condition("Stalled", Status.FALSE, "NotStalled", ""),
    )


def _stalled(guest: GuestDiff, blocked: Blocked | None, outcome: Outcome | None, pending: bool) -> Condition | None:
    """What keeps the guest from its declared place although nothing is on its way."""
    if blocked is not None:
        fix = f" ({blocked.fix})" if blocked.fix else ""
        return Condition("Stalled", Status.TRUE, blocked.reason, f"{blocked.text}{fix}")
    if outcome is not None and outcome.kind not in (OutcomeKind.DONE, OutcomeKind.CHANGED) and not pending:
        if guest.finding not in (Finding.IN_PLACE, Finding.RENAMED):
            return Condition("Stalled", Status.TRUE, outcome.reason, outcome.text)
    return None


def _title(finding: Finding) -> str:
    """`power-differs` -> `PowerDiffers`."""
    return "".join(word.capitalize() for word in finding.split("-"))
