"""A guest that was asked to stop, ignored it past its deadline, and may stop yet.

Nothing can take a request to shut down back. So the record that is parked when a move gives up is a watch, for a while:
a guest that stops within it was stopped by us, and is started again where it is. Called by procedure and by loop/;
never sends anything.
"""

from __future__ import annotations

from reconciler.core.execution.move import Timing
from reconciler.core.model import RunState
from reconciler.core.observed import HostFacts
from reconciler.core.records import MoveRecord, Stage

LATE = "StoppedLate"
"""What the note of a record begins with once its guest was seen down: from then on it is no longer a matter of time."""


def marked(record: MoveRecord) -> bool:
    """Whether the guest was seen down after we gave up: it is to be started again whenever that becomes possible."""
    return record.stage is Stage.PARKED and record.stopped_by_us and record.note.startswith(LATE)


def may_stop_late(record: MoveRecord, clock_s: float, timing: Timing) -> bool:
    """Whether this parked record still watches for a late stop, by its host's clock."""
    watches = record.stage is Stage.PARKED and record.stopped_by_us
    return watches and clock_s < record.stage_since_s + timing.late_stop_s


def stopped_late(record: MoveRecord, source: HostFacts, timing: Timing) -> bool:
    """Whether the guest has stopped, on its source, within the watch."""
    return (marked(record) or may_stop_late(record, source.clock_s, timing)) and has_stopped(record, source)


def has_stopped(record: MoveRecord, source: HostFacts) -> bool:
    """Whether the guest is down where it was asked to stop, and could be started there."""
    entry = source.registration(record.guest_uuid)
    there = source.name == record.source and entry is not None and entry.runnable
    return there and entry is not None and entry.state is RunState.STOPPED
