"""The part of `advance` that drives the moves under way. What is next for a move is core/execution/procedure's to say.

After every command both ends are looked at again, whatever was answered; only then is the next action chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.core.commands import Answer, AnswerKind, Verb
from reconciler.core.desired import AfterDeadline, Cleanup, DesiredFleet, Downtime, Guest, Mode, PowerWish
from reconciler.core.diff import wishes
from reconciler.core.execution import procedure
from reconciler.core.execution.lateness import may_stop_late, stopped_late
from reconciler.core.execution.move import Finish, LookEverywhere, Move, Pause, Scene, Settle, Tell
from reconciler.core.execution.outcome import Outcome, OutcomeKind
from reconciler.core.execution.run import Busy, Progress, Run, state_after
from reconciler.core.model import Method, RunState, StepKind
from reconciler.core.observed import HostFacts, Look, Unreachable
from reconciler.core.planning.plan import Step
from reconciler.core.records import MoveRecord
from reconciler.core.reports.report import CommandRun, StepRun
from reconciler.loop.state import Waiting
from reconciler.loop.turn import Turn

OUTPUT_TAIL = 2000


def begin(turn: Turn, run: Run, step: Step) -> Run:
    """Begin a step: look at both its ends first."""
    attempt = run.progress[step.id].attempt
    record = record_of(step, f"{record_prefix(run, step)}{attempt}", attempt, turn.config.controller)
    begun_s = run.progress[step.id].started_s
    record = replace(record, begun_s=turn.now_s if begun_s is None else begun_s)
    insisted = step.guest in turn.config.retry
    turn.moves[record.id] = Move(record, step.id, retry=turn.the_pass.desired.fleet.retry, insisted=insisted)
    turn.steps[record.id] = step
    turn.note("step", record=record.id, guest=step.guest, source=step.source, target=step.target, attempt=attempt)
    look_again(turn, record.id)
    return run.begin(step.id, turn.now_s)


def record_prefix(run: Run, step: Step) -> str:
    """What the ids of a step's records begin with; the attempt follows. Short: ids become part of commands."""
    return f"{run.id}.{step.id.partition('-')[0]}."


def adopt(turn: Turn, record: MoveRecord) -> None:
    """Take over a move that an earlier controller, or an earlier life of this one, left under way."""
    desired = turn.the_pass.desired
    document = _document(desired, record)
    turn.moves[record.id] = Move(
        record,
        adopted=True,
        retry=desired.fleet.retry,
        may_stop_hard=_then(document, record) is AfterDeadline.HARD,
        may_wait=_then(document, record) is AfterDeadline.WAIT,
        may_set=document is not None and set(record.settings) <= set(wishes(document)),
        may_delete=document is not None and document.migration.cleanup is Cleanup.DELETE,
    )
    turn.steps[record.id] = step_of(record)
    turn.note("adopting", record=record.id, guest=record.guest_name, stage=record.stage.value, by=record.controller)
    look_again(turn, record.id)


def _document(desired: DesiredFleet, record: MoveRecord) -> Guest | None:
    """The document that a move may rest on now; None where there is none, or nothing may be changed."""
    acting = desired.fleet.mode is Mode.APPLY
    return next((guest for guest in desired.guests.values() if acting and guest.name == record.guest_name), None)


def _then(document: Guest | None, record: MoveRecord) -> AfterDeadline:
    """What this document lets happen to a guest that ignores the stop of this move."""
    if document is None:
        return AfterDeadline.FAIL
    stops_itself, policy = document.power is PowerWish.STOPPED, document.migration
    may_stop = stops_itself if record.kind is StepKind.STOP else policy.downtime is Downtime.ALLOWED
    return policy.stop.then if may_stop else AfterDeadline.FAIL


def superseded(turn: Turn, desired: DesiredFleet) -> None:
    """A newer commit is there: a move that waits for a person goes on waiting only where that one still says so."""
    for owner, move in turn.moves.items():
        waits = move.may_wait and _then(_document(desired, move.record), move.record) is AfterDeadline.WAIT
        turn.moves[owner] = replace(move, may_wait=waits, waits_for_person=waits and move.waits_for_person)


