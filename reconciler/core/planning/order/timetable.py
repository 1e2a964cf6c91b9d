"""Give every leg of every journey a start: list scheduling, event by event, with a hop where full hosts wait in a ring.

Called by the scheduler. Takes the journeys as given; never asks a platform's rule, but through `find_hop`.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.core.desired import Limits
from reconciler.core.model import Load, StepKind
from reconciler.core.planning.journey import Journey, Leg
from reconciler.core.planning.order.room import Ledger, shortage
from reconciler.core.planning.order.slots import Slots
from reconciler.core.records import MoveRecord


@dataclass(frozen=True)
class Entry:
    """One leg with its place in time. `after` are numbers of other entries of the same timetable."""

    number: int
    journey: int
    index: int
    """Which leg of its journey."""
    leg: Leg
    start_s: float
    after: frozenset[int]

    @property
    def end_s(self) -> float:
        """When it is predicted to be over."""
        return self.start_s + self.leg.duration.total_s


@dataclass(frozen=True)
class Stuck:
    """A journey that cannot go on. `begun` where some of its legs are laid out."""

    journey: int
    host: str
    lacks: Load
    for_good: bool
    """Whether the room would be lacking even if everything that is to leave the host had left."""
    begun: bool


@dataclass(frozen=True)
class Timetable:
    """What came of it. `journeys` are those given, some with a hop more."""

    journeys: tuple[Journey, ...]
    entries: tuple[Entry, ...]
    stuck: tuple[Stuck, ...]
    hopped: frozenset[int]
    """Journeys that were given a hop."""

    @property
    def makespan_s(self) -> float:
        """When the last leg is over."""
        return max((entry.end_s for entry in self.entries), default=0.0)


@dataclass(frozen=True)
class Standstill:
    """Where things stand when nothing can begin and nothing is under way: for whoever looks for a hop."""

    journeys: Sequence[Journey]
    next_leg: Mapping[int, int]
    """Journey -> index of the leg that cannot begin."""
    ledgers: Mapping[str, Ledger]
    slots: Slots


FindHop = Callable[[Standstill], tuple[int, Leg, Leg] | None]
"""The journey that shall make a detour, and the two legs that take the place of its next one."""

Order = Callable[[Leg, Mapping[str, float], Mapping[str, int]], tuple[float, ...]]
"""What begins first: from the leg, the seconds of work left at each host, the MiB each host lacks for its arrivals."""


def busiest_first(leg: Leg, work_s: Mapping[str, float], lacking_mib: Mapping[str, int]) -> tuple[float, ...]:
    """Longest remaining host work first; what keeps guests running before what does not."""
    return (-max(work_s[leg.source], work_s[leg.target]), leg.stops_guest, -leg.duration.total_s)


def relief_first(leg: Leg, work_s: Mapping[str, float], lacking_mib: Mapping[str, int]) -> tuple[float, ...]:
    """First what leaves a host that lacks room, for one that does not."""
    return (-min(lacking_mib[leg.source], leg.frees.memory_mib), lacking_mib[leg.target], -work_s[leg.source])


def smallest_first(leg: Leg, work_s: Mapping[str, float], lacking_mib: Mapping[str, int]) -> tuple[float, ...]:
    """First what could stand least in anybody's way."""
    return (leg.takes.memory_mib, -work_s[leg.source])


ORDERS: tuple[Order, ...] = (busiest_first, relief_first, smallest_first)
"""Tried in this order where the first one meets a knot."""


def lay_out(
    journeys: Sequence[Journey],
    room: Mapping[str, Load],
    limits: Limits,
    under_way: Iterable[MoveRecord],
    order: Order,
    find_hop: FindHop,
) -> Timetable:
    """Begin at each moment whatever may begin, in this order, until all is done or stuck."""
    desk = _Desk(list(journeys), {host: Ledger(load) for host, load in room.items()}, Slots(limits, under_way), order)
    desk.set_out()
    while True:
        desk.begin_what_can()
        if desk.running:
            desk.end_what_ends_next()
        elif not desk.next_leg or not _detour(desk, find_hop):
            break
    stuck = [desk.stuck(number) for number in sorted(desk.next_leg)]
    return Timetable(tuple(desk.journeys), tuple(desk.entries), tuple(stuck), frozenset(desk.hopped))


def _detour(desk: _Desk, find_hop: FindHop) -> bool:
    """Untie knots: one hop in each group of hosts that have to do with each other, all at once."""
    tied = dict(desk.next_leg)
    found = False
    while tied:
        hop = find_hop(Standstill(desk.journeys, tied, desk.ledgers, desk.slots))
        if hop is None:
            break
        found = True
        number, away, back = hop
        group = _group({index: desk.leg(index) for index in tied}, number)
        tied = {index: leg for index, leg in tied.items() if index not in group}
        desk.detour(number, away, back)
    return found


def _group(legs: Mapping[int, Leg], number: int) -> set[int]:
    """The journeys that have to do with this one: those that share a host with it, or with one that does."""
    by_host: dict[str, list[int]] = defaultdict(list)
    for index, leg in legs.items():
        for host in {leg.source, leg.target}:
            by_host[host].append(index)
    group, fresh = {number}, [number]
    while fresh:
        leg = legs[fresh.pop()]
        for index in (*by_host.pop(leg.source, ()), *by_host.pop(leg.target, ())):
            if index not in group:
                group.add(index)
                fresh.append(index)
    return group


