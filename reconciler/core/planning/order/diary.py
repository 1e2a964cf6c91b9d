"""When hosts are busy and when their room comes free, as far as an order goes: good enough to choose by.

Called where a hop is chosen. The timetable proper is made afterwards, and does better.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from math import inf

from reconciler.core.desired import Limits
from reconciler.core.model import StepKind
from reconciler.core.planning.order.accounts import Amounts, Item

Busy = list[tuple[float, float]]
"""Spans of time, in order, which do not overlap."""


class Diary:
    """Spans in which each host sends and receives. Of several slots each is taken for so many times as fast."""

    def __init__(self, free: Sequence[int], hosts: int, limits: Limits) -> None:
        self.sends: list[Busy] = [[] for _ in range(hosts)]
        one_at_a_time = limits.concurrent_host <= 1
        self.receives: list[Busy] = self.sends if one_at_a_time else [[] for _ in range(hosts)]
        self.sending_slots = max(1, min(limits.concurrent_out, limits.concurrent_host))
        self.receiving_slots = max(1, min(limits.concurrent_in, limits.concurrent_host))
        self.debts = [max(0, -amount) for amount in free]
        self.comes: list[list[tuple[float, int]]] = [[(0.0, amount)] if amount > 0 else [] for amount in free]
        """Account -> what of it comes free when."""
        self.over_s: dict[int, float] = {}
        """Journey -> when its last leg is over."""

    def room_s(self, takes: Amounts) -> float:
        """When so much has come free; infinite where it has not yet."""
        latest_s = 0.0
        for account, amount in takes:
            for moment_s, comes in self.comes[account]:
                amount -= comes
                if amount <= 0:
                    latest_s = max(latest_s, moment_s)
                    break
            else:
                return inf
        return latest_s

    def ends_s(self, source: Busy, target: int, since_s: float, seconds: float) -> float:
        """When a move from a host that sends like this would be over at the earliest."""
        slots = min(self.sending_slots, self.receiving_slots)
        return _gap(source, self.receives[target], since_s, seconds / slots) + seconds

    def write(self, item: Item) -> float:
        """The item comes next in the order; when it is over."""
        since_s = max(self.over_s.get(item.journey, 0.0), self.room_s(item.takes))
        sends, receives = self.sends[item.source], self.receives[item.target]
        start_s = _gap(sends, receives, since_s, item.seconds)
        insort(sends, (start_s, start_s + item.seconds / self.sending_slots))
        if item.leg.kind is StepKind.MIGRATE:
            insort(receives, (start_s, start_s + item.seconds / self.receiving_slots))
        end_s = start_s + item.seconds
        for account, amount in item.takes:
            self._take(account, amount)
        for account, amount in item.frees:
            paid = min(self.debts[account], amount)
            self.debts[account] -= paid
            if amount > paid:
                insort(self.comes[account], (end_s, amount - paid))
        self.over_s[item.journey] = end_s
        return end_s

    def _take(self, account: int, amount: int) -> None:
        comes = self.comes[account]
        while amount > 0 and comes:
            moment_s, there = comes[0]
            if there > amount:
                comes[0] = (moment_s, there - amount)
                return
            comes.pop(0)
            amount -= there


def _gap(one: Busy, other: Busy, since_s: float, seconds: float) -> float:
    """The first moment since then at which neither is busy for so long."""
    lists = (one,) if one is other else (one, other)
    settled = False
    while not settled:
        settled = True
        for busy in lists:
            number = bisect_left(busy, (since_s, since_s))
            if number and busy[number - 1][1] > since_s:
                since_s, settled = busy[number - 1][1], False
                number = bisect_left(busy, (since_s, since_s))
            while number < len(busy) and busy[number][0] < since_s + seconds:
                since_s, settled = max(since_s, busy[number][1]), False
                number += 1
    return since_s
