"""The next action of a move: a function of its record and of what both hosts say now, never of what was answered.

Called by loop/ each time both ends were looked at after the last command. The only answer that decides anything is the
one to CHECK, which changes nothing. Everything else is read back. An adopter calls the same function with the record
alone, so a controller killed anywhere is followed by one that ends in the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from reconciler.core.commands import GUEST_VERBS, UNASKED, AnswerKind, Guard, Verb
from reconciler.core.execution import safety
from reconciler.core.execution.halfway import clean_source, discard_in_vain, discard_stale, follow, put_back
from reconciler.core.execution.holding import TRIES_MAX, hold, renewal, take_records_away
from reconciler.core.execution.lateness import LATE, has_stopped, marked
from reconciler.core.execution.move import Action, Finish, LookEverywhere, Move, Pause, Scene, Settle, Tell
from reconciler.core.execution.outcome import RECORD_STAYS, Outcome, OutcomeKind
from reconciler.core.execution.setting import carry_autostart, set_here
from reconciler.core.execution.telling import once_more, start, tell
from reconciler.core.model import Method, RunState, StepKind
from reconciler.core.observed import HostFacts, Job, Look, Unreachable
from reconciler.core.quantities import format_moment
from reconciler.core.records import MoveRecord, Stage

PERSON_POLLS = 6
"""Polls of a move that go by between two looks while it waits for a person."""
SAID_MAX = 400
"""How much of what a platform printed goes into an outcome; all of it is in the run record."""

PROGRESS = (
    *("controller", "stage", "stage_since_s", "expires_s", "starts", "stopped_by_us", "settings"),
    *("parked", "not_before_s", "note"),
)
"""What hosts may say of a move of our own: how far it has come, never what it is about and may do."""

STAGE_ORDER = (
    Stage.PARKED,
    Stage.CLAIMED,
    Stage.STOPPING,
    Stage.MIGRATING,
    Stage.STARTING,
    Stage.SETTING,
    Stage.RESTORING,
    Stage.CLEANING,
)


def next_action(move: Move, scene: Scene) -> Action:
    """Decide. `scene.looks` are newer than everything this move has done."""
    if move.ending is not None:
        return take_records_away(move, scene, move.ending)
    source, target = scene.looks[move.record.source], scene.looks[move.record.target]
    if isinstance(source, Unreachable) or isinstance(target, Unreachable):
        return _unreachable(move, scene)
    action = HANDLERS[move.record.stage](move, scene, source, target)
    if isinstance(action, Settle) and action.outcome.kind in RECORD_STAYS:
        return action  # nothing will be done, so the records need not even be renewed
    if isinstance(action, LookEverywhere) and move.record.stage is not Stage.CLAIMED:
        return action  # looking changes nothing; a first claim, though, comes before the looks that it is judged by
    held = hold(move, scene, source, target) if move.record.under_way else None
    if held is not None:
        return held
    if isinstance(action, Pause) and move.record.under_way:
        return renewal(move, scene) or action
    return action


def absorb(move: Move, source: Look, target: Look) -> Move:
    """The move with its record as the hosts have it: the copy that came furthest speaks, as each deed is written
    down on the host where it is done. A host that does not answer takes nothing back of what was read before."""
    copies = [look.record(move.record.id) for look in (source, target) if isinstance(look, HostFacts)]
    found = [copy for copy in copies if copy is not None and (copy.under_way or copy.stage is move.record.stage)]
    if not found:
        return move
    furthest = max(found, key=lambda copy: STAGE_ORDER.index(copy.stage))
    all_seen = isinstance(source, HostFacts) and isinstance(target, HostFacts)
    if not all_seen and STAGE_ORDER.index(furthest.stage) < STAGE_ORDER.index(move.record.stage):
        return move
    if move.adopted:
        return replace(move, record=furthest)
    come = {name: getattr(furthest, name) for name in PROGRESS}
    return replace(move, record=replace(move.record, **come))


def _unreachable(move: Move, scene: Scene) -> Action:
    """An end does not answer: give up where nothing was done yet, else wait, for a while."""
    away = ", ".join(host for host in move.hosts if isinstance(scene.looks[host], Unreachable))
    if not move.adopted and not any(move.tried(verb) for verb in GUEST_VERBS):
        return Settle(Outcome(OutcomeKind.CHANGED, "HostUnreachable", f"{away} stopped answering; nothing was done"))
    since_s = move.unreachable_since_s if move.unreachable_since_s is not None else scene.now_s
    if scene.now_s - since_s > scene.timing.unreachable_patience_s:
        text = f"{away} does not answer; the move is at stage {move.record.stage}"
        return Settle(Outcome(OutcomeKind.UNKNOWN, "HostUnreachable", text))
    return Pause(scene.timing.poll_s, f"{away} does not answer")


# --- the stages ----------------------------------------------------------------------------------------------------


def _claimed(move: Move, scene: Scene, source: HostFacts, target: HostFacts) -> Action:
    """Both records are ours and nothing was done: look, ask the platform, then do the first deed."""
    record = move.record
    if move.adopted:
        return Settle(Outcome(OutcomeKind.CHANGED, "NothingDone", "an earlier controller had not begun it"))
    changed = _unexpected(record, scene, source, target)
    if changed:
        return Settle(Outcome(OutcomeKind.CHANGED, "WorldChanged", changed))
    if _needs_full_look(record):
        if not scene.all_fresh:
            return LookEverywhere()
        unknown = safety.owner_known({**scene.elsewhere, **scene.looks})
        if unknown:
            return Settle(Outcome(OutcomeKind.CHANGED, "OwnerUnknown", unknown))
    if record.kind is not StepKind.STOP:
        full = safety.has_room(record, target, scene.documents.get(target.name))
        if full:
            return Settle(Outcome(OutcomeKind.CHANGED, "NoRoomNow", full))
    if record.kind is StepKind.MIGRATE and not move.checked:
        return _check(move, source)
    if record.kind is StepKind.SET:
        return set_here(move, scene, source)
    if record.kind is StepKind.START:
        return start(move, scene, source, Stage.STARTING)
    if record.kind is StepKind.STOP or (record.method is Method.OFFLINE and record.was is RunState.RUNNING):
        for_move = record.kind is StepKind.MIGRATE
        return once_more(move, Verb.STOP, scene, source, Stage.STOPPING, stopped_by_us=for_move)
    return once_more(move, Verb.MIGRATE, scene, source, Stage.MIGRATING)


def _check(move: Move, source: HostFacts) -> Action:
    """Ask the platform. A refusal is final until facts or intent change; where it could not be asked, that passes."""
    if move.last is not None and move.last[0] is Verb.CHECK and move.last[1].kind is AnswerKind.FAILED:
        text = move.last[1].output.strip()[-SAID_MAX:] or f"exit status {move.last[1].status}"
        if move.last[1].status == UNASKED:
            return Settle(Outcome(OutcomeKind.ABORTED, "NoAnswer", text))
        return Settle(Outcome(OutcomeKind.REFUSED, "RefusedByPlatform", text))
    if move.tried(Verb.CHECK) >= TRIES_MAX:
        return Settle(Outcome(OutcomeKind.ABORTED, "NoAnswer", f"{source.name} did not answer the check"))
    return Tell(Verb.CHECK, source.name, move.record, None)


def _unexpected(record: MoveRecord, scene: Scene, source: HostFacts, target: HostFacts) -> str:
    """What is not as planned, before anything is done; empty where all is."""
    entry = source.registration(record.guest_uuid)
    if entry is None or not entry.startable:
        return f"{record.guest_name} is no longer on {source.name}"
    if entry.state is not record.was:
        return f"{record.guest_name} was {record.was}, is now {entry.state}"
    return safety.other_copies(record, {**scene.elsewhere, target.name: target}, source.name)


def _needs_full_look(record: MoveRecord) -> bool:
    """Whether what is about to happen could make a second copy of a guest that runs where nobody looked: at once, or
    when its host boots and starts it."""
    return record.was is RunState.STOPPED and record.kind is not StepKind.STOP


def _stopping(move: Move, scene: Scene, source: HostFacts, target: HostFacts) -> Action:
    """Asked to stop: go on when it has; past the deadline do what its document says."""
    record = move.record
    entry = source.registration(record.guest_uuid)
    if entry is None or not entry.startable:
        return Settle(
            Outcome(OutcomeKind.UNKNOWN, "GuestVanished", f"no longer on {source.name} while it was stopping")
        )
    if entry.state is RunState.STOPPED:
        if record.kind is StepKind.STOP:
            return Settle(Outcome(OutcomeKind.DONE, "Stopped", f"stopped on {source.name}"))
        against = safety.other_copies(record, {**scene.elsewhere, target.name: target}, source.name)
        if against:
            return Settle(Outcome(OutcomeKind.BROKEN, "TwoCopies", against))
        full = safety.has_room(record, target, scene.documents.get(target.name))
        if full or move.tried(Verb.MIGRATE) >= TRIES_MAX:
            why = full or "the migration could not be started"
            return start(move, scene, source, Stage.RESTORING, note=f"MigrationNotStarted: {why}")
        return once_more(move, Verb.MIGRATE, scene, source, Stage.MIGRATING)
    deadline_s = record.stage_since_s + record.graceful_s
    if source.clock_s < deadline_s:
        answer = move.last[1].kind if move.last is not None and move.last[0] is Verb.STOP else AnswerKind.DONE
        if answer is AnswerKind.FAILED and move.tried(Verb.STOP) < TRIES_MAX and entry.state is RunState.RUNNING:
            return tell(move, Verb.STOP, scene, source, Stage.STOPPING, since_s=record.stage_since_s)
        return Pause(scene.timing.poll_s, f"{record.guest_name} is shutting down")
    if record.hard_stop and move.may_stop_hard and move.tried(Verb.STOP_HARD) < TRIES_MAX:
        return tell(move, Verb.STOP_HARD, scene, source, Stage.STOPPING, since_s=record.stage_since_s)
    if record.wait and move.may_wait and source.clock_s < deadline_s + scene.timing.wait_for_person_s:
        until = format_moment(deadline_s + scene.timing.wait_for_person_s)
        text = f"waits for a person to shut {record.guest_name} down from inside, until {until}"
        return Pause(PERSON_POLLS * scene.timing.poll_s, text, for_person=True)
    text = f"{record.guest_name} did not stop within {record.graceful_s} s and runs on"
    return Settle(Outcome(OutcomeKind.FAILED, "StopTimedOut", text))


def _migrating(move: Move, scene: Scene, source: HostFacts, target: HostFacts) -> Action:
    """The platform's migration was started: follow it to its end, then decide from where the guest is."""
    record = move.record
    job = source.job(record.id, record.attempt)
    if job is not None and not job.ended:
        if source.clock_s - record.stage_since_s > scene.timing.job_patience_s:
            return Settle(
                Outcome(OutcomeKind.UNKNOWN, "MigrationHangs", f"the migration on {source.name} does not end")
            )
        return follow(move, scene, job)
    here, there = source.registration(record.guest_uuid), target.registration(record.guest_uuid)
    at_source = here is not None and here.startable
    at_target = there is not None and there.startable
    if at_source and at_target:
        if there is not None and not there.runnable and there.state is RunState.TRANSITION:
            return _arriving(move, scene, source)
        stale = discard_stale(move, scene, source, target)
        if stale is not None:
            return stale
        text = f"it runs or could be started on both {source.name} and {target.name}"
        return Settle(Outcome(OutcomeKind.BROKEN, "TwoCopies", text))
    if at_target:
        return _arrived(move, scene, source, target)
    if here is None or not at_source:
        return put_back(move, scene, source, target)
    in_vain = discard_in_vain(move, scene, target)
    if in_vain is not None:
        return in_vain
    why = _last_words(job)
    if record.method is Method.ONLINE:
        return Settle(Outcome(OutcomeKind.ABORTED, "OnlineAborted", f"{why}; {here.state} on {source.name}"))
    if record.stopped_by_us and here.state is RunState.STOPPED:
        return start(move, scene, source, Stage.RESTORING, note=f"OfflineFailed: {why}")
    return Settle(Outcome(OutcomeKind.ABORTED, "OfflineFailed", f"{why}; {here.state} on {source.name}"))


