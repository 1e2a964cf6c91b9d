"""The commands of a move, each with its record and its guard, and how often each is tried. Called by the stages.

Nothing is sent from here: a `Tell` is a value. Decides only whether a start is safe, and when it was tried too often.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.commands import Guard, Verb
from reconciler.core.execution import safety
from reconciler.core.execution.holding import TRIES_MAX, stamped
from reconciler.core.execution.move import Action, LookEverywhere, Move, Pause, Scene, Settle, Tell
from reconciler.core.execution.outcome import Outcome, OutcomeKind
from reconciler.core.model import StepKind
from reconciler.core.observed import HostFacts
from reconciler.core.records import Stage


def start(move: Move, scene: Scene, facts: HostFacts, stage: Stage, *, note: str = "") -> Action:
    """Start the guest on this host, where that is safe and was not tried too often."""
    record = move.record
    if not scene.all_fresh:
        return LookEverywhere()
    against = safety.may_start(record, scene, facts.name)
    if against:
        if record.kind is StepKind.START:
            kind = OutcomeKind.FAILED if record.starts else OutcomeKind.CHANGED
            return Settle(Outcome(kind, "OwnerUnknown", against))
        return Settle(Outcome(OutcomeKind.BROKEN, "TwoCopies", f"not started on {facts.name}: {against}"))
    full = safety.room_to_start(record, facts, scene.documents.get(facts.name))
    if full and record.kind is StepKind.START:
        return Settle(Outcome(OutcomeKind.CHANGED, "NoRoomNow", full))
    if full and facts.clock_s - record.stage_since_s <= scene.timing.start_patience_s:
        return Pause(scene.timing.poll_s, f"waiting for room to start {move.guest}: {full}")
    if full:
        return Settle(Outcome(OutcomeKind.BROKEN, "GuestDown", f"no room to start it again: {full}"))
    if facts.record(record.id) is None and record.under_way and move.tried(Verb.CLAIM) < 2 * TRIES_MAX:
        claim = stamped(record, scene, facts, Stage.CLAIMED)
        return Tell(Verb.CLAIM, facts.name, claim, None)
    if record.starts >= TRIES_MAX or move.tried(Verb.START) >= 2 * TRIES_MAX:
        text = f"{record.guest_name} does not start on {facts.name}"
        if record.kind is StepKind.START:
            return Settle(Outcome(OutcomeKind.FAILED, "StartFailed", text))
        return Settle(Outcome(OutcomeKind.BROKEN, "GuestDown", f"{text}; it was running before this move stopped it"))
    return tell(move, Verb.START, scene, facts, stage, starts=record.starts + 1, note=note or record.note)


def once_more(
    move: Move, verb: Verb, scene: Scene, facts: HostFacts, stage: Stage, *, stopped_by_us: bool | None = None
) -> Action:
    """Send a deed that has not begun yet; after too many tries without any sign of it, give up: nothing was done."""
    if move.tried(verb) >= TRIES_MAX:
        return Settle(Outcome(OutcomeKind.ABORTED, "NoAnswer", f"{facts.name} did not carry out {verb}"))
    changes = {} if stopped_by_us is None else {"stopped_by_us": stopped_by_us}
    return tell(move, verb, scene, facts, stage, **changes)


def tell(
    move: Move,
    verb: Verb,
    scene: Scene,
    facts: HostFacts,
    stage: Stage,
    *,
    since_s: float | None = None,
    **changes: object,
) -> Tell:
    """The command with the record as it shall lie there, guarded by the record as it lies there now."""
    copy = facts.record(move.record.id)
    at = copy.stage if copy is not None else stage
    record = replace(stamped(move.record, scene, facts, stage), **changes)  # type: ignore[arg-type]  # fields by name
    if since_s is not None:
        record = replace(record, stage_since_s=since_s)
    controller = copy.controller if copy is not None and not copy.under_way else scene.controller
    parked = copy is not None and not copy.under_way
    return Tell(verb, facts.name, record, Guard(record.id, controller, (at,), may_be_expired=parked))
