"""The problem in which remedies are tried: as it is where that is small, else what is left of it once the plan is done.

Called where remedies are looked for. A scene is what an order is looked for in, so that what is found in it is what the
planner finds: now, or in the pass after this plan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.core.diff import Finding, GuestDiff, Place
from reconciler.core.model import Load, Method, RunState, StepKind
from reconciler.core.planning.journey import Journey
from reconciler.core.planning.order.times.layout import Entry, Timetable
from reconciler.core.planning.plan import Remedy, RemedyKind
from reconciler.core.planning.situation import Situation

LATER = " (once the rest of this plan is done)"
"""What is said of remedies that were tried in what is left then."""
EVERYBODY_MAX = 30
"""Up to so many guests, those on any host may have a part; else those on hosts that others wait for."""
UNTRIED = Remedy(RemedyKind.NOT_FOUND, "too many guests are blocked to try what would help each")
"""What is said where nothing was tried."""
THIRDS_MAX = 60
"""Where a fleet is large, guests are supposed to rest on one of so many hosts."""


@dataclass(frozen=True)
class Scene:
    """Who wants to go where, and what room there is."""

    situation: Situation
    journeys: tuple[Journey, ...]
    room: Mapping[str, Load]
    blocked: frozenset[str]
    """The guests that stay where they are in the plan."""
    emptied: frozenset[str] = frozenset()
    """Hosts that guests leave and none is declared on."""
    later: bool = False
    """Whether it is what is left once the plan is done."""

    def of(self, guests: Collection[str]) -> Scene:
        """The same with these journeys only."""
        return replace(self, journeys=tuple(journey for journey in self.journeys if journey.name in guests))

    def around(self, hosts: Collection[str]) -> Scene:
        """The same without guests that can hardly have a part in it: in their place, on other hosts, under no rule, and
        not allowed to step aside. With everybody, where these are few."""
        if len(self.situation.difference.guests) <= EVERYBODY_MAX:
            return self
        documents, about = self.situation.desired.guests, self.situation.placement.bearing
        going = {journey.name for journey in self.journeys}

        def has_part(found: GuestDiff) -> bool:
            document = documents.get(found.name)
            if document is None or found.name in about or found.name in going:
                return True
            return document.host in hosts or document.migration.step_aside

        difference = self.situation.difference
        guests = tuple(found for found in difference.guests if has_part(found))
        return replace(self, situation=replace(self.situation, difference=replace(difference, guests=guests)))

    def near(self, hosts: Collection[str]) -> Scene:
        """The same with these hosts, and of the others only the roomiest."""
        others = sorted((name for name in self.room if name not in hosts), key=self._roomiest)
        kept = {*hosts, *others[:THIRDS_MAX]}
        situation = replace(
            self.situation, hosts={name: facts for name, facts in self.situation.hosts.items() if name in kept}
        )
        room = {name: load for name, load in self.room.items() if name in kept}
        return replace(self, situation=situation, room=room)

    def _roomiest(self, host: str) -> tuple[int, str]:
        return -self.room[host].memory_mib, host


def after(scene: Scene, timetable: Timetable) -> Scene:
    """What is left once everything in the timetable is done."""
    situation, room = scene.situation, dict(scene.room)
    last: dict[int, Entry] = {}
    for entry in timetable.entries:
        room[entry.leg.target] -= entry.leg.takes
        room[entry.leg.source] += replace(entry.leg.frees, disk_mib=0)
        if entry.journey not in last or entry.index > last[entry.journey].index:
            last[entry.journey] = entry
    registrations, names = dict(situation.registrations), dict(situation.uuid_by_name)
    settled: dict[str, GuestDiff] = {}
    for number, entry in last.items():
        journey = timetable.journeys[number]
        host, state = entry.leg.target, _state(entry)
        stopped = any(leg.method is not Method.ONLINE for leg in journey.legs if leg.kind is StepKind.MIGRATE)
        seen = replace(journey.entry, state=state, boot_floor=None if stopped else journey.entry.boot_floor)
        registrations[host, seen.uuid] = seen
        names[host, seen.name] = seen.uuid
        found = journey.difference
        place = Place(host, state, True)
        if found.finding is not Finding.RENAMED:
            settled[found.name] = replace(found, finding=Finding.IN_PLACE, places=(place,), power=None, settings=())
    difference = replace(
        situation.difference, guests=tuple(settled.get(found.name, found) for found in situation.difference.guests)
    )
    later = replace(situation, difference=difference, registrations=registrations, uuid_by_name=names)
    left = tuple(journey for journey in scene.journeys if journey.name in scene.blocked)
    return replace(scene, situation=later, journeys=left, room=room, later=True)


def hosts_of(journeys: Iterable[Journey]) -> frozenset[str]:
    """All hosts that these journeys touch."""
    return frozenset(host for journey in journeys for leg in journey.legs for host in (leg.source, leg.target))


def knots(journeys: Sequence[Journey]) -> list[list[Journey]]:
    """Journeys that have hosts in common, directly or over others, belong together; largest knots last."""
    knot_of: dict[str, list[Journey]] = {}
    touches: dict[int, set[str]] = {}
    for journey in sorted(journeys, key=lambda journey: journey.name):
        hosts = set(hosts_of([journey]))
        touched = {id(knot_of[host]): knot_of[host] for host in sorted(hosts) if host in knot_of}
        knot = [entry for other in touched.values() for entry in other] + [journey]
        hosts |= {host for other in touched for host in touches[other]}
        touches[id(knot)] = hosts
        for host in hosts:
            knot_of[host] = knot
    found = {id(knot): sorted(knot, key=lambda journey: journey.name) for knot in knot_of.values()}
    return sorted(found.values(), key=lambda knot: (len(knot), knot[0].name))


def _state(entry: Entry) -> RunState:
    """Whether its guest runs once the step is done."""
    if entry.leg.kind in (StepKind.START, StepKind.STOP):
        return RunState.RUNNING if entry.leg.kind is StepKind.START else RunState.STOPPED
    return RunState.RUNNING if entry.leg.running else RunState.STOPPED
