"""Which guest rests on which third host where full hosts wait on each other.

Called by timetable at a standstill. Chooses the least of evils: no downtime more, no room that others need,
fewest bytes. Never moves a guest whose document forbids hops, nor one that is in its place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.core import capacity
from reconciler.core.model import Load, Method, RunState, StepKind
from reconciler.core.observed import Registration
from reconciler.core.planning import journey
from reconciler.core.planning.admission import barrier, decision_for
from reconciler.core.planning.journey import Journey, Leg
from reconciler.core.planning.order.timetable import Standstill
from reconciler.core.planning.situation import Situation


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
        legs = _legs(situation, still, candidate, wanting)
        if legs is None:
            continue
        direct = _next(still, candidate.number)
        if sum(leg.stops_guest for leg in legs) <= direct.stops_guest:
            return (candidate.number, *legs)
        with_downtime = with_downtime or (candidate.number, *legs)
    return with_downtime


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
        if leg.kind is not StepKind.MIGRATE or number in still.hopped or entry.name in forbidden:
            continue
        if not entry.guest.migration.hop or not arrivals or not leg.frees.memory_mib + leg.frees.cpu_percent:
            continue
        room = still.ledgers[leg.source].available + Load(leg.frees.memory_mib, leg.frees.cpu_percent)
        helps = any(takes.fits(room) for takes in arrivals)
        for host in situation.hosts:
            takes = _takes(situation, entry, leg, host)
            if host in (leg.source, leg.target) or not still.ledgers[host].fits(takes):
                continue
            if still.slots.full(replace(leg, target=host)) is not None:
                continue
            if leg.running and not situation.vcpus_fit(entry.entry, host):
                continue
            left = still.ledgers[host].available - takes
            starves = any(not wanted.fits(left) for _, wanted in wanting.get(host, ()))
            yield Candidate(not helps, starves, 2 * leg.moved_mib, entry.name, host, number)


def _takes(situation: Situation, entry: Journey, leg: Leg, host: str) -> Load:
    load = capacity.needed(entry.entry, situation.hosts[host], copies=True)
    return load if leg.running else Load(disk_mib=load.disk_mib)


def _legs(
    situation: Situation, still: Standstill, candidate: Candidate, wanting: Mapping[str, list[tuple[str, Load]]]
) -> tuple[Leg, Leg] | None:
    """The way over the third host, where the platform and the document allow both legs."""
    planned, direct = still.journeys[candidate.number], _next(still, candidate.number)
    source, rest, target = (situation.hosts[name] for name in (direct.source, candidate.host, direct.target))
    if (source.name, rest.name) in planned.refused or (rest.name, target.name) in planned.refused:
        return None
    here = _as_of(planned.entry, direct.running)
    if barrier(situation, here, source, rest) is not None:
        return None
    first = decision_for(situation, planned.guest, here, source, rest, planned.only_offline)
    if first.method is None:
        return None
    rebooted = first.method is Method.OFFLINE and here.running
    there = replace(here, boot_floor=None) if rebooted else here
    second = decision_for(situation, planned.guest, there, rest, target, planned.only_offline)
    if second.method is None:
        return None
    makes_room_for = ", ".join(name for name, _ in wanting[source.name] if name != planned.name)
    away = f"rests on {rest.name} to make room on {source.name} for {makes_room_for}; declared on {target.name}"
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