def pressing(turn: Turn) -> bool:
    """Whether a move is under way that the pass has to wait for: one that waits for a person may take a day."""
    return any(not move.waits_for_person for move in turn.moves.values())


def hand_over(turn: Turn) -> None:
    """What is still under way, waiting for persons, is no longer part of the run, and not of its report."""
    for owner, move in turn.moves.items():
        turn.moves[owner] = replace(move, adopted=True, step_id="")


def foreign(turn: Turn) -> tuple[Busy, ...]:
    """What is under way and not part of the run: other controllers' moves, as seen last, and those taken over."""
    records: dict[str, Busy] = {}
    for seen in turn.seen.values():
        if isinstance(seen.look, HostFacts):
            for record in seen.look.records:
                if record.under_way and record.controller != turn.config.controller:
                    records[record.id] = Busy(record.source, record.target, record.kind, record.network)
    for owner, move in turn.moves.items():
        if move.adopted:
            record = move.record
            records[owner] = Busy(record.source, record.target, record.kind, record.network)
    return tuple(records[record_id] for record_id in sorted(records))


def look_again(turn: Turn, record_id: str) -> None:
    """Look at both ends of a move."""
    turn.moves[record_id] = replace(turn.moves[record_id], since_s=turn.now_s)
    for host in turn.moves[record_id].hosts:
        turn.look(host, record_id)


def looked(turn: Turn, owner: str) -> None:
    """A look came in: when it was the last one this move waits for, choose its next action."""
    if owner == WATCH:
        _watch(turn)
        return
    move = turn.moves.get(owner)
    if move is None or turn.waits(owner, "look", "tell", "wake"):
        return
    source, target = (turn.look_of(host) for host in (move.record.source, move.record.target))
    move = _mark_unreachable(procedure.absorb(move, source, target), source, target, turn.now_s)
    turn.moves[owner] = move
    action = procedure.next_action(move, _scene(turn, move))
    move = replace(
        move,
        waits_for_person=isinstance(action, Pause) and action.for_person,
        looked_everywhere=isinstance(action, LookEverywhere),
    )
    turn.moves[owner] = move
    match action:
        case Tell():
            _tell(turn, owner, move, action)
        case LookEverywhere():
            for host in hosts_of_fleet(turn):
                turn.look(host, owner)
        case Pause(seconds, text, percent, _):
            turn.doing[owner] = (text, percent)
            turn.wake(turn.now_s + seconds, owner)
        case Settle(outcome):
            turn.moves[owner] = replace(move, ending=outcome)
            turn.note("outcome", record=owner, kind=outcome.kind.value, reason=outcome.reason, text=outcome.text)
            looked(turn, owner)
        case Finish(outcome):
            _finish(turn, owner, outcome)


def answered(turn: Turn, waiting: Waiting, answer: Answer) -> None:
    """A command came back, or did not: write it down, and look."""
    command = waiting.command
    if command is None:
        return
    tail = answer.output[-OUTPUT_TAIL:]
    entry = CommandRun(
        command.host,
        command.verb.value,
        command.argv,
        waiting.asked_s,
        turn.now_s,
        answer.kind.value,
        answer.status,
        tail,
    )
    record_id = command.record.id
    turn.log[record_id] = (*turn.log.get(record_id, ()), entry)
    turn.note("answered", record=record_id, verb=command.verb.value, answer=answer.kind.value, status=answer.status)
    move = turn.moves.get(waiting.owner)
    if move is None:
        return
    done = answer.kind is AnswerKind.DONE
    checked = move.checked or (done and command.verb is Verb.CHECK)
    tries = {**move.tries, Verb.RENEW: 0} if done and command.verb is Verb.RENEW else move.tries
    turn.moves[waiting.owner] = replace(move, last=(command.verb, answer), checked=checked, tries=tries)
    look_again(turn, waiting.owner)