def _last_words(job: Job | None) -> str:
    """Why a migration came to nothing, as far as it said so itself."""
    said = job.output_tail.strip().splitlines()[-1:] if job is not None else []
    if job is not None and job.status is None:
        last = f", last: {said[0][:SAID_MAX]}" if said else ""
        return f"what carried it out has died on its host{last}"
    return said[0][:SAID_MAX] if said else "the migration ended and the guest is still on its source"


def _arriving(move: Move, scene: Scene, source: HostFacts) -> Action:
    """The job is over but the target still shows an arrival: give the platform time to tidy up."""
    if source.clock_s - move.record.stage_since_s > scene.timing.job_patience_s:
        return Settle(Outcome(OutcomeKind.UNKNOWN, "MigrationHangs", "the target still shows an arriving guest"))
    return Pause(scene.timing.poll_s, "the target is tidying up")


def _arrived(move: Move, scene: Scene, source: HostFacts, target: HostFacts) -> Action:
    """The one startable copy is on the target: start it where this move stopped it, then clean up."""
    record = move.record
    there = target.registration(record.guest_uuid)
    if there is None:
        return Settle(Outcome(OutcomeKind.UNKNOWN, "GuestVanished", f"no longer on {target.name}"))
    if there.state is RunState.TRANSITION:
        return Pause(scene.timing.poll_s, f"waiting for {record.guest_name} to come up on {target.name}")
    if record.was is RunState.RUNNING and there.state is RunState.STOPPED:
        if record.stopped_by_us:
            return start(move, scene, target, Stage.STARTING)
        text = f"it arrived on {target.name}, but no longer runs there; nobody asked us to start it"
        return Settle(Outcome(OutcomeKind.FAILED, "StoppedAfterMove", text))
    carrying = carry_autostart(move, scene, target, there)
    if carrying is not None:
        return carrying
    cleaning = clean_source(move, scene, source, target)
    if cleaning is not None:
        return cleaning
    kept = source.left_by(record.id)
    where = f"; its disks at {source.name} are kept: {', '.join(kept)}" if kept else ""
    return Settle(Outcome(OutcomeKind.DONE, "Moved", f"{there.state} on {target.name}{where}"))


