"""Room whichever step takes longer, or shorter, than predicted: steps begin by `after`, not by the clock.

However late a departure is, what needs its room waits for it. So for any arrivals that may have begun together, what
they take is covered by room that is free at the start and by departures that at least one of them waits for. That is so
exactly where each MiB an arrival takes can be given to it from free room, or from a departure it waits for itself: a
flow, which is looked for here, host by host.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from reconciler.core.planning.plan import Step
from reconciler.core.planning.verify.ground import Ground, Violation
from reconciler.core.planning.verify.loads import room
from reconciler.core.planning.verify.replay import DIMENSIONS


def violations(ground: Ground) -> Iterator[Violation]:
    """Arrivals that may come before what makes room for them has gone. Asked only
    where the replay has found nothing."""
    steps = sorted(ground.plan.steps, key=lambda step: (step.start_s, step.id))
    arriving: dict[str, list[int]] = {}
    leaving: dict[str, list[int]] = {}
    for number, step in enumerate(steps):
        arriving.setdefault(step.target, []).append(number)
        leaving.setdefault(step.source, []).append(number)
    waits_for = _waits_for(steps)
    for host, there in sorted(room(ground).items()):
        for dimension, what in DIMENSIONS:
            free = getattr(there, dimension)
            needs = {n: getattr(steps[n].load, dimension) for n in arriving.get(host, ())}
            needs = {number: need for number, need in needs.items() if need > 0}
            if sum(needs.values()) <= free:
                continue
            gone = {}
            if dimension != "disk_mib":  # whether a copy at the source may go is known only once the move is proven
                gone = {number: getattr(steps[number].frees, dimension) for number in leaving.get(host, ())}
            for number in _uncovered(free, needs, gone, waits_for):
                step, short = steps[number], f"{what} on {host}"
                yield Violation.of(step, f"could begin before what makes room for it has gone: {needs[number]} {short}")


def _waits_for(steps: Sequence[Step]) -> list[int]:
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


def _uncovered(free: int, needs: Mapping[int, int], gone: Mapping[int, int], waits_for: Sequence[int]) -> list[int]:
    """Arrivals that are not covered. A host that is over already takes nothing before its debt is paid: there each
    arrival in turn has to bring, besides its own need, the whole debt from departures it waits for."""
    usable = {need: [left for left in gone if gone[left] > 0 and waits_for[need] >> left & 1] for need in needs}
    if free >= 0:
        return _Flow(free, gone).uncovered(needs, usable)
    for need in needs:
        late = _Flow(0, gone).uncovered({DEBT: -free, **needs}, {DEBT: usable[need], **usable})
        if late:
            return [need if number == DEBT else number for number in late]
    return []


DEBT = -1
"""What a host is over by, among the arrivals."""
POOL = -1
"""The room that is free at the start, among the departures."""


@dataclass
class _Flow:
    """Who gets whose room: changed as long as that helps one more arrival to its need."""

    free: int
    gone: Mapping[int, int]

    def uncovered(self, needs: Mapping[int, int], usable: Mapping[int, Sequence[int]]) -> list[int]:
        """The arrivals that get less than they need, however room is shared out."""
        left = {POOL: self.free, **self.gone}
        given: dict[int, dict[int, int]] = {giver: {} for giver in left}
        reach = {need: [POOL, *usable[need]] if self.free else usable[need] for need in needs}
        short = []
        for need, amount in needs.items():
            while amount > 0:
                path = _path(need, reach, left, given)
                if path is None:
                    short.append(need)
                    break
                amount -= _push(path, amount, left, given)
        return short


Path = list[tuple[int, int]]
"""(arrival, giver) pairs: each arrival gets from its giver what the next one then has to get elsewhere."""


def _path(
    need: int, reach: Mapping[int, Sequence[int]], left: Mapping[int, int], given: Mapping[int, Mapping[int, int]]
) -> Path | None:
    """The shortest way to room that is left."""
    came: dict[int, tuple[int, int | None]] = {}
    queue: deque[tuple[int, int | None]] = deque([(need, None)])
    seen = {need}
    while queue:
        arrival, over = queue.popleft()
        for giver in reach[arrival]:
            if giver in came:
                continue
            came[giver] = (arrival, over)
            if left[giver] > 0:
                path: Path = []
                step: int | None = giver
                while step is not None:
                    arrival, before = came[step]
                    path.append((arrival, step))
                    step = before
                return path[::-1]
            for other in given[giver]:
                if other not in seen and given[giver][other] > 0:
                    seen.add(other)
                    queue.append((other, giver))
    return None


def _push(path: Path, amount: int, left: dict[int, int], given: dict[int, dict[int, int]]) -> int:
    """Pass on along the path as much as goes; how much that is."""
    amount = min(amount, left[path[-1][1]])
    for (_, giver), (other, _) in pairwise(path):
        amount = min(amount, given[giver][other])
    left[path[-1][1]] -= amount
    for (arrival, giver), following in zip(path, [*path[1:], None], strict=True):
        given[giver][arrival] = given[giver].get(arrival, 0) + amount
        if following is not None:
            given[giver][following[0]] -= amount
    return amount
