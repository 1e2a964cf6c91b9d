"""The part of `advance` that turns looks into a plan, and a pass, over or under way, into a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.core.commands import Guard, Verb
from reconciler.core.desired import DesiredFleet
from reconciler.core.desired.violations import violations
from reconciler.core.diff import Diff, Finding, diff
from reconciler.core.execution import evidence
from reconciler.core.execution.brakes import STANDING, BrakeReason, brakes
from reconciler.core.execution.lateness import has_stopped, marked, may_stop_late, stopped_late
from reconciler.core.execution.outcome import Outcome, OutcomeKind
from reconciler.core.execution.run import Run, StepState
from reconciler.core.model import Method, Setting, StepKind
from reconciler.core.observed import HostFacts, ObservedFleet, Unreachable
from reconciler.core.planning.attempts import against_aside
from reconciler.core.planning.plan import Brake, Plan, Step
from reconciler.core.planning.scheduler import make_plan
from reconciler.core.planning.stillness import drift_marked, sent_aside
from reconciler.core.planning.verify import verify
from reconciler.core.planning.ways.learned import noted, with_paces
from reconciler.core.planning.windows import opened
from reconciler.core.records import MoveRecord, Stage
from reconciler.core.reports.conditions import conditions
from reconciler.core.reports.report import GuestStatus, Report, Result, StepRun
from reconciler.errors import InvariantBroken
from reconciler.loop import moving
from reconciler.loop.effects import Ask, Forget, Publish, Remember
from reconciler.loop.state import Config, Pass, Phase, State
from reconciler.loop.turn import Turn


def look_at_all(turn: Turn) -> None:
    """Look at every host that is declared and in play."""
    turn.change(phase=Phase.LOOKING)
    for host in sorted(turn.the_pass.desired.hosts):
        if host in turn.config.lost_hosts:
            turn.saw(host, Unreachable(host, "declared lost by the operator"), turn.now_s)
        else:
            turn.look(host)


def looked_at_all(turn: Turn) -> None:
    """The fleet was looked at: bring what is under way to its end, else plan."""
    if turn.the_pass.superseded is not None:
        turn.change(desired=turn.the_pass.superseded, superseded=None, run=None, rounds=0, difference=None)
        if set(turn.the_pass.desired.hosts) - set(turn.seen):
            look_at_all(turn)
            return
    turn.evidence, observed = evidence.gather(turn.evidence, turn.observed(), turn.now_s)
    turn.effects.append(Remember(turn.evidence))
    if not turn.the_pass.settled and _adopt_all(turn, observed):
        turn.change(phase=Phase.SETTLING)
        return
    turn.change(settled=True)
    _plan(turn, observed)


def _adopt_all(turn: Turn, observed: ObservedFleet) -> bool:
    """Take over every move under way that is ours or that its controller has left; the others are hands off."""
    found: dict[str, tuple[HostFacts, MoveRecord]] = {}
    for facts in observed.reachable():
        for record in facts.records:
            if record.id not in found or facts.name == record.source:
                found[record.id] = (facts, record)
    taken = {run.step.id for run in turn.the_pass.adopted} | set(turn.moves)
    busy = {host for move in turn.moves.values() for host in move.hosts}
    for record_id in sorted(found):
        facts, record = found[record_id]
        if record_id in taken or busy & {record.source, record.target}:
            continue  # two that hold one end each of the other's would wait for each other's slot for ever
        ours = record.controller == turn.config.controller
        known = record.source in turn.the_pass.desired.hosts and record.target in turn.the_pass.desired.hosts
        late = record.stage is Stage.PARKED and stopped_late(record, facts, turn.config.timing)
        if known and may_stop_late(record, facts.clock_s, turn.config.timing) and not late:
            moving.watch(turn, record)
        if known and (late or (record.under_way and (ours or record.expires_s <= facts.clock_s))):
            moving.adopt(turn, record)
            busy |= {record.source, record.target}
    return moving.pressing(turn)


def planned(
    config: Config,
    desired: DesiredFleet,
    observed: ObservedFleet,
    difference: Diff,
    machines: Mapping[str, str] | None = None,
) -> Plan:
    """The plan, proven safe by the separate replay, with the commands it would send. `machines` is host -> machine id
    as last reported, which the diff was made with.

    Raises InvariantBroken where the proof fails: such a plan is never shown or run.
    """
    plan = make_plan(
        desired,
        observed,
        _forgetting(difference, config.retry),
        config.rulebooks,
        controller=config.controller,
        lost_hosts=config.lost_hosts,
    )
    faults = verify(desired, observed, plan, lost_hosts=config.lost_hosts, previous_machines=machines)
    if faults:
        raise InvariantBroken("I3", "; ".join(faults))
    plan = noted(plan, desired, observed)
    steps = tuple(replace(step, commands=_commands(config, step)) for step in plan.steps)
    return replace(plan, steps=steps, violations=violations(desired))


def _forgetting(difference: Diff, retry: frozenset[str]) -> Diff:
    """The same diff without what earlier attempts left behind for these guests."""
    records = [record for record in difference.records if record.under_way or record.guest_name not in retry]
    return replace(difference, records=tuple(records))


def _commands(config: Config, step: Step) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What a step sends to the guest's hosts when all goes well, made by the function that makes what is sent."""
    record = moving.record_of(step, step.id, step.attempt, config.controller)
    verbs: list[tuple[Verb, str]] = []
    if step.kind is StepKind.SET:
        each = (replace(record, settings=(pair,)) for pair in step.settings)
        return tuple((step.source, config.make_command(Verb.SET, step.source, one, None).argv) for one in each)
    if step.kind is StepKind.START:
        verbs = [(Verb.START, step.source)]
    elif step.kind is StepKind.STOP:
        verbs = [(Verb.STOP, step.source)]
    else:
        verbs = [(Verb.CHECK, step.source)]
        restart = step.method is Method.OFFLINE and step.running
        verbs += [(Verb.STOP, step.source)] if restart else []
        verbs += [(Verb.MIGRATE, step.source)]
        verbs += [(Verb.START, step.target)] if restart else []
        if step.autostart:
            record = replace(record, settings=((Setting.AUTOSTART.value, "on"),))
            verbs += [(Verb.SET, step.target)]
        verbs += [(Verb.DELETE_COPY, step.source)] if step.delete_source else []
    return tuple((host, config.make_command(verb, host, record, None).argv) for verb, host in verbs)


