"""Migrations that somebody else began, as move records: so that they hold their guest and their hosts' slots.

Called by drivers that see such a migration on a host. Such a record lies nowhere: each look makes it anew.
"""

from __future__ import annotations

from reconciler.core.model import Method, RunState, StepKind
from reconciler.core.records import MoveRecord, Stage

BY_HAND = "by-hand"
ELSEWHERE = "elsewhere"
"""The other end, where nothing tells which host it is."""
HELD_S = 3600.0
"""Longer than a pass goes by without a new look."""


def by_hand(
    mark: str, *, guest_uuid: str, guest_name: str, source: str, target: str, clock_s: float, note: str
) -> MoveRecord:
    """The record; `mark` tells it from others of the same host."""
    return MoveRecord(
        id=f"{BY_HAND}.{mark}",
        guest_uuid=guest_uuid,
        guest_name=guest_name,
        kind=StepKind.MIGRATE,
        source=source,
        target=target,
        method=Method.ONLINE,
        was=RunState.RUNNING,
        intent="",
        facts="",
        controller=BY_HAND,
        stage=Stage.MIGRATING,
        expires_s=clock_s + HELD_S,
        note=note,
    )
