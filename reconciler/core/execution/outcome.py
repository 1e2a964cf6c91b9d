"""How a step can end, and what follows from each end. Used by procedure, run and report; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.records import Parked


class OutcomeKind(StrEnum):
    """The classes of ends; documented in docs/reference/outcomes.md."""

    DONE = "done"
    ABORTED = "aborted"
    """Ended harmlessly, the guest is as it was: tried again after a pause, as often as its document says."""
    REFUSED = "refused"
    """The platform said no before anything was done: not tried again until something changes."""
    CHANGED = "changed"
    """The world is not what the plan was made on; nothing was done. Planned anew."""
    FAILED = "failed"
    """Ended badly but understood: a person must look, or change the document."""
    UNKNOWN = "unknown"
    """Nothing certain is known: hands off until both hosts were seen. The record stays."""
    BROKEN = "broken"
    """Two copies, none that could be started, or another state that must not be: alarm, hands off."""

    @property
    def bad(self) -> bool:
        """Whether three runs in a row that end like this suspend the fleet."""
        return self in (OutcomeKind.UNKNOWN, OutcomeKind.BROKEN)


@dataclass(frozen=True)
class Outcome:
    """How one step ended: the class, a reason code (docs/reference/reasons.md) and a sentence."""

    kind: OutcomeKind
    reason: str
    text: str


PARKED_AS = {
    OutcomeKind.ABORTED: Parked.ABORTED,
    OutcomeKind.REFUSED: Parked.REFUSED,
    OutcomeKind.FAILED: Parked.FAILED,
}
"""Ends after which the record stays on the source, parked, to remember why."""

RECORD_STAYS = frozenset({OutcomeKind.UNKNOWN, OutcomeKind.BROKEN})
"""Ends after which the record stays as it is: it still holds the guest."""