def _starting(move: Move, scene: Scene, source: HostFacts, target: HostFacts) -> Action:
    """A start was sent: wait until it runs. For a start step source and target are the same host."""
    record = move.record
    entry = target.registration(record.guest_uuid)
    if entry is None:
        return Settle(
            Outcome(OutcomeKind.UNKNOWN, "GuestVanished", f"no longer on {target.name} while it was starting")
        )
    if entry.state is RunState.RUNNING:
        if record.kind is StepKind.START:
            return Settle(Outcome(OutcomeKind.DONE, "Started", f"running on {target.name}"))
        return _arrived(move, scene, source, target)
    if entry.state is RunState.TRANSITION and target.clock_s - record.stage_since_s <= scene.timing.start_patience_s:
        return Pause(scene.timing.poll_s, f"{record.guest_name} is starting")
    return start(move, scene, target, Stage.STARTING)


def _setting(move: Move, scene: Scene, source: HostFacts, target: HostFacts) -> Action:
    """Settings were about to be changed: for their own sake, or because a move carries them along."""
    if move.record.kind is StepKind.SET:
        return set_here(move, scene, source)
    return _arrived(move, scene, source, target)


def _restoring(move: Move, scene: Scene, source: HostFacts, target: HostFacts) -> Action:
    """The migration failed after we stopped the guest: see that it runs again where it was."""
    record = move.record
    entry = source.registration(record.guest_uuid)
    if entry is None or not entry.startable:
        return Settle(
            Outcome(OutcomeKind.UNKNOWN, "GuestVanished", f"no longer on {source.name} while it was restored")
        )
    if entry.state is RunState.RUNNING:
        reason, _, text = record.note.partition(": ")
        return Settle(Outcome(OutcomeKind.FAILED, reason, f"{text}; it was stopped, and runs again on {source.name}"))
    if entry.state is RunState.TRANSITION and source.clock_s - record.stage_since_s <= scene.timing.start_patience_s:
        return Pause(scene.timing.poll_s, f"{record.guest_name} is starting again on {source.name}")
    return start(move, scene, source, Stage.RESTORING, note=record.note)