def _plan(turn: Turn, observed: ObservedFleet) -> None:
    """Compare, plan, and run, ask or report."""
    current = turn.the_pass
    difference = diff(current.desired, observed, current.begin.previous_machines)
    desired = with_paces(opened(current.desired, turn.now_s), turn.config.paces)
    begun = [run.step for run in (*current.adopted, *current.done) if run.progress.started_s is not None]
    desired = drift_marked(desired, difference, current.begin.settled, current.started_s, turn.config.retry, begun)
    plan = planned(turn.config, desired, observed, difference, current.begin.previous_machines)
    held = _brakes(turn, desired, observed, plan)
    plan = replace(plan, brakes=held)
    seen_before = current.rounds > 0 and any(plan.digest == earlier.digest for earlier in current.plans)
    turn.change(difference=difference, plans=(*current.plans, plan), rounds=current.rounds + 1)
    turn.note("plan", digest=plan.digest, steps=len(plan.steps), blocked=len(plan.blocked))
    if not held and not current.stopping:
        _tidy(turn, observed, difference)
    fleet = current.desired.fleet
    idle = not plan.steps or held or current.stopping or seen_before or current.rounds >= turn.config.rounds_max
    if idle:
        turn.change(phase=Phase.RUNNING, run=Run.of(current.begin.pass_id, replace(plan, steps=()), fleet.limits))
        return
    if turn.config.ask:
        turn.change(phase=Phase.ASKING)
        turn.effects.append(Ask(plan))
        return
    _start_run(turn, plan)


def _start_run(turn: Turn, plan: Plan) -> None:
    current = turn.the_pass
    run_id = current.begin.pass_id if len(current.plans) == 1 else f"{current.begin.pass_id}-{len(current.plans)}"
    fleet = current.desired.fleet
    if aside := sent_aside(plan.steps):
        turn.effects.append(Forget(aside))
    turn.change(phase=Phase.RUNNING, run=Run.of(run_id, plan, fleet.limits, fleet.networks))


def decided(turn: Turn, run: bool) -> None:
    """A person said yes or no to the plan."""
    plan = turn.the_pass.plans[-1]
    if run:
        _start_run(turn, plan)
        return
    brake = Brake(BrakeReason.NOT_APPROVED, "the plan was shown and not approved")
    turn.change(stopping=True, plans=(*turn.the_pass.plans[:-1], replace(plan, brakes=(*plan.brakes, brake))))
    report(turn)


