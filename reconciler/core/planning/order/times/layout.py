"""The timetable itself: entries with their starts, and which entries each has to wait for.

Called by the scheduler once an order has its starts. Each MiB that an arrival takes is traced to free room or to a
departure, and the arrival waits for these departures: whatever respects `after`, in any order and at any speed, keeps
every host within its capacity. Nothing begins later than its given start.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.core.desired import Fleet
from reconciler.core.model import Load, StepKind
from reconciler.core.planning.journey import Journey, Leg
from reconciler.core.planning.order.accounts import Item
from reconciler.core.planning.order.room import Account
from reconciler.core.planning.order.times.slots import Slots
from reconciler.core.planning.order.times.timetable import Starts
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
    rules: tuple[str, ...]
    """Rules that keep guests apart and have no place left for it on the host."""


@dataclass(frozen=True)
class Timetable:
    """What came of it. `journeys` are those given, some with a hop more, and bystanders that step aside."""

    journeys: tuple[Journey, ...]
    entries: tuple[Entry, ...]
    stuck: tuple[Stuck, ...]
    hopped: frozenset[int]
    """Journeys that were given a hop."""
    aside: frozenset[int]
    """Journeys of bystanders."""

    @property
    def makespan_s(self) -> float:
        """When the last leg is over."""
        return max((entry.end_s for entry in self.entries), default=0.0)


def lay_out(
    order: Sequence[Item],
    starts: Starts,
    free: Sequence[int],
    hosts: Sequence[str],
    fleet: Fleet,
    records: Sequence[MoveRecord],
) -> tuple[Entry, ...]:
    """The entries of an order, numbered as they begin. The starts given are kept up to rounding, or made earlier."""
    accounts: dict[int, Account] = {}
    lanes = _Lanes(fleet, hosts, records)
    last: dict[int, int] = {}
    """Journey -> its last entry."""
    numbers: dict[int, int] = {}
    """Place in the order -> entry."""
    entries: list[Entry] = []
    for begins, turn in _events(order, starts):
        item = order[turn]
        for account, _ in item.takes if begins else item.frees:
            if account not in accounts:
                accounts[account] = Account(free[account])
        if not begins:
            for account, amount in item.frees:
                accounts[account].give(numbers[turn], amount)
            continue
        after = {last[item.journey]} if item.journey in last else set()
        for account, amount in item.takes:
            after.update(accounts[account].take(amount))
        start_s = lanes.take(item, max((entries[other].end_s for other in after), default=0.0))
        numbers[turn] = last[item.journey] = len(entries)
        entries.append(Entry(len(entries), item.journey, item.index, item.leg, start_s, frozenset(after)))
    return tuple(entries)


def _events(order: Sequence[Item], starts: Starts) -> Iterator[tuple[bool, int]]:
    """(whether it begins, place in the order) of all starts and ends; where they coincide, ends come first."""
    events = [(round(start_s, 6), True, turn) for turn, start_s in enumerate(starts)]
    events += [(round(start_s + order[turn].seconds, 6), False, turn) for turn, start_s in enumerate(starts)]
    for _, begins, turn in sorted(events):
        yield begins, turn


class _Lanes:
    """When each slot comes free again."""

    def __init__(self, fleet: Fleet, hosts: Sequence[str], records: Sequence[MoveRecord]) -> None:
        limits, used = fleet.limits, Slots(fleet, hosts, records)
        count = range(len(hosts))
        self.sends = [[0.0] * max(1, limits.concurrent_out - used.leaving[host]) for host in count]
        self.receives = [[0.0] * max(1, limits.concurrent_in - used.arriving[host]) for host in count]
        self.touches = [[0.0] * max(1, limits.concurrent_host - used.touching[host]) for host in count]
        self.fleet = [0.0] * max(1, limits.concurrent - used.moving)
        self.networks = {
            network.name: [0.0] * max(1, network.concurrent - used.on_network[network.name])
            for network in fleet.networks
        }

    def take(self, item: Item, since_s: float) -> float:
        """Take a slot of each kind from then on, or from when one is free; when that is."""
        if item.leg.kind is not StepKind.MIGRATE:
            alone = self.touches[item.source]
            start_s = max(since_s, *alone)
            alone[:] = [start_s + item.seconds] * len(alone)
            return start_s
        lanes = [
            self.fleet,
            self.sends[item.source],
            self.receives[item.target],
            self.touches[item.source],
            self.touches[item.target],
        ]
        if item.leg.network in self.networks:
            lanes.append(self.networks[item.leg.network])
        start_s = max(since_s, *(lane[0] for lane in lanes))
        for lane in lanes:
            heapq.heapreplace(lane, start_s + item.seconds)
        return start_s