def hosts_of_fleet(turn: Turn) -> tuple[str, ...]:
    """Every host where a guest could be registered: all that are declared and not given up by the operator."""
    return tuple(sorted(host for host in turn.the_pass.desired.hosts if host not in turn.config.lost_hosts))


def _tell(turn: Turn, owner: str, move: Move, action: Tell) -> None:
    command = turn.config.make_command(action.verb, action.host, action.record, action.guard)
    tries = {**move.tries, action.verb: move.tried(action.verb) + 1}
    turn.moves[owner] = replace(move, tries=tries, last=None)
    turn.doing[owner] = (DOING.get(action.verb, action.verb.value), None)
    turn.send(command, owner)


DOING: Mapping[Verb, str] = {
    Verb.CLAIM: "claiming both hosts",
    Verb.CHECK: "asking the platform",
    Verb.STOP: "asking the guest to shut down",
    Verb.STOP_HARD: "cutting its power",
    Verb.MIGRATE: "starting the migration",
    Verb.START: "starting the guest",
    Verb.SET: "changing its settings",
    Verb.DELETE_COPY: "deleting the source's copy",
    Verb.PUT_ASIDE: "putting the source's disks aside",
    Verb.DISCARD: "taking away what is left",
    Verb.PUT_BACK: "registering it again where it was",
    Verb.RELEASE: "releasing both hosts",
    Verb.PARK: "releasing both hosts",
    Verb.RENEW: "renewing the move record",
}


def _scene(turn: Turn, move: Move) -> Scene:
    looks: dict[str, Look] = {host: turn.look_of(host) for host in move.hosts}
    others = [host for host in hosts_of_fleet(turn) if host not in looks]
    return Scene(
        looks=looks,
        elsewhere={host: turn.look_of(host) for host in others},
        all_fresh=all(host in turn.seen and turn.seen[host].asked_s >= move.since_s for host in others),
        documents=turn.the_pass.desired.hosts,
        now_s=turn.now_s,
        controller=turn.config.controller,
        timing=turn.config.timing,
    )


def _mark_unreachable(move: Move, source: Look, target: Look, now_s: float) -> Move:
    away = isinstance(source, Unreachable) or isinstance(target, Unreachable)
    if not away:
        return replace(move, unreachable_since_s=None) if move.unreachable_since_s is not None else move
    return move if move.unreachable_since_s is not None else replace(move, unreachable_since_s=now_s)


def _finish(turn: Turn, owner: str, outcome: Outcome) -> None:
    """A move came to its end: the run goes on without it."""
    move = turn.moves.pop(owner)
    turn.doing.pop(owner, None)
    turn.note("finished", record=owner, kind=outcome.kind.value, reason=outcome.reason)
    if move.adopted:
        state = state_after(outcome)
        begun_s = move.record.begun_s
        started_s = begun_s if 0 < begun_s <= turn.now_s else turn.the_pass.started_s
        progress = Progress(state, move.record.attempt, 0.0, started_s, turn.now_s, outcome)
        step_run = StepRun(turn.steps[owner], progress, turn.log.get(owner, ()), where(turn, turn.steps[owner]))
        turn.change(adopted=(*turn.the_pass.adopted, step_run))
        return
    if outcome.reason == "StopTimedOut" and move.record.stopped_by_us:
        turn.change(watched=turn.the_pass.watched | {owner})
    run = turn.the_pass.run
    if run is not None:
        retry_at_s = None
        step = turn.steps[owner]
        if outcome.kind is OutcomeKind.ABORTED and move.record.attempt < step.attempts_max:
            retry_at_s = turn.now_s + move.retry.pause_s(move.record.attempt)
        turn.change(run=run.advance(move.step_id, outcome, turn.now_s, retry_at_s=retry_at_s))


WATCH = "watch"
"""Owner of the looks at hosts where a guest may stop late."""
WATCH_POLLS = 6
"""Polls of a move that go by between two such looks."""


def watch(turn: Turn, record: MoveRecord) -> None:
    """See to this guest, which ignored a stop of an earlier pass, for as long as this pass goes on."""
    turn.steps.setdefault(record.id, step_of(record))
    turn.change(watched=turn.the_pass.watched | {record.id})