def _brakes(turn: Turn, desired: DesiredFleet, observed: ObservedFleet, plan: Plan) -> tuple[Brake, ...]:
    current = turn.the_pass
    held = brakes(
        desired,
        observed,
        plan,
        previous_guests=current.begin.previous_guests,
        bad_runs=current.begin.bad_runs,
        allow=turn.config.allow,
        done=_done(current),
        lost_hosts=turn.config.lost_hosts,
    )
    if turn.config.allow_report_mode:
        held = tuple(brake for brake in held if brake.reason != BrakeReason.REPORT_MODE)
    before = tuple(brake for brake in turn.config.held if plan.steps or brake.reason in STANDING)
    return (*before, *held)


def _done(current: Pass) -> dict[str, int]:
    """The moves and stops that earlier rounds of this pass have begun."""
    begun = [run.step for run in current.done if run.progress.started_s is not None]
    return {
        "moves": sum(step.kind is StepKind.MIGRATE for step in begun),
        "stops": sum(step.stops_guest for step in begun),
    }


def _tidy(turn: Turn, observed: ObservedFleet, difference: Diff) -> None:
    """Take away parked records of guests that are in place: what they remember no longer matters, unless others still
    want such a guest to step aside."""
    in_place = {
        found.uuid: found for found in difference.guests if found.finding in (Finding.IN_PLACE, Finding.RENAMED)
    }
    guests = turn.the_pass.desired.guests
    for facts in observed.reachable():
        for record in facts.records:
            watched = may_stop_late(record, facts.clock_s, turn.config.timing)
            watched = watched or (marked(record) and has_stopped(record, facts))
            found = in_place.get(record.guest_uuid) if record.stage is Stage.PARKED and not watched else None
            if found is None:
                continue
            guest = guests.get(found.name)
            kept = guest is not None and guest.name not in turn.config.retry and against_aside(guest, record, observed)
            if not kept:
                guard = Guard(record.id, record.controller, (Stage.PARKED,), may_be_expired=True)
                turn.send(turn.config.make_command(Verb.RELEASE, facts.name, record, guard), "", "tidy")


def run_ended(turn: Turn) -> None:
    """All steps of the run have ended: plan what is left, or report."""
    current = turn.the_pass
    run = current.run
    if run is None:
        raise InvariantBroken("loop", "the end of a run that never was")
    turn.change(done=(*current.done, *_step_runs(turn, run, _reported(turn, run))))
    if run.plan.steps or (current.superseded is not None and not current.stopping):
        turn.change(run=None)
        look_at_all(turn)
    else:
        report(turn)


def _reported(turn: Turn, run: Run) -> tuple[Step, ...]:
    """The steps that the end of the run tells of. One that waits for a person is reported when it ends."""
    left_out = () if turn.the_pass.frozen else (StepState.STARTED,)
    return tuple(step for step in run.plan.steps if run.progress[step.id].state not in left_out)


def _step_runs(turn: Turn, run: Run, steps: Iterable[Step]) -> tuple[StepRun, ...]:
    """How each of these steps of the run went, with every command of every attempt."""
    step_runs = []
    for step in steps:
        prefix = moving.record_prefix(run, step)
        mine = [record_id for record_id in turn.steps if record_id.startswith(prefix)]
        log = tuple(entry for record_id in mine for entry in turn.log.get(record_id, ()))
        step_runs.append(StepRun(step, run.progress[step.id], log, moving.where(turn, step)))
    return tuple(step_runs)


def report(turn: Turn) -> None:
    """The pass is over."""
    current = turn.the_pass
    if current.frozen and current.run is not None:
        turn.change(done=(*current.done, *_step_runs(turn, current.run, _reported(turn, current.run))))
        current = turn.the_pass
    observed = _observed(turn)
    difference = current.difference or diff(current.desired, observed, current.begin.previous_machines)
    plan = current.plans[-1] if current.plans else None
    result = _result(plan, difference, (*current.adopted, *current.done))
    commit = current.desired.commit
    turn.note("report", id=current.begin.pass_id, commit=commit.id if commit else "")
    turn.effects.append(Publish(_told(turn, result, observed, difference), current.desired))
    turn.current = None
    turn.moves, turn.waiting, turn.doing = {}, {}, {}


def interim(state: State, now_s: float) -> Report | None:
    """What the pass under way has done so far; None where there is nothing to tell: no pass, or no steps planned.

    Pure, and part of no pass: whoever publishes it neither hastens nor delays anything. A guest whose step is under way
    is told of as it was when the plan was made: what hosts say of it meanwhile means nothing yet. The run's record is
    not written before the pass is over; its path, which the files of moved guests name, is known from the beginning.
    """
    turn = Turn(state, max(now_s, state.now_s))
    current = turn.current
    if current is None or current.run is None or current.difference is None or not current.run.plan.steps:
        return None
    return _midway(turn, Result.RUNNING, current.run, (StepState.WAITING,))