@dataclass
class _Desk:
    """The state while a timetable is made."""

    journeys: list[Journey]
    ledgers: dict[str, Ledger]
    slots: Slots
    order: Order
    now_s: float = 0.0
    entries: list[Entry] = field(default_factory=list)
    running: list[tuple[float, int]] = field(default_factory=list)
    """Heap of (end, entry number)."""
    next_leg: dict[int, int] = field(default_factory=dict)
    """Journeys that are neither under way nor over -> the leg to begin."""
    last_entry: dict[int, int] = field(default_factory=dict)
    work_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    lacking_mib: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    ready: dict[bool, list[tuple[tuple[float, ...], str, int]]] = field(default_factory=lambda: {True: [], False: []})
    """Whether it is a migration -> heap of journeys that may be able to go on."""
    waits: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Host -> journeys that wait for a slot or for room there; they are looked at again when something ends there."""
    hopped: set[int] = field(default_factory=set)

    def set_out(self) -> None:
        """Everything waits, nothing has begun."""
        wanted: dict[str, int] = defaultdict(int)
        for journey in self.journeys:
            for leg in journey.legs:
                self._count_work(leg, 1)
                wanted[leg.target] += leg.takes.memory_mib
        for host, ledger in self.ledgers.items():
            self.lacking_mib[host] = max(0, wanted[host] - ledger.memory.available)
        for number, journey in enumerate(self.journeys):
            if journey.legs:
                self.next_leg[number] = 0
                self.consider(number)

    def leg(self, number: int) -> Leg:
        """What the journey would begin now."""
        return self.journeys[number].legs[self.next_leg[number]]

    def consider(self, number: int) -> None:
        """Put the journey where it is looked at next."""
        leg = self.leg(number)
        # A setting is changed in seconds: it goes first, so that moves never hold it back for good.
        key = (leg.kind is not StepKind.SET, not leg.hop, *self.order(leg, self.work_s, self.lacking_mib))
        heapq.heappush(self.ready[leg.kind is StepKind.MIGRATE], (key, self.journeys[number].name, number))

    def begin_what_can(self) -> None:
        """Begin everything that has slots and room now. Migrations that the fleet has no slot for stay ready."""
        while True:
            heaps = [heap for moves, heap in self.ready.items() if heap and not (moves and self.slots.fleet_full)]
            if not heaps:
                return
            _, _, number = heapq.heappop(min(heaps, key=lambda heap: heap[0]))
            leg = self.leg(number)
            full = self.slots.full(leg)
            if full is not None:
                self.waits[full].append(number)
            elif not self.ledgers[leg.target].fits(leg.takes):
                self.waits[leg.target].append(number)
            else:
                self.begin(number)

    def begin(self, number: int) -> None:
        """The journey's next leg is under way from now."""
        leg = self.leg(number)
        after = self.ledgers[leg.target].take(leg.takes)
        if number in self.last_entry:
            after.add(self.last_entry[number])
        self.slots.take(leg)
        self._count_work(leg, -1)
        index = self.next_leg.pop(number)
        entry = Entry(len(self.entries), number, index, leg, self.now_s, frozenset(after))
        self.entries.append(entry)
        heapq.heappush(self.running, (entry.end_s, entry.number))

    def detour(self, number: int, away: Leg, back: Leg) -> None:
        """The journey goes over a third host, from now."""
        index = self.next_leg[number]
        legs = self.journeys[number].legs
        self._count_work(legs[index], -1)
        self.journeys[number] = replace(self.journeys[number], legs=(*legs[:index], away, back, *legs[index + 1 :]))
        self._count_work(away, 1)
        self._count_work(back, 1)
        self.hopped.add(number)
        for waiting in self.waits.values():
            if number in waiting:
                waiting.remove(number)
        self.begin(number)

    def end_what_ends_next(self) -> None:
        """Go to the next moment at which something ends, and end all that ends then."""
        self.now_s = self.running[0][0]
        wake: set[int] = set()
        while self.running and self.running[0][0] <= self.now_s:
            _, number = heapq.heappop(self.running)
            entry = self.entries[number]
            self.slots.give(entry.leg)
            self.ledgers[entry.leg.source].give(entry.number, entry.leg.frees)
            self.last_entry[entry.journey] = entry.number
            if entry.index + 1 < len(self.journeys[entry.journey].legs):
                self.next_leg[entry.journey] = entry.index + 1
                wake.add(entry.journey)
            for host in (entry.leg.source, entry.leg.target):
                wake.update(self.waits.pop(host, ()))
        for number in sorted(wake):
            self.consider(number)

    def stuck(self, number: int) -> Stuck:
        """Why the journey cannot go on."""
        leg = self.leg(number)
        there = self.ledgers[leg.target].available
        lacks = shortage(leg.target, leg.takes, there)
        leaving = Load.total(
            other.frees
            for index, begun in self.next_leg.items()
            if index != number
            for other in self.journeys[index].legs[begun:]
            if other.source == leg.target
        )
        in_the_end = there + Load(leaving.memory_mib, leaving.cpu_percent)
        for_good = shortage(leg.target, leg.takes, in_the_end) is not None
        return Stuck(number, leg.target, lacks.load if lacks else Load(), for_good, self.next_leg[number] > 0)

    def _count_work(self, leg: Leg, by: int) -> None:
        """One leg more, or less, to do."""
        for host in {leg.source, leg.target}:
            self.work_s[host] += by * leg.duration.total_s