def keep_watch(turn: Turn) -> None:
    """While the pass goes on, see to guests that ignored a stop and may stop yet."""
    if turn.the_pass.watched and not turn.waits(WATCH, "wake", "look"):
        turn.wake(turn.now_s + WATCH_POLLS * turn.config.timing.poll_s, WATCH)


def look_at_watched(turn: Turn) -> None:
    """Look at the hosts of guests that may stop late."""
    for host in sorted({turn.steps[record_id].source for record_id in turn.the_pass.watched}):
        turn.look(host, WATCH)


def _watch(turn: Turn) -> None:
    """Take care of a guest that has stopped late; forget one whose watch is over."""
    for record_id in sorted(turn.the_pass.watched):
        facts = turn.look_of(turn.steps[record_id].source)
        record = facts.record(record_id) if isinstance(facts, HostFacts) else None
        if not isinstance(facts, HostFacts) or (record is not None and _still(turn, record, facts)):
            continue
        turn.change(watched=turn.the_pass.watched - {record_id})
        if record is not None and stopped_late(record, facts, turn.config.timing):
            adopt(turn, record)


def _still(turn: Turn, record: MoveRecord, facts: HostFacts) -> bool:
    """Whether the guest runs on and may stop yet."""
    may = may_stop_late(record, facts.clock_s, turn.config.timing)
    return may and not stopped_late(record, facts, turn.config.timing)


def leave_all(run: Run, text: str, now_s: float) -> Run:
    """End every step under way as unknown: its record stays on the hosts."""
    for step in run.started:
        run = run.advance(step.id, Outcome(OutcomeKind.UNKNOWN, "JournalFailed", text), now_s)
    return run.stop()


def where(turn: Turn, step: Step) -> str:
    """Where the guest of a step was seen last, on its two ends."""
    places = []
    for host in step.hosts:
        look = turn.look_of(host)
        if isinstance(look, Unreachable):
            places.append(f"{host}: not read")
            continue
        entry = look.registration(step.uuid)
        if entry is not None:
            places.append(f"{host}: {entry.state}{'' if entry.runnable else ', not runnable'}")
    return "; ".join(places) or "not seen on either end"


def record_of(step: Step, record_id: str, attempt: int, controller: str) -> MoveRecord:
    """The move record that a step begins with."""
    return MoveRecord(
        id=record_id,
        guest_uuid=step.uuid,
        guest_name=step.known_as or step.guest,
        kind=step.kind,
        source=step.source,
        target=step.target,
        method=step.method or Method.OFFLINE,
        was=RunState.RUNNING if step.running else RunState.STOPPED,
        intent=step.intent,
        facts=step.facts,
        controller=controller,
        attempt=attempt,
        load=step.load,
        graceful_s=step.stop.graceful_s,
        hard_stop=step.stop.then is AfterDeadline.HARD,
        wait=step.stop.then is AfterDeadline.WAIT,
        delete_source=step.delete_source,
        hop=step.hop,
        via=step.via,
        network=step.network,
        settings=step.settings,
        autostart=step.autostart,
        copies=step.copies,
        converge=step.converge,
        vouched=step.vouched,
    )


def step_of(record: MoveRecord) -> Step:
    """A step as an adopted record tells it, for the report."""
    return Step(
        id=record.id,
        kind=record.kind,
        guest=record.guest_name,
        uuid=record.guest_uuid,
        source=record.source,
        target=record.target,
        method=record.method if record.kind is StepKind.MIGRATE else None,
        running=record.was is RunState.RUNNING,
        reason=f"left under way by {record.controller} at stage {record.stage}",
        intent=record.intent,
        facts=record.facts,
        load=record.load,
        hop=record.hop,
        delete_source=record.delete_source,
        via=record.via,
        network=record.network or "",
        settings=record.settings if record.kind is StepKind.SET else (),
        autostart=record.autostart,
        copies=record.copies,
        converge=record.converge,
        vouched=record.vouched,
        attempt=record.attempt,
    )
