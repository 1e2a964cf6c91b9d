"""Ready, Reconciling, Stalled: the three conditions of each guest, with reason codes.

Called by loop/ at the end of a pass; the words follow what Kubernetes tools understand. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.core.diff import Finding, GuestDiff
from reconciler.core.execution.outcome import Outcome, OutcomeKind
from reconciler.core.planning.plan import Blocked, Reason


class Status(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class ConditionType(StrEnum):
    """What a condition speaks of."""

    READY = "Ready"
    """The guest is where and as its document says."""
    RECONCILING = "Reconciling"
    """A step of it is planned or under way."""
    STALLED = "Stalled"
    """It is not in its place, and nothing is on its way: a person must look."""


@dataclass(frozen=True)
class Condition:
    """One condition: `reason` is a code of docs/reference/reasons.md, `message` a sentence."""

    type: ConditionType
    status: Status
    reason: str
    message: str
    since: str = ""
    """When status and reason became what they are, as RFC 3339 has it; empty where that was never reported."""


READY: Mapping[Finding, tuple[Status, str]] = {
    Finding.IN_PLACE: (Status.TRUE, "InPlace"),
    Finding.RENAMED: (Status.TRUE, "InPlace"),
    Finding.UNMANAGED: (Status.UNKNOWN, "Unmanaged"),
    Finding.UNKNOWN: (Status.UNKNOWN, "OwnerUnknown"),
    Finding.MISPLACED: (Status.FALSE, "Misplaced"),
    Finding.POWER_DIFFERS: (Status.FALSE, "PowerDiffers"),
    Finding.SETTINGS_DIFFER: (Status.FALSE, "SettingsDiffer"),
    Finding.MISSING: (Status.FALSE, "Missing"),
    Finding.REPLACED: (Status.FALSE, "Replaced"),
    Finding.DUPLICATED: (Status.FALSE, "Duplicated"),
    Finding.NOT_RUNNABLE: (Status.FALSE, "NotRunnable"),
    Finding.QUARANTINED: (Status.FALSE, "Quarantined"),
}
"""Finding -> whether the guest is ready, and the reason code."""

PROGRESSING, NOTHING_TO_DO, NOT_PROGRESSING, NOT_STALLED = "Progressing", "NothingToDo", "NotProgressing", "NotStalled"


def conditions(
    guest: GuestDiff, blocked: Blocked | None, outcome: Outcome | None, pending: bool
) -> tuple[Condition, Condition, Condition]:
    """Ready, Reconciling, Stalled for one guest, from what was seen last, what was refused, how its last step ended,
    and whether a step of it is still to come or under way."""
    ready, reason = READY[guest.finding]
    if blocked is not None and blocked.reason in DELIBERATE:
        return (
            Condition(ConditionType.READY, ready, reason, guest.text),
            Condition(ConditionType.RECONCILING, Status.FALSE, blocked.reason, f"{blocked.text} ({blocked.fix})"),
            Condition(ConditionType.STALLED, Status.FALSE, NOT_STALLED, ""),
        )
    stalled = _stalled(guest, blocked, outcome, pending)
    if pending and stalled is None:
        going = Condition(ConditionType.RECONCILING, Status.TRUE, PROGRESSING, "a step is planned or under way")
    else:
        still = NOTHING_TO_DO if ready is Status.TRUE else NOT_PROGRESSING
        going = Condition(ConditionType.RECONCILING, Status.FALSE, still, "")
    return (
        Condition(ConditionType.READY, ready, reason, guest.text),
        going,
        stalled or Condition(ConditionType.STALLED, Status.FALSE, NOT_STALLED, ""),
    )


DELIBERATE = frozenset(
    {
        Reason.GUEST_SUSPENDED,
        Reason.HOST_SUSPENDED,
        Reason.HOST_IN_MAINTENANCE,
        Reason.OUTSIDE_WINDOW,
        Reason.DRIFTED,
    }
)
"""Somebody wants it so: nothing is on its way, and nothing is wrong. Said by Reconciling, and Stalled is False."""

Held = tuple[str, str, str]
"""Type, status and reason: what a condition was as it was reported before."""


def lasting(found: tuple[Condition, ...], before: Mapping[Held, str], now: str) -> tuple[Condition, ...]:
    """The conditions, each with the time since which it holds: what was reported `before` where neither status nor
    reason changed, else `now`."""
    return tuple(replace(entry, since=before.get((entry.type, entry.status, entry.reason)) or now) for entry in found)


def _stalled(guest: GuestDiff, blocked: Blocked | None, outcome: Outcome | None, pending: bool) -> Condition | None:
    """What keeps the guest from its declared place although nothing is on its way."""
    if blocked is not None:
        fix = f" ({blocked.fix})" if blocked.fix else ""
        return Condition(ConditionType.STALLED, Status.TRUE, blocked.reason, f"{blocked.text}{fix}")
    if outcome is not None and outcome.kind not in (OutcomeKind.DONE, OutcomeKind.CHANGED) and not pending:
        if guest.finding not in (Finding.IN_PLACE, Finding.RENAMED):
            return Condition(ConditionType.STALLED, Status.TRUE, outcome.reason, outcome.text)
    return None
