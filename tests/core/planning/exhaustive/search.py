"""The exact answers, by trying everything there is: who can be served, with how few detours, and how soon.

Small and slow on purpose, and nothing like the planner: states of the whole fleet, and a queue. Called by the
comparison, for a handful of hosts and guests.

The moves: a guest that shall be elsewhere goes there straight, or by way of third hosts where it may rest, three times
at most. One that is in its place and may step aside goes to a third host and straight home again; that counts as a rest
as well. A move holds memory at both ends while it lasts, and its place where guests are kept apart. A guest that is not
served stays where it is.

What can be served does not depend on what is under way at once: moves one after the other, in the order of their ends,
hold less than side by side. So that is answered by places alone.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from tests.core.planning.exhaustive.instances import Instance, Mover

RESTS_MAX = 3
"""How often a guest may rest or step aside: as often as the planner lets it."""


class TooLarge(Exception):
    """More states than we want to look at: no answer."""


class At(NamedTuple):
    """Where a guest is, how often it has rested, whether it had come to its place before."""

    place: int
    rests: int
    home: bool


class Way(NamedTuple):
    """A move that a guest may make: where it is then, and the ticks of moving more than its straight way takes."""

    then: At
    detour: int


def ways(mover: Mover, at: At, hosts: int) -> Iterator[Way]:
    """Every move that the guest may make, whether there is room or not."""
    third = [host for host in range(hosts) if host not in (at.place, mover.target)] if at.rests < RESTS_MAX else []
    if at.place == mover.target:
        for host in third if mover.aside else ():
            yield Way(At(host, at.rests + 1, True), 2 * mover.ticks)
        return
    yield Way(At(mover.target, at.rests, True), 0)
    for host in third if mover.hop and not at.home else ():
        yield Way(At(host, at.rests + 1, False), mover.ticks)


def _start(mover: Mover) -> At:
    return At(mover.source, 0, mover.source == mover.target)


# --- who can be served ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Served:
    """The most guests that can be served, and the fewest ticks of detours it takes to serve so many."""

    guests: int
    detours: int


def most_served(instance: Instance, states_max: int) -> Served:
    """Raises TooLarge."""
    wanting = [number for number, mover in enumerate(instance.movers) if mover.source != mover.target]
    for count in range(len(wanting), -1, -1):
        found = [
            detours
            for chosen in combinations(wanting, count)
            if (detours := least_detours(instance, frozenset(chosen), states_max)) is not None
        ]
        if found:
            return Served(count, min(found))
    raise AssertionError("nobody at all can always be served")


def least_detours(instance: Instance, served: frozenset[int], states_max: int) -> int | None:
    """The fewest ticks of moving more than straight ways take, for these guests to be served; None where they cannot
    be. Raises TooLarge."""
    free, movers = _those_that_move(instance, served)
    goal = [mover.target for mover in movers]
    starts = tuple(map(_start, movers))
    if any(room.over for room in _left(free, movers, goal)):
        return None
    best: dict[tuple[At, ...], int] = {starts: 0}
    queue = [(0, 0, starts)]
    while queue:
        cost, _, state = heapq.heappop(queue)
        if cost > best[state]:
            continue
        if all(at.place == host for at, host in zip(state, goal, strict=True)):
            return cost
        left = _left(free, movers, [at.place for at in state])
        for number, mover in enumerate(movers):
            for way in ways(mover, state[number], len(free)):
                if not left[way.then.place].holds(mover):
                    continue
                then, costs = (*state[:number], way.then, *state[number + 1 :]), cost + way.detour
                if costs < best.get(then, costs + 1):
                    best[then] = costs
                    away = sum(at.place != host for at, host in zip(then, goal, strict=True))
                    heapq.heappush(queue, (costs, away, then))
        if len(best) > states_max:
            raise TooLarge
    return None


class Room(NamedTuple):
    """What a host may still take: memory, and guests that are kept apart."""

    memory_mib: int
    places: int = 1

    @property
    def over(self) -> bool:
        return self.memory_mib < 0 or self.places < 0

    def holds(self, mover: Mover) -> bool:
        return not self.without(mover).over

    def without(self, mover: Mover) -> Room:
        """What is left beside the guest."""
        return Room(self.memory_mib - mover.memory_mib, self.places - mover.apart)


def _those_that_move(instance: Instance, served: frozenset[int]) -> tuple[list[Room], list[Mover]]:
    """The guests that may move, and what the hosts hold besides those that do not."""
    free = list(map(Room, instance.hosts_mib))
    movers = []
    for number, mover in enumerate(instance.movers):
        if number in served or (mover.source == mover.target and mover.aside):
            movers.append(mover)
        else:
            free[mover.source] = free[mover.source].without(mover)
    return free, movers


def _left(free: Sequence[Room], movers: Sequence[Mover], places: Sequence[int]) -> list[Room]:
    left = list(free)
    for mover, place in zip(movers, places, strict=True):
        left[place] = left[place].without(mover)
    return left


# --- how soon ---------------------------------------------------------------------------------------------------------


class Doing(NamedTuple):
    """Where a guest is, and where it will be so many ticks later, where it is under way."""

    at: At
    then: At | None = None
    left: int = 0


class Moment(NamedTuple):
    """All guests at one moment. Of those that begin at the same moment, the one with the larger number begins later."""

    guests: tuple[Doing, ...]
    latest: int
    detours: int


def shortest(instance: Instance, served: frozenset[int], detours: int, below: int, states_max: int) -> int | None:
    """The least ticks in which these guests can be served with no more ticks of detours; None where that takes `below`
    or more. Raises TooLarge.

    Every move begins at once or as another ends: beginning it earlier than that never does harm. So all that is to
    decide is what begins at each of these moments.
    """
    free, movers = _those_that_move(instance, served)
    fleet = _Fleet(instance, movers, free)
    first = Moment(tuple(Doing(_start(mover)) for mover in movers), -1, 0)
    best = {first: 0}
    queue = [(fleet.still(first), 0, 0, first)]
    pushed = 0
    while queue:
        _, _, minus_now, moment = heapq.heappop(queue)
        now = -minus_now
        if now > best[moment]:
            continue
        if fleet.over(moment):
            return now
        for ticks, then in fleet.nexts(moment):
            ends = now + ticks + fleet.still(then)
            if then.detours > detours or ends >= below or now + ticks >= best.get(then, below):
                continue
            best[then] = now + ticks
            pushed += 1
            heapq.heappush(queue, (ends, pushed, -(now + ticks), then))
        if len(best) > states_max:
            raise TooLarge
    return None


class _Fleet:
    """What may begin, and how long the rest takes at least."""

    def __init__(self, instance: Instance, movers: Sequence[Mover], free: Sequence[Room]) -> None:
        self.movers, self.free, self.limits = movers, free, instance.limits
        self.hosts = len(free)

    def over(self, moment: Moment) -> bool:
        return all(
            doing.then is None and doing.at.place == mover.target
            for doing, mover in zip(moment.guests, self.movers, strict=True)
        )

    def nexts(self, moment: Moment) -> Iterator[tuple[int, Moment]]:
        """What may come next: one guest more begins, or time passes until a move ends. With the ticks that passed."""
        under_way = [doing.left for doing in moment.guests if doing.then is not None]
        if under_way:
            passed = min(under_way)
            yield passed, Moment(tuple(_later(doing, passed) for doing in moment.guests), -1, moment.detours)
        for number in range(moment.latest + 1, len(self.movers)):
            doing, mover = moment.guests[number], self.movers[number]
            if doing.then is not None:
                continue
            for way in ways(mover, doing.at, self.hosts):
                if self.may_begin(moment, mover, doing.at.place, way.then.place):
                    begun = Doing(doing.at, way.then, mover.ticks)
                    guests = (*moment.guests[:number], begun, *moment.guests[number + 1 :])
                    yield 0, Moment(guests, number, moment.detours + way.detour)

    def may_begin(self, moment: Moment, mover: Mover, source: int, target: int) -> bool:
        """Whether there are slots and room."""
        moves = [(doing.at.place, doing.then.place) for doing in moment.guests if doing.then is not None]
        limits = self.limits
        if (
            len(moves) >= limits.concurrent
            or sum(here == source for here, _ in moves) >= limits.concurrent_out
            or sum(there == target for _, there in moves) >= limits.concurrent_in
            or any(sum(host in move for move in moves) >= limits.concurrent_host for host in (source, target))
        ):
            return False
        room = self.free[target]
        for doing, other in zip(moment.guests, self.movers, strict=True):
            if target in (doing.at.place, doing.then.place if doing.then is not None else None):
                room = room.without(other)
        return room.holds(mover)

    def still(self, moment: Moment) -> int:
        """Ticks that the rest takes at least: of each host, of the fleet, of each guest."""
        sends, receives = [0] * self.hosts, [0] * self.hosts
        longest = work = 0
        for doing, mover in zip(moment.guests, self.movers, strict=True):
            place, rest = doing.at.place, 0
            if doing.then is not None:
                sends[place] += doing.left
                place = doing.then.place
                receives[place] += doing.left
                rest += doing.left
            if place != mover.target:
                sends[place] += mover.ticks
                receives[mover.target] += mover.ticks
                rest += mover.ticks
            work += rest
            longest = max(longest, rest)
        limits = self.limits
        return max(
            longest,
            -(-work // limits.concurrent),
            -(-max(sends) // limits.concurrent_out),
            -(-max(receives) // limits.concurrent_in),
            -(-max(out + into for out, into in zip(sends, receives, strict=True)) // limits.concurrent_host),
        )


def _later(doing: Doing, ticks: int) -> Doing:
    if doing.then is None:
        return doing
    return Doing(doing.then) if doing.left == ticks else Doing(doing.at, doing.then, doing.left - ticks)
