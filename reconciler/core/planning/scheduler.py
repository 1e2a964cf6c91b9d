"""From a diff to a plan: who moves, how, when, and why the others do not. Called once a pass, and by `plan`.

The same fleet in any order gives the same bytes. Never lets a host take more than it holds; verify, which shares no
code with it, proves that for each plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.core.compatibility import Rulebook
from reconciler.core.desired import DesiredFleet, Host
from reconciler.core.diff import Diff
from reconciler.core.model import Load, StepKind
from reconciler.core.observed import ObservedFleet
from reconciler.core.planning.admission import admit
from reconciler.core.planning.intent import digest
from reconciler.core.planning.journey import Journey
from reconciler.core.planning.order.drafts import Draft, turn_away
from reconciler.core.planning.order.search import best_draft
from reconciler.core.planning.order.times.layout import Entry, Timetable
from reconciler.core.planning.plan import Blocked, Plan, Step
from reconciler.core.planning.refusals import growing_where_they_may, without_room, without_slot
from reconciler.core.planning.refusals.remedies import remedied
from reconciler.core.planning.situation import Situation


def make_plan(
    desired: DesiredFleet,
    observed: ObservedFleet,
    difference: Diff,
    rulebooks: Mapping[str, Rulebook],
    *,
    controller: str = "",
    lost_hosts: frozenset[str] = frozenset(),
    improve: bool = True,
) -> Plan:
    """Plan. `controller`: our own name in move records. `lost_hosts`: declared out of play by the operator. Without
    `improve` the first safe schedule is taken, and nobody looks for what would help."""
    situation = Situation.of(desired, observed, difference, rulebooks, controller, lost_hosts)
    journeys: list[Journey] = []
    blocked: list[Blocked] = []
    for found in difference.guests:
        admitted = admit(situation, found)
        if isinstance(admitted, Journey):
            journeys.append(admitted)
        elif admitted is not None:
            blocked.append(admitted)
    journeys.sort(key=lambda journey: journey.name)
    room = situation.room() if journeys else {}
    turn_away(journeys, blocked, without_slot(situation, journeys))
    journeys = growing_where_they_may(journeys, room)
    turn_away(journeys, blocked, without_room(situation, journeys, room))
    best = best_draft(situation, journeys, room, improve=improve)
    blocked = sorted([*blocked, *best.blocked], key=lambda entry: (entry.guest, entry.uuid))
    steps = _steps(best.timetable, desired.hosts)
    makespan_s = best.timetable.makespan_s
    explained, remedies = (
        remedied(situation, journeys, room, blocked, best, _again) if improve else (tuple(blocked), ())
    )
    return Plan(
        fleet=desired.fleet.name,
        commit=desired.commit,
        steps=steps,
        blocked=explained,
        makespan_s=makespan_s,
        bound_s=best.bound_s,
        digest=_digest(situation, steps, blocked),
        remedies=remedies,
    )


def _again(situation: Situation, journeys: Sequence[Journey], room: Mapping[str, Load]) -> Draft:
    """What would come of other journeys: who could go, no matter when."""
    return best_draft(situation, journeys, room, improve=False)


def _steps(timetable: Timetable, hosts: Mapping[str, Host]) -> tuple[Step, ...]:
    """The entries as steps, numbered in the order in which they begin."""
    journeys = timetable.journeys
    ordered = sorted(timetable.entries, key=lambda entry: (entry.start_s, journeys[entry.journey].name, entry.number))
    width = max(2, len(str(len(ordered))))
    ids = {
        entry.number: f"{place:0{width}d}-{journeys[entry.journey].name}"
        for place, entry in enumerate(ordered, start=1)
    }
    return tuple(_step(journeys[entry.journey], entry, ids, hosts) for entry in ordered)


def _step(journey: Journey, entry: Entry, ids: Mapping[int, str], hosts: Mapping[str, Host]) -> Step:
    leg, guest = entry.leg, journey.guest
    intent, attempt = journey.aim_of(entry.index)
    return Step(
        id=ids[entry.number],
        kind=leg.kind,
        guest=guest.name,
        uuid=journey.difference.uuid,
        source=leg.source,
        target=leg.target,
        method=leg.method,
        running=leg.running,
        reason=leg.reason,
        intent=intent,
        facts=leg.facts,
        known_as=journey.difference.known_as,
        after=tuple(sorted(ids[number] for number in entry.after)),
        start_s=entry.start_s,
        duration_s=leg.duration.total_s,
        downtime_s=leg.duration.downtime_s,
        load=leg.takes,
        frees=leg.frees,
        hop=leg.hop,
        aside=leg.aside,
        one_way=leg.one_way,
        stop=guest.migration.stop,
        delete_source=leg.delete_source,
        via=leg.via if leg.kind is StepKind.MIGRATE else "",
        network=leg.network,
        copies=leg.copies,
        converge=leg.converge,
        vouched=leg.vouched,
        settings=leg.settings,
        settings_before=leg.settings_before,
        autostart=leg.autostart,
        attempt=attempt,
        attempts_max=guest.migration.attempts,
    )


def _digest(situation: Situation, steps: Sequence[Step], blocked: Sequence[Blocked]) -> str:
    """One name for what was planned, and on which documents and facts. Predicted times are not in it."""
    desired = situation.desired
    limits = desired.fleet.limits
    return digest(
        [
            desired.commit.id if desired.commit else "",
            [limits.concurrent, limits.concurrent_in, limits.concurrent_out, limits.concurrent_host],
            [
                [
                    step.id,
                    step.kind,
                    step.source,
                    step.target,
                    step.method,
                    step.attempt,
                    step.intent,
                    step.facts,
                    step.after,
                    *([step.settings, step.settings_before] if step.settings else []),
                ]
                for step in steps
            ],
            [[entry.guest, entry.uuid, entry.wanted, entry.place, entry.reason] for entry in blocked],
        ]
    )
