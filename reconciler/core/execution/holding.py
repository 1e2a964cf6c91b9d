"""Taking, keeping and giving back the move records on both hosts of a move.

Called by procedure. Decides nothing about the guest; a record is the lock on it, so nothing is done to it without.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.commands import AnswerKind, Guard, Verb
from reconciler.core.execution.lateness import marked, may_stop_late
from reconciler.core.execution.move import Action, Finish, Move, Scene, Settle, Tell, Timing
from reconciler.core.execution.outcome import PARKED_AS, RECORD_STAYS, Outcome, OutcomeKind
from reconciler.core.model import RunState
from reconciler.core.observed import HostFacts, Unreachable
from reconciler.core.records import MoveRecord, Parked, Stage

TRIES_MAX = 3
"""How often one command is sent when nothing came of it."""
RELEASE_TRIES_MAX = 5


def hold(move: Move, scene: Scene, source: HostFacts, target: HostFacts) -> Action | None:
    """What is needed before anything else so that both records are there and name us; None where they do."""
    for facts in (source, target) if len(move.hosts) > 1 else (source,):
        copy = facts.record(move.record.id)
        if copy is not None and copy.controller == scene.controller and copy.expires_s > facts.clock_s:
            continue
        if copy is not None and (copy.controller == scene.controller or copy.expires_s <= facts.clock_s):
            return _adopt(move, scene, facts, copy)
        if copy is not None:
            return Settle(Outcome(OutcomeKind.UNKNOWN, "HeldByOther", f"{facts.name}: taken over by {copy.controller}"))
        if move.record.stage is Stage.CLAIMED and not move.adopted:
            return _claim(move, scene, facts)
        if facts is source and target.record(move.record.id) is None:
            return Settle(Outcome(OutcomeKind.UNKNOWN, "RecordLost", f"the move record on {facts.name} is gone"))
    return None


def _claim(move: Move, scene: Scene, facts: HostFacts) -> Action:
    """Write the record on this host, unless that was refused or led to nothing too often."""
    refused = (AnswerKind.FAILED, AnswerKind.GUARDED)
    if move.last is not None and move.last[0] is Verb.CLAIM and move.last[1].kind in refused:
        holder = facts.record_of(move.record.guest_uuid)
        by = f" by {holder.controller}" if holder is not None else ""
        return Settle(Outcome(OutcomeKind.CHANGED, "HeldByOther", f"the guest or {facts.name} is held{by}"))
    if move.tried(Verb.CLAIM) >= 2 * TRIES_MAX:
        return Settle(Outcome(OutcomeKind.CHANGED, "NoAnswer", f"{facts.name} did not take the move record"))
    replaced = facts.record_of(move.record.guest_uuid)
    guard = None
    if replaced is not None:
        if replaced.under_way and replaced.expires_s > facts.clock_s:
            return Settle(Outcome(OutcomeKind.CHANGED, "HeldByOther", f"{facts.name}: held by {replaced.controller}"))
        remembered = _remembered(move, replaced, facts.clock_s, scene.timing)
        if remembered is not None:
            return Settle(remembered)
        guard = Guard(replaced.id, replaced.controller, (replaced.stage,), may_be_expired=True)
    return Tell(Verb.CLAIM, facts.name, stamped(move.record, scene, facts, Stage.CLAIMED), guard)


def _remembered(move: Move, parked: MoveRecord, clock_s: float, timing: Timing) -> Outcome | None:
    """What a parked record that lies here says against beginning this move now: it may have come after the plan."""
    record = move.record
    if marked(parked) and record.was is RunState.STOPPED:
        text = f"{record.guest_name} stopped late for an earlier move, and is to be started again where it is"
        return Outcome(OutcomeKind.CHANGED, "StopPending", text)
    if may_stop_late(parked, clock_s, timing):
        text = f"{record.guest_name} was asked to stop by an earlier move and may stop yet"
        return Outcome(OutcomeKind.CHANGED, "StopPending", text)
    if (
        move.insisted
        or parked.stage is not Stage.PARKED
        or parked.intent != record.intent
        or parked.controller == record.controller
    ):
        return None
    same = (parked.target, parked.method, parked.facts) == (record.target, record.method, record.facts)
    if parked.parked is Parked.REFUSED and not same:
        return None
    if parked.parked is Parked.ABORTED and parked.not_before_s <= clock_s:
        return None
    return Outcome(OutcomeKind.CHANGED, "TriedByOther", f"{parked.controller} has just tried it: {parked.note}")


def _adopt(move: Move, scene: Scene, facts: HostFacts, copy: MoveRecord) -> Action:
    """Make an expired record ours, or ours alive again. The source comes first: whoever has it, has the move."""
    if move.tried(Verb.RENEW) >= 2 * TRIES_MAX:
        return Settle(Outcome(OutcomeKind.UNKNOWN, "NoAnswer", f"{facts.name}: the move record could not be renewed"))
    guard = Guard(copy.id, copy.controller, (copy.stage,), may_be_expired=True)
    record = replace(copy, controller=scene.controller, expires_s=facts.clock_s + scene.timing.record_ttl_s)
    return Tell(Verb.RENEW, facts.name, record, guard)


def renewal(move: Move, scene: Scene) -> Tell | None:
    """Renew a record that would expire while we wait."""
    for host in move.hosts:
        facts = scene.looks[host]
        copy = facts.record(move.record.id) if isinstance(facts, HostFacts) else None
        if isinstance(facts, HostFacts) and copy is not None:
            if copy.expires_s - facts.clock_s < scene.timing.record_ttl_s / 2:
                record = replace(copy, expires_s=facts.clock_s + scene.timing.record_ttl_s)
                return Tell(Verb.RENEW, host, record, Guard(copy.id, copy.controller, (copy.stage,)))
    return None


def take_records_away(move: Move, scene: Scene, outcome: Outcome) -> Action:
    """The last thing of a move: target first, source last. What cannot be reached keeps its record for an adopter."""
    if outcome.kind in RECORD_STAYS:
        return Finish(outcome)
    for host in reversed(move.hosts):
        facts = scene.looks[host]
        if isinstance(facts, Unreachable):
            if outcome.kind is OutcomeKind.CHANGED:
                continue
            return Finish(outcome)
        copy = facts.record(move.record.id)
        if copy is None or not copy.under_way or copy.controller != scene.controller:
            continue
        if move.tried(Verb.RELEASE) + move.tried(Verb.PARK) >= RELEASE_TRIES_MAX:
            return Finish(outcome)
        guard = Guard(copy.id, copy.controller, (copy.stage,), may_be_expired=True)
        if host == move.record.source and outcome.kind in PARKED_AS:
            return Tell(Verb.PARK, host, parked(copy, outcome, move, facts.clock_s), guard)
        return Tell(Verb.RELEASE, host, copy, guard)
    return Finish(outcome)


def parked(record: MoveRecord, outcome: Outcome, move: Move, clock_s: float) -> MoveRecord:
    """The record that remembers why this attempt ended, and when the next one may begin."""
    pause_s = move.retry.pause_s(record.attempt) if outcome.kind is OutcomeKind.ABORTED else 0
    return replace(
        record,
        stage=Stage.PARKED,
        parked=PARKED_AS[outcome.kind],
        not_before_s=clock_s + pause_s,
        stage_since_s=clock_s,
        stopped_by_us=outcome.reason == "StopTimedOut" and record.stopped_by_us,
        note=f"{outcome.reason}: {outcome.text}"[:400],
    )


def stamped(record: MoveRecord, scene: Scene, facts: HostFacts, stage: Stage) -> MoveRecord:
    """The record at this stage from now on, by this host's clock."""
    return replace(
        record,
        controller=scene.controller,
        stage=stage,
        stage_since_s=facts.clock_s,
        expires_s=facts.clock_s + scene.timing.record_ttl_s,
    )
