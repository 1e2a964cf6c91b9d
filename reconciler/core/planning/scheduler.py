"""From a diff to a plan: who moves, how, when, and why the others do not. Called once a pass, and by `plan`.

The same fleet in any order gives the same bytes. Never lets a host take more than it holds; verify, which shares no
code with it, proves that for each plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.core.compatibility import Rulebook
from reconciler.core.desired import DesiredFleet, Host
from reconciler.core.diff import Diff
from reconciler.core.model import Load, StepKind
from reconciler.core.observed import ObservedFleet
from reconciler.core.planning.admission import admit
from reconciler.core.planning.intent import digest
from reconciler.core.planning.journey import Journey
from reconciler.core.planning.order.accounts import Accounts, Item
from reconciler.core.planning.order.bounds import work_s
from reconciler.core.planning.order.detours import Detours
from reconciler.core.planning.order.drafts import Draft, draft, turn_away
from reconciler.core.planning.order.layout import Entry, Timetable
from reconciler.core.planning.order.sequence import Taste
from reconciler.core.planning.plan import Blocked, Plan, Reason, Step
from reconciler.core.planning.refusals import growing_where_they_may, without_room, without_slot
from reconciler.core.planning.situation import Situation

BUDGET = 200_000
"""Legs laid out for one plan at most: what is spent on making it better, the same on any machine."""
IN_VAIN_MAX = 6
"""After so many drafts in a row that are no better, none is tried any more."""
HORIZON = 1.2
"""Up to so many times the work of the busiest host, waiting costs nothing where a hop is chosen."""
PATIENCE, IMPATIENCE = 2.0, 3.0
"""From so many times the bound on, each second of a timetable weighs so many seconds of detours."""


def make_plan(
    desired: DesiredFleet,
    observed: ObservedFleet,
    difference: Diff,
    rulebooks: Mapping[str, Rulebook],
    *,
    controller: str = "",
    lost_hosts: frozenset[str] = frozenset(),
) -> Plan:
    """Plan. `controller` is our own name in move records; `lost_hosts` are declared out of play by the operator."""
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
    turn_away(journeys, blocked, without_room(journeys, room))
    best = _best(situation, journeys, room)
    blocked = sorted([*blocked, *best.blocked], key=lambda entry: (entry.guest, entry.uuid))
    steps = _steps(best.timetable, desired.hosts)
    makespan_s = best.timetable.makespan_s
    return Plan(
        fleet=desired.fleet.name,
        commit=desired.commit,
        steps=steps,
        blocked=tuple(blocked),
        makespan_s=makespan_s,
        bound_s=best.bound_s,
        digest=_digest(situation, steps, blocked),
    )


def _best(situation: Situation, journeys: Sequence[Journey], room: Mapping[str, Load]) -> Draft:
    """The best of a few drafts. What makes others wait too long in one has its room made first in the next."""
    detours = Detours(situation)
    accounts = Accounts.of(room, situation.placement, situation.places())
    items = [
        Item.of(number, index, journey.name, leg, accounts)
        for number, journey in enumerate(journeys)
        for index, leg in enumerate(journey.legs)
    ]
    taste = Taste(horizon_s=HORIZON * work_s(items, situation.desired.fleet.limits))
    best = draft(situation, journeys, room, detours, taste, BUDGET)
    spent, latest = best.spent, best
    in_vain = 0
    while in_vain < IN_VAIN_MAX:
        urgent = _urgent(latest, taste)
        early = taste.early | {entry.guest for entry in latest.blocked if entry.reason is Reason.NO_SAFE_ORDER}
        if (not urgent and early == taste.early) or spent + latest.spent > BUDGET:
            break
        taste = replace(taste, urgent=urgent, early=early)
        latest = draft(situation, journeys, room, detours, taste, BUDGET - spent)
        spent += latest.spent
        in_vain += 1
        least_s = min(best.bound_s, latest.bound_s)
        if _cost(latest, least_s) < _cost(best, least_s):
            best, in_vain = latest, 0
    return best


def _urgent(found: Draft, taste: Taste) -> Mapping[str, float]:
    """The guests whose arrival needed a detour of others and comes late, and how much sooner it should."""
    late = dict(taste.urgent)
    if not found.timetable.hopped and not found.timetable.aside:
        return {}
    before = dict(late)
    for entry in found.timetable.entries:
        over_s = entry.end_s - taste.horizon_s
        if over_s > 0:
            name = found.timetable.journeys[entry.journey].name
            late[name] = late.get(name, 0.0) + over_s
    return late if late != before else {}


def _cost(found: Draft, bound_s: float) -> tuple[float, ...]:
    """Fewest guests left out, least downtime, fewest detours, shortest; beyond all patience waiting weighs as well."""
    makespan_s = found.timetable.makespan_s
    impatience_s = IMPATIENCE * max(0.0, makespan_s - PATIENCE * bound_s)
    return (len(found.blocked), found.downtime_s, found.detours_s + impatience_s, makespan_s)


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
