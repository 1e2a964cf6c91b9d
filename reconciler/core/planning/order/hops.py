"""Which guest rests on which third host where full hosts wait on each other.

Called by timetable at a standstill. Chooses the least of evils: no downtime more, no room that others need,
fewest bytes. Never moves a guest whose document forbids hops, nor one that is in its place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.core import capacity
from reconciler.core.model import Load, Method, RunState, StepKind
from reconciler.core.observed import Registration
from reconciler.core.planning import journey
from reconciler.core.planning.admission import barrier, decision_for
from reconciler.core.planning.journey import Journey, Leg
from reconciler.core.planning.order.timetable import Standstill
from reconciler.core.planning.situation import Situation
from reconciler.core.planning.stillness import open_for_rest


@dataclass(frozen=True, order=True)
class Candidate:
    """A guest and a third host with room for it; the smallest one is the best. Rules are asked last: they cost most."""

    helps_nobody_at_once: bool
    """What it frees is not enough for any arrival: a hop more will be needed."""
    starves: bool
    """The third host would lack room for guests that are declared there."""
    moved_mib: int
    guest: str
    host: str
    number: int


def find_hop(situation: Situation, forbidden: frozenset[str], still: Standstill) -> tuple[int, Leg, Leg] | None:
    """The best hop, as journey number and the two legs that replace its next one; None where none is possible.
    `forbidden` are guests whose hop has led nowhere before."""
    if still.slots.fleet_full:
        return None
    wanting = _wanting(still)
    with_downtime = None
    for candidate in sorted(_candidates(situation, forbidden, still, wanting)):
        direct = _next(still, candidate.number)
        for_whom = [name for name, _ in wanting[direct.source] if name != candidate.guest]
        legs = _legs(situation, still.journeys[candidate.number], direct, candidate.host, for_whom)
        if legs is None:
            continue
        if sum(leg.stops_guest for leg in legs) <= direct.stops_guest:
            return (candidate.number, *legs)
        with_downtime = with_downtime or (candidate.number, *legs)
    return with_downtime


def early_hops(situation: Situation, journeys: Sequence[Journey], room: Mapping[str, Load]) -> Iterator[Journey]:
    """These journeys with a hop each, fewest bytes first: for knots that no hop unties any more once others have come
    to the third host."""
    names = [journey.name for journey in journeys]
    candidates = [
        (direct.moved_mib, journey.name, host, index, journey)
        for journey in journeys
        for index, direct in enumerate(journey.legs)
        if direct.kind is StepKind.MIGRATE and journey.guest.migration.hop and not any(leg.hop for leg in journey.legs)
        for host in situation.hosts
        if open_for_rest(situation.desired.hosts[host])
        and host not in (direct.source, direct.target)
        and _takes(situation, journey, direct, host).fits(room[host])
    ]
    for _, name, host, index, planned in sorted(candidates, key=lambda candidate: candidate[:3]):
        for_whom = [other for other in names if other != name]
        legs = _legs(situation, planned, planned.legs[index], host, for_whom)
        if legs is not None:
            yield replace(planned, legs=(*planned.legs[:index], *legs, *planned.legs[index + 1 :]))


def _next(still: Standstill, number: int) -> Leg:
    return still.journeys[number].legs[still.next_leg[number]]


def _wanting(still: Standstill) -> Mapping[str, list[tuple[str, Load]]]:
    """Host -> guests that wait for room there, and what they would take."""
    wanting: dict[str, list[tuple[str, Load]]] = defaultdict(list)
    for number in sorted(still.next_leg):
        leg = _next(still, number)
        wanting[leg.target].append((still.journeys[number].name, leg.takes))
    return wanting


def _candidates(
    situation: Situation, forbidden: frozenset[str], still: Standstill, wanting: Mapping[str, list[tuple[str, Load]]]
) -> Iterator[Candidate]:
    """Every guest that waits on a host others want in, with every third host that has room and a slot for it."""
    for number in sorted(still.next_leg):
        entry, leg = still.journeys[number], _next(still, number)
        arrivals = [takes for name, takes in wanting.get(leg.source, ()) if name != entry.name]
        if leg.kind is not StepKind.MIGRATE or any(leg.hop for leg in entry.legs) or entry.name in forbidden:
            continue
        if not entry.guest.migration.hop or not arrivals or not leg.frees.memory_mib + leg.frees.cpu_percent:
            continue
        room = still.ledgers[leg.source].available + Load(leg.frees.memory_mib, leg.frees.cpu_percent)
        helps = any(takes.fits(room) for takes in arrivals)
        for host in situation.hosts:
            takes = _takes(situation, entry, leg, host)
            if not open_for_rest(situation.desired.hosts[host]):
                continue
            if host in (leg.source, leg.target) or not still.ledgers[host].fits(takes):
                continue
            if still.slots.full(replace(leg, target=host)) is not None:
                continue
            left = still.ledgers[host].available - takes
            starves = any(not wanted.fits(left) for _, wanted in wanting.get(host, ()))
            yield Candidate(not helps, starves, 2 * leg.moved_mib, entry.name, host, number)


def _takes(situation: Situation, entry: Journey, leg: Leg, host: str) -> Load:
    load = capacity.needed(entry.entry, situation.hosts[host], copies=True)
    return load if leg.running else Load(disk_mib=load.disk_mib)


def _legs(
    situation: Situation, planned: Journey, direct: Leg, host: str, for_whom: Sequence[str]
) -> tuple[Leg, Leg] | None:
    """The way over the third host, where the platform and the document allow both legs."""
    source, rest, target = (situation.hosts[name] for name in (direct.source, host, direct.target))
    if (source.name, rest.name) in planned.refused or (rest.name, target.name) in planned.refused:
        return None
    here = _as_of(planned.entry, direct.running)
    if barrier(situation, here, source, rest) is not None:
        return None
    if here.running and not situation.vcpus_fit(here, rest.name):
        return None
    first = decision_for(situation, planned.guest, here, source, rest, planned.only_offline)
    if first.method is None:
        return None
    rebooted = first.method is Method.OFFLINE and here.running
    there = replace(here, boot_floor=None) if rebooted else here
    second = decision_for(situation, planned.guest, there, rest, target, planned.only_offline)
    if second.method is None:
        return None
    away = f"rests on {rest.name} to make room on {source.name} for {', '.join(for_whom)}; declared on {target.name}"
    back = f"declared on {target.name}, after its rest on {rest.name}"
    return (
        journey.migration(planned.guest, here, source, rest, first, away, hop=True),
        journey.migration(planned.guest, there, rest, target, second, back, hop=False),
    )


def _as_of(entry: Registration, running: bool) -> Registration:
    """The registration as it will be when the leg begins."""
    if running is entry.running:
        return entry
    return replace(entry, state=RunState.RUNNING if running else RunState.STOPPED)
