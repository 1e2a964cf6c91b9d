"""Who may write which move record on a host: guards, claims, slots.

Called by the world before a command's deed, as one indivisible step. Never touches a guest. Times are the host's own.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.commands import AnswerKind, Guard
from reconciler.core.records import MoveRecord
from reconciler.drivers.simulated.fleet import SimHost


@dataclass(frozen=True)
class Refusal:
    """Why nothing was written."""

    kind: AnswerKind
    text: str


def live(record: MoveRecord, clock_s: float) -> bool:
    """Whether the record holds its guest and a slot now."""
    return record.under_way and record.expires_s > clock_s


def guarded(host: SimHost, guard: Guard, clock_s: float) -> MoveRecord | Refusal:
    """The record that the guard names, or why the guard does not hold."""
    lying = next((record for record in host.records.values() if record.id == guard.record_id), None)
    if lying is None:
        return Refusal(AnswerKind.GUARDED, f"record {guard.record_id} does not lie on {host.name}")
    if lying.controller != guard.controller:
        return Refusal(AnswerKind.GUARDED, f"record {lying.id} is under {lying.controller}, not {guard.controller}")
    if lying.stage not in guard.stages:
        return Refusal(AnswerKind.GUARDED, f"record {lying.id} is at stage {lying.stage}")
    if lying.expires_s <= clock_s and not guard.may_be_expired:
        return Refusal(AnswerKind.GUARDED, f"record {lying.id} expired {clock_s - lying.expires_s:.0f} s ago")
    return lying


def claim(host: SimHost, record: MoveRecord, guard: Guard | None, clock_s: float) -> Refusal | None:
    """Write a record where none lies, or in place of the parked or expired one that the guard names."""
    if guard is not None:
        found = guarded(host, guard, clock_s)
        if isinstance(found, Refusal):
            return found
        if found.guest_uuid != record.guest_uuid:
            return Refusal(AnswerKind.GUARDED, f"record {found.id} is about another guest")
    lying = host.records.get(record.guest_uuid)
    if lying is not None and (guard is None or live(lying, clock_s)):
        return Refusal(AnswerKind.FAILED, f"guest {record.guest_name} is held: record {lying.id} of {lying.controller}")
    return _write(host, record, clock_s)


def rewrite(host: SimHost, record: MoveRecord, guard: Guard | None, clock_s: float) -> Refusal | None:
    """Write the record anew where the guard holds: a later expiry, the next stage, another controller."""
    found = _own(host, record, guard, clock_s)
    if isinstance(found, Refusal):
        return found
    if found.controller != record.controller and live(found, clock_s):
        # The guard may name an expired record that its controller renewed since the adopter looked.
        return Refusal(AnswerKind.GUARDED, f"record {found.id} is alive under {found.controller}")
    return _write(host, record, clock_s)


def release(host: SimHost, record: MoveRecord, guard: Guard | None, clock_s: float) -> Refusal | None:
    """Remove the record where the guard holds, and the ended jobs that belonged to it."""
    found = _own(host, record, guard, clock_s)
    if isinstance(found, Refusal):
        return found
    del host.records[found.guest_uuid]
    host.jobs = [job for job in host.jobs if not (job.ended and job.record_id == found.id)]
    return None


def _own(host: SimHost, record: MoveRecord, guard: Guard | None, clock_s: float) -> MoveRecord | Refusal:
    """The lying record that this write goes on from. Every write but a first claim needs a guard that names it."""
    if guard is None:
        return Refusal(AnswerKind.GUARDED, "nothing is written without a guard but a claim")
    found = guarded(host, guard, clock_s)
    if isinstance(found, Refusal):
        return found
    if (found.id, found.guest_uuid) != (record.id, record.guest_uuid):
        return Refusal(AnswerKind.GUARDED, f"the guard names record {found.id}, the command carries {record.id}")
    return found


def _write(host: SimHost, record: MoveRecord, clock_s: float) -> Refusal | None:
    if live(record, clock_s):
        others = [held for uuid, held in host.records.items() if uuid != record.guest_uuid and live(held, clock_s)]
        if len(others) >= host.slots:
            holders = ", ".join(sorted(f"{held.id} of {held.controller}" for held in others))
            return Refusal(AnswerKind.FAILED, f"no slot is free on {host.name}: held by {holders}")
    host.records[record.guest_uuid] = record
    return None
