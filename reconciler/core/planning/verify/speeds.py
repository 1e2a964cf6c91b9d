"""Room whichever step takes longer, or shorter, than predicted: steps begin by `after`, not by the clock.

However late a departure is, what needs its room waits for it. So for any arrivals that may have begun together, what
they take is covered by room that is free at the start and by departures that at least one of them waits for. That is so
exactly where each MiB an arrival takes can be given to it from free room, or from a departure it waits for itself: a
flow, which is looked for here, host by host.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from itertools import pairwise
from operator import and_

from reconciler.core.planning.plan import Step
from reconciler.core.planning.verify.ground import Fault, Ground
from reconciler.core.planning.verify.loads import room
from reconciler.core.planning.verify.replay import DIMENSIONS


def faults(ground: Ground) -> Iterator[Fault]:
    """Arrivals that may come before what makes room for them has gone. Asked only
    where the replay has found nothing."""
    steps = sorted(ground.plan.steps, key=lambda step: (step.start_s, step.id))
    arriving: dict[str, list[int]] = {}
    leaving: dict[str, list[int]] = {}
    for number, step in enumerate(steps):
        arriving.setdefault(step.target, []).append(number)
        leaving.setdefault(step.source, []).append(number)
    before = waits_for(steps)
    for host, there in sorted(room(ground).items()):
        for dimension, what in DIMENSIONS:
            free = getattr(there, dimension)
            needs = {n: getattr(steps[n].load, dimension) for n in arriving.get(host, ())}
            needs = {number: need for number, need in needs.items() if need > 0}
            if not needs or sum(needs.values()) <= free:
                continue
            gone = {}
            if dimension != "disk_mib":  # whether a copy at the source may go is known only once the move is proven
                gone = {number: getattr(steps[number].frees, dimension) for number in leaving.get(host, ())}
            for number in uncovered(free, needs, gone, before):
                step, short = steps[number], f"{what} on {host}"
                yield Fault.of(step, f"could begin before what makes room for it has gone: {needs[number]} {short}")


def waits_for(steps: Sequence[Step]) -> list[int]:
    """Each step -> the steps that have ended before it begins, whatever the speeds, as bits of one number."""
    numbers = {step.id: number for number, step in enumerate(steps)}
    found: list[int] = []
    for step in steps:
        bits = 0
        for name in step.after:
            before = numbers[name]
            bits |= found[before] | 1 << before
        found.append(bits)
    return found


def uncovered(free: int, needs: Mapping[int, int], gone: Mapping[int, int], before: Sequence[int]) -> list[int]:
    """Arrivals (step -> what it needs) that neither what is free nor departures they wait for (step -> what it leaves)
    cover. A host that is over already takes nothing before its debt is paid: there each
    arrival in turn has to bring, besides its own need, the whole debt from departures it waits for."""
    mask = sum(1 << number for number, amount in gone.items() if amount > 0)
    reach = {number: before[number] & mask for number in needs}
    if free >= 0:
        return _Flow(free, gone, reach).uncovered(needs)
    for_all = reduce(and_, reach.values())
    if not _Flow(0, gone, {DEBT: for_all, **reach}).uncovered({DEBT: -free, **needs}):
        return []  # what all of them wait for pays the debt, and there is no need to ask each
    for number in needs:
        late = _Flow(0, gone, {DEBT: reach[number], **reach}).uncovered({DEBT: -free, **needs})
        if late:
            return [number if arrival == DEBT else arrival for arrival in late]
    return []


DEBT = -1
"""What a host is over by, among the arrivals."""
POOL = -1
"""The room that is free at the start, among the departures."""

Path = list[tuple[int, int]]
"""(arrival, giver) pairs: each arrival gets from its giver what the next one then has to get elsewhere."""


class _Flow:
    """Who gets whose room: changed as long as that helps one more arrival to its need."""

    def __init__(self, free: int, gone: Mapping[int, int], reach: Mapping[int, int]) -> None:
        self.left = {POOL: free, **gone}
        self.reach = reach
        """Arrival -> the departures it waits for, as bits."""
        self.open = sum(1 << number for number, amount in gone.items() if amount > 0)
        """The departures that have room left, as bits."""
        self.given: dict[int, dict[int, int]] = {giver: {} for giver in self.left}

    def uncovered(self, needs: Mapping[int, int]) -> list[int]:
        """The arrivals that get less than they need, however room is shared out."""
        short = []
        for arrival, amount in needs.items():
            while amount > 0:
                path = self._straight(arrival) or self._way_round(arrival)
                if path is None:
                    short.append(arrival)
                    break
                amount -= self._push(path, amount)
        return short

    def _straight(self, arrival: int) -> Path | None:
        """Room that is left for this very arrival."""
        if self.left[POOL] > 0 and arrival != DEBT:
            return [(arrival, POOL)]
        usable = self.reach[arrival] & self.open
        return [(arrival, _lowest(usable))] if usable else None

    def _way_round(self, arrival: int) -> Path | None:
        """The shortest way to room that is left, by others that could get theirs elsewhere."""
        came: dict[int, tuple[int, int | None]] = {}
        queue: deque[tuple[int, int | None]] = deque([(arrival, None)])
        seen = {arrival}
        while queue:
            arrival, over = queue.popleft()
            for giver in self._givers(arrival):
                if giver in came:
                    continue
                came[giver] = (arrival, over)
                if self.left[giver] > 0:
                    return _traced(came, giver)
                for other, amount in self.given[giver].items():
                    if other not in seen and amount > 0:
                        seen.add(other)
                        queue.append((other, giver))
        return None

    def _givers(self, arrival: int) -> Iterator[int]:
        if arrival != DEBT:
            yield POOL
        bits = self.reach[arrival]
        while bits:
            lowest = _lowest(bits)
            yield lowest
            bits ^= 1 << lowest

    def _push(self, path: Path, amount: int) -> int:
        """Pass on along the path as much as goes; how much that is."""
        last = path[-1][1]
        amount = min(amount, self.left[last])
        for (_, giver), (other, _) in pairwise(path):
            amount = min(amount, self.given[giver][other])
        self.left[last] -= amount
        if last != POOL and not self.left[last]:
            self.open ^= 1 << last
        for arrival, giver in path:
            self.given[giver][arrival] = self.given[giver].get(arrival, 0) + amount
        for (_, giver), (other, _) in pairwise(path):
            self.given[giver][other] -= amount
        return amount


def _lowest(bits: int) -> int:
    """The lowest bit that is set."""
    return (bits & -bits).bit_length() - 1


def _traced(came: Mapping[int, tuple[int, int | None]], giver: int) -> Path:
    """The path to this giver, from its beginning."""
    path: Path = []
    step: int | None = giver
    while step is not None:
        arrival, before = came[step]
        path.append((arrival, step))
        step = before
    return path[::-1]
