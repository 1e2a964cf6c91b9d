"""What earlier attempts mean for this one: the parked records of a guest, weighed.

Called by admission for a guest that differs, and where records of guests in their place are tidied away. Reads records
and host clocks only; never decides how a guest moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.core.desired import Guest, MigrationPolicy
from reconciler.core.model import Method
from reconciler.core.observed import HostFacts, ObservedFleet, Registration
from reconciler.core.planning.intent import aside_digest, facts_digest
from reconciler.core.planning.plan import Reason
from reconciler.core.planning.situation import Situation
from reconciler.core.quantities import format_moment
from reconciler.core.records import MoveRecord, Parked


@dataclass(frozen=True)
class History:
    """What is left to do after earlier attempts, or why nothing is."""

    attempt: int = 1
    refused: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(source, target) pairs that the platform refused on the very facts of now -> what it said."""
    spent: MoveRecord | None = None
    """The last attempt allowed by the document, where an offline one may still follow."""
    against: tuple[Reason, str, str] | None = None
    """Reason, text and fix where nothing may be tried now."""


def weigh(situation: Situation, uuid: str, intent: str, policy: MigrationPolicy) -> History:
    """What the guest's parked records say of this intent. Those of another intent say nothing."""
    records = [record for record in situation.parked.get(uuid, ()) if record.intent == intent]
    failed = _last(records, Parked.FAILED)
    if failed is not None:
        fix = f"look at the guest and its hosts, then change its document, or `{_retry(failed)}`"
        return History(against=(Reason.FAILED_BEFORE, f"the last attempt failed: {failed.note}", fix))
    refused = {
        (record.source, record.target): record.note
        for record in records
        if record.parked is Parked.REFUSED and _same_facts(situation, record)
    }
    aborted = _last(records, Parked.ABORTED)
    if aborted is None:
        return History(refused=refused)
    spent = aborted.attempt >= policy.attempts
    if spent and (policy.method is not None or aborted.method is not Method.ONLINE):
        return History(against=exhausted(aborted, policy))
    source = situation.hosts.get(aborted.source)
    if source is not None and source.clock_s < aborted.not_before_s:
        text = (
            f"attempt {aborted.attempt} of {policy.attempts} ended harmlessly ({aborted.note}); "
            f"the next one not before {format_moment(aborted.not_before_s)} by the clock of {aborted.source}"
        )
        return History(against=(Reason.BACKING_OFF, text, "wait"))
    return History(aborted.attempt + 1, refused, aborted if spent else None)


def exhausted(record: MoveRecord, policy: MigrationPolicy) -> tuple[Reason, str, str]:
    """Why no further attempt is made."""
    text = f"{record.attempt} attempts of {policy.attempts} ended without a move: {record.note}"
    fix = f"remove what stands in the way, then change the document, or `{_retry(record)}`"
    return Reason.ATTEMPTS_EXHAUSTED, text, fix


def _retry(record: MoveRecord) -> str:
    return f"reconciler apply --retry {record.guest_name}"


def held(situation: Situation, record: MoveRecord) -> tuple[Reason, str, str]:
    """Why a guest is left alone while a record says that it is on its way."""
    what = f"{record.kind} {record.source} → {record.target}" if record.source != record.target else f"{record.kind}"
    if situation.controller and record.controller == situation.controller:
        text = f"an earlier pass began it and did not see its end ({what}, stage {record.stage})"
        return Reason.MOVE_UNDER_WAY, text, "the next pass goes on with it: `reconciler apply`"
    until = f"its record holds until {format_moment(record.expires_s)} by the clock of {record.source}"
    text = f"{record.controller} is at work on it ({what}, stage {record.stage}); {until}"
    return Reason.HELD_BY_OTHER, text, "wait: an expired record is taken over by the next pass"


def against_aside(guest: Guest, record: MoveRecord, observed: ObservedFleet) -> bool:
    """Whether a parked record of a guest that is in its place still speaks against moving it aside for others."""
    if record.intent != aside_digest(guest):
        return False
    if record.parked is Parked.ABORTED and record.attempt < guest.migration.attempts:
        source = observed.facts(record.source)
        return source is None or source.clock_s < record.not_before_s
    if record.parked is Parked.FAILED:
        return True
    source, target = observed.facts(record.source), observed.facts(record.target)
    entry = source.registration(record.guest_uuid) if source is not None else None
    return _unchanged(record, entry, source, target)


def _last(records: Sequence[MoveRecord], parked: Parked) -> MoveRecord | None:
    found = [record for record in records if record.parked is parked]
    return max(found, key=lambda record: (record.attempt, record.stage_since_s, record.id), default=None)


def _same_facts(situation: Situation, record: MoveRecord) -> bool:
    """Whether nothing has changed since the platform said no."""
    source, target = situation.hosts.get(record.source), situation.hosts.get(record.target)
    return _unchanged(record, situation.registrations.get((record.source, record.guest_uuid)), source, target)


def _unchanged(
    record: MoveRecord, entry: Registration | None, source: HostFacts | None, target: HostFacts | None
) -> bool:
    if source is None or target is None or entry is None:
        return False
    return facts_digest(entry, source, target) == record.facts