def _parked(move: Move, scene: Scene, source: HostFacts, target: HostFacts) -> Action:
    """An earlier move asked the guest to stop and gave up; it has stopped since: start it again where it is."""
    if not has_stopped(move.record, source):
        return Finish(Outcome(OutcomeKind.CHANGED, "NothingDone", "the guest has not stopped late after all"))
    if not marked(move.record):
        note = f"{LATE}: {move.record.note.partition(': ')[2]}"
        guard = Guard(move.record.id, move.record.controller, (Stage.PARKED,), may_be_expired=True)
        return Tell(Verb.RENEW, source.name, replace(move.record, note=note), guard)
    if any(record.under_way for record in source.records):
        patience_s = scene.timing.late_stop_s + scene.timing.start_patience_s
        if source.clock_s - move.record.stage_since_s > patience_s:
            text = f"{move.guest} has stopped late, and {source.name} has had no slot to start it again"
            return Settle(Outcome(OutcomeKind.BROKEN, "GuestDown", text))
        return Pause(scene.timing.poll_s, f"{move.guest} has stopped late; waiting for a slot to start it again")
    late = replace(move, record=replace(move.record, starts=0))
    return start(late, scene, source, Stage.RESTORING, note=move.record.note)


def _cleaning(move: Move, scene: Scene, source: HostFacts, target: HostFacts) -> Action:
    """The source's copies were about to be deleted: see whether they are, else try again."""
    return _arrived(move, scene, source, target)


Handler = Callable[[Move, Scene, HostFacts, HostFacts], Action]

HANDLERS: Mapping[Stage, Handler] = {
    Stage.CLAIMED: _claimed,
    Stage.STOPPING: _stopping,
    Stage.MIGRATING: _migrating,
    Stage.STARTING: _starting,
    Stage.SETTING: _setting,
    Stage.RESTORING: _restoring,
    Stage.CLEANING: _cleaning,
    Stage.PARKED: _parked,
}