def left(state: State, now_s: float) -> Report | None:
    """What a pass that is left in the middle has done; None where it has begun nothing.

    What is under way is not among its steps: the pass that takes it over reports how it ended.
    """
    turn = Turn(state, max(now_s, state.now_s))
    current = turn.current
    if current is None or not (current.run or current.done or current.adopted):
        return None
    if current.run is not None:
        return _midway(turn, Result.INCOMPLETE, current.run, (StepState.WAITING, StepState.STARTED))
    observed = _observed(turn)
    turn.change(plans=tuple(replace(plan, steps=()) for plan in current.plans[-1:]))
    difference = diff(current.desired, observed, current.begin.previous_machines)
    return _told(turn, Result.INCOMPLETE, observed, difference)


def _midway(turn: Turn, result: Result, run: Run, untold: tuple[StepState, ...]) -> Report:
    """The report of a pass in the middle of this run, without its steps in these states."""
    current, observed = turn.the_pass, _observed(turn)
    waiting = tuple(step for step in run.plan.steps if run.progress[step.id].state is StepState.WAITING)
    told = tuple(step for step in run.plan.steps if run.progress[step.id].state not in untold)
    moving = {step.uuid for step in run.started}
    before = current.difference.guests if current.difference is not None else ()
    planned = {guest.uuid: guest for guest in before if guest.uuid in moving}
    fresh = diff(current.desired, observed, current.begin.previous_machines)
    difference = replace(fresh, guests=tuple(planned.get(guest.uuid, guest) for guest in fresh.guests))
    turn.change(
        done=(*current.done, *_step_runs(turn, run, told)), plans=(*current.plans, replace(run.plan, steps=waiting))
    )
    return _told(turn, result, observed, difference, frozenset(step.guest for step in run.started))


def milestones(state: State) -> tuple[tuple[str, int, StepState], ...]:
    """How far each step of the pass under way has come: while this stays as it is, an interim report has no news."""
    run = state.current.run if state.current is not None else None
    if run is None:
        return ()
    return tuple((f"{run.id}/{step}", entry.attempt, entry.state) for step, entry in sorted(run.progress.items()))


def _observed(turn: Turn) -> ObservedFleet:
    """The newest looks, with the boots' floors, for CI's plans."""
    return evidence.gather(turn.evidence, turn.observed(), turn.now_s)[1]


def _told(
    turn: Turn, result: Result, observed: ObservedFleet, difference: Diff, moving: frozenset[str] = frozenset()
) -> Report:
    """The report of the pass as it stands. The last plan is what is left; guests that are `moving` have a step under
    way."""
    current = turn.the_pass
    plan = current.plans[-1] if current.plans else None
    outcomes = _outcomes((*current.adopted, *current.done))
    blocked = {entry.guest: entry for entry in reversed(plan.blocked)} if plan else {}
    pending = moving | {step.guest for step in plan.steps} if plan else moving
    guests = tuple(
        GuestStatus(guest, conditions(guest, blocked.get(guest.name), outcomes.get(guest.name), guest.name in pending))
        for guest in difference.guests
    )
    return Report(
        id=current.begin.pass_id,
        fleet=current.desired.fleet.name,
        controller=turn.config.controller,
        commit=current.desired.commit,
        started_s=current.started_s,
        ended_s=turn.now_s,
        result=result,
        difference=difference,
        plans=current.plans,
        steps=current.done,
        guests=guests,
        observed=observed,
        brakes=plan.brakes if plan else (),
        adopted=current.adopted,
    )


def _outcomes(done: tuple[StepRun, ...]) -> dict[str, Outcome]:
    """How each guest's last step ended."""
    return {run.step.guest: run.progress.outcome for run in done if run.progress.outcome is not None}


def _result(plan: Plan | None, difference: Diff, done: tuple[StepRun, ...]) -> Result:
    if plan is None:
        return Result.INCOMPLETE
    standing = any(brake.reason in STANDING for brake in plan.brakes)
    if standing or (plan.brakes and (plan.steps or not difference.converged)):
        return Result.HELD
    last = {run.step.guest: run for run in done}
    loose = any(
        run.progress.state is StepState.UNKNOWN
        or (run.progress.outcome is not None and run.progress.outcome.kind is OutcomeKind.BROKEN)
        for run in last.values()
    )
    if plan.steps or loose:
        return Result.INCOMPLETE
    return Result.BLOCKED if plan.blocked else Result.CONVERGED
