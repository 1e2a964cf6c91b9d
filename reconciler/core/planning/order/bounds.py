"""What no order can beat: how long the same legs take at least, whatever begins when. Called by the scheduler.

Four bounds, the largest counts. Link: the work of the busiest host over its slots, none of which can begin before its
room could be there. Fleet: all work over all slots, as evenly as whole moves can be shared out. Chain: a guest whose
target is full cannot arrive before enough others have left, and these cannot leave before others have left their
targets, to the end. Hops are legs like others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from reconciler.core.desired import Limits
from reconciler.core.model import StepKind
from reconciler.core.planning.journey import Leg
from reconciler.core.planning.order.accounts import Item
from reconciler.core.planning.order.times.sharing import busy_s

PASSES_MAX = 60
"""How often what waits for what is followed one leg further. Stopping early only makes the bound weaker."""
LEAST_S = 1e-6


@dataclass(frozen=True)
class Bound:
    """Seconds, by what they come from."""

    link_s: float = 0.0
    fleet_s: float = 0.0
    chain_s: float = 0.0

    @property
    def best_s(self) -> float:
        """The largest."""
        return max(self.link_s, self.fleet_s, self.chain_s)


def bound(order: Sequence[Item], free: Sequence[int], limits: Limits) -> Bound:
    """The least number of seconds in which these legs can be made, in whatever order. `order` names them."""
    begins_s = _earliest(order, free, max(1, limits.concurrent_out), max(1, limits.concurrent_host))
    moves_s = sum(item.seconds for item in order if item.leg.kind is StepKind.MIGRATE)
    return Bound(
        link_s=_link_s(order, begins_s, limits),
        fleet_s=moves_s / max(1, limits.concurrent),
        chain_s=max((begin + item.seconds for begin, item in zip(begins_s, order, strict=True)), default=0.0),
    )


def fleet_s(order: Sequence[Item], limits: Limits) -> float:
    """The fleet's bound, with each move in one slot from its begin to its end: closer than that of `bound`, and dearer
    to find."""
    moves_s = [item.seconds for item in order if item.leg.kind is StepKind.MIGRATE]
    return busy_s(moves_s, max(1, limits.concurrent))


def work_s(legs: Iterable[Leg], limits: Limits) -> float:
    """How long these take at least, with no regard to room: what the busiest host has to do, or the whole fleet."""
    out: dict[str, float] = defaultdict(float)
    into: dict[str, float] = defaultdict(float)
    every: dict[str, float] = defaultdict(float)
    for leg in legs:
        seconds = leg.duration.total_s
        every[leg.source] += seconds
        if leg.kind is StepKind.MIGRATE:
            every[leg.target] += seconds
            out[leg.source] += seconds
            into[leg.target] += seconds
    return max(
        max(out.values(), default=0.0) / max(1, limits.concurrent_out),
        max(into.values(), default=0.0) / max(1, limits.concurrent_in),
        max(every.values(), default=0.0) / max(1, limits.concurrent_host),
        sum(out.values()) / max(1, limits.concurrent),
    )


def _link_s(order: Sequence[Item], begins_s: Sequence[float], limits: Limits) -> float:
    """The busiest host: out, in, and both together with its starts and stops."""
    out: dict[int, list[tuple[float, float]]] = defaultdict(list)
    into: dict[int, list[tuple[float, float]]] = defaultdict(list)
    every: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for begin_s, item in zip(begins_s, order, strict=True):
        for host in {item.source, item.target}:
            every[host].append((begin_s, item.seconds))
        if item.leg.kind is StepKind.MIGRATE:
            out[item.source].append((begin_s, item.seconds))
            into[item.target].append((begin_s, item.seconds))
    return max(
        _busiest_s(out.values(), max(1, limits.concurrent_out)),
        _busiest_s(into.values(), max(1, limits.concurrent_in)),
        _busiest_s(every.values(), max(1, limits.concurrent_host)),
    )


def _busiest_s(hosts: Iterable[Sequence[tuple[float, float]]], slots: int) -> float:
    """Of all that begins late at a host: the first begin, and then the work of all of them over the slots."""
    longest_s = 0.0
    for work in hosts:
        together_s = 0.0
        for begin_s, seconds in sorted(work, reverse=True):
            together_s += seconds
            longest_s = max(longest_s, begin_s + together_s / slots)
    return longest_s


def _earliest(order: Sequence[Item], free: Sequence[int], sends: int, touches: int) -> list[float]:
    """The earliest begin of each leg, as far as room and the guest's own legs before it go."""
    slots = min(sends, touches)
    begins_s = [0.0] * len(order)
    before = _before(order)
    leaving: dict[int, list[int]] = defaultdict(list)
    arriving: dict[int, list[int]] = defaultdict(list)
    for number, item in enumerate(order):
        for account, _ in item.frees:
            leaving[account].append(number)
        for account, amount in item.takes:
            if amount > free[account]:
                arriving[account].append(number)
    waits = sorted(arriving)
    for _ in range(PASSES_MAX):
        changed: set[int] = set()
        for account in waits:
            leavers = [
                (begins_s[other], order[other].seconds, _freed(order[other], account), other)
                for other in leaving[account]
            ]
            for number in arriving[account]:
                lacking = dict(order[number].takes)[account] - free[account]
                moment_s = _freeing_s(lacking, [entry[:3] for entry in leavers if entry[3] != number], slots)
                if moment_s > begins_s[number] + LEAST_S and moment_s < inf:
                    begins_s[number] = moment_s
                    changed.add(number)
        for number, other in enumerate(before):
            if other >= 0 and begins_s[other] + order[other].seconds > begins_s[number] + LEAST_S:
                begins_s[number] = begins_s[other] + order[other].seconds
                changed.add(number)
        if not changed:
            break
        moved = {account for number in changed for account, _ in order[number].frees}
        waits = sorted(account for account in moved if account in arriving)
        if not waits and not any(other in changed for other in before):
            break
    return begins_s


def _before(order: Sequence[Item]) -> list[int]:
    """For each leg, the one of the same guest before it, or -1."""
    last: dict[int, int] = {}
    before = []
    for number, item in enumerate(order):
        before.append(last.get(item.journey, -1))
        last[item.journey] = number
    return before


def _freed(item: Item, account: int) -> int:
    return sum(amount for freed, amount in item.frees if freed == account)


def _freeing_s(lacking: int, leavers: Sequence[tuple[float, float, int]], slots: int) -> float:
    """The least time in which so much can leave, by (earliest begin, seconds, what it frees) of those that leave: some
    of them have left by then, and their work, the quickest for their size first and the last in part, fits before."""
    best_s = inf
    gone: list[tuple[float, float, int]] = []
    first_s = inf
    for end_s, begin_s, seconds, frees in sorted(
        (begin + seconds, begin, seconds, frees) for begin, seconds, frees in leavers
    ):
        if end_s >= best_s:
            break
        gone.append((seconds / frees, seconds, frees))
        first_s = min(first_s, begin_s)
        left, work_s = lacking, 0.0
        for rate, all_s, amount in sorted(gone):
            if amount >= left:
                work_s, left = work_s + rate * left, 0
                break
            work_s, left = work_s + all_s, left - amount
        if left <= 0:
            best_s = min(best_s, max(end_s, first_s + work_s / slots))
    return best_s
